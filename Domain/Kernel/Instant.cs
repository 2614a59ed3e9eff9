namespace BankingEngine.Domain.Kernel;

/// <summary>A point of engine time, in UTC without leap seconds, from 1970 to the end of the year 9999.</summary>
/// <param name="Microseconds">Since 1970-01-01T00:00:00Z; 0 to 253,402,300,799,999,999.</param>
/// <exception cref="ArgumentOutOfRangeException">The value leaves that range.</exception>
public readonly record struct Instant(long Microseconds) : IComparable<Instant>, IUtf8Text<Instant>
{
    public const long MicrosecondsPerSecond = 1_000_000;

    private const int SecondsPerDay = 86_400, LongestFraction = 6, WithoutFraction = 20;
    private const long LastMicrosecond = 253_402_300_799_999_999;

    public long Microseconds { get; init; } = InRange(Microseconds);

    public static Instant First => default;
    public static Instant Last => new(LastMicrosecond);
    public static int MaxTextLength => 27;

    /// <summary>Later by so many microseconds, earlier if negative.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The result leaves the range: see <see cref="TryAdd"/>.</exception>
    public Instant AddMicroseconds(long microseconds) => TryAdd(microseconds, out var sum)
        ? sum
        : throw new ArgumentOutOfRangeException(nameof(microseconds), microseconds, "Leaves the years 1970 to 9999.");

    /// <inheritdoc cref="AddMicroseconds"/>
    /// <exception cref="OverflowException">So many seconds have too many microseconds.</exception>
    public Instant AddSeconds(long seconds) => AddMicroseconds(seconds * MicrosecondsPerSecond);

    /// <summary>Later by so many microseconds.</summary>
    /// <returns>False where the result leaves the range: for durations that a request states.</returns>
    public bool TryAdd(long microseconds, out Instant sum)
    {
        var fits = microseconds >= -Microseconds && microseconds <= LastMicrosecond - Microseconds;
        sum = fits ? new(Microseconds + microseconds) : default;
        return fits;
    }

    /// <summary>The date on a clock that is ahead of UTC by so many seconds.</summary>
    public BusinessDate DateAt(int offsetSeconds)
    {
        var seconds = Microseconds / MicrosecondsPerSecond + offsetSeconds;
        var days = seconds / SecondsPerDay - (seconds % SecondsPerDay < 0 ? 1 : 0);
        return new((int)days);
    }

    /// <summary>Reads <c>2026-11-21T03:37:54.123456Z</c>, its fraction of up to six digits or absent.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out Instant value)
    {
        value = default;
        if (utf8.Length < WithoutFraction || utf8.Length > MaxTextLength || utf8[^1] != (byte)'Z'
            || utf8[10] != (byte)'T' || utf8[13] != (byte)':' || utf8[16] != (byte)':')
            return false;
        if (!BusinessDate.TryParse(utf8[..10], out var date) || date.Day < 0
            || !Digits.TryRead(utf8[11..13], out var hour) || hour > 23
            || !Digits.TryRead(utf8[14..16], out var minute) || minute > 59
            || !Digits.TryRead(utf8[17..19], out var second) || second > 59
            || !TryReadFraction(utf8[19..^1], out var fraction))
            return false;
        var seconds = date.Day * (long)SecondsPerDay + hour * 3600 + minute * 60 + second;
        value = new(seconds * MicrosecondsPerSecond + fraction);
        return true;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out Instant value) => Utf8Text.TryParse(text, out value);

    /// <inheritdoc cref="Utf8Text.Parse{TValue}"/>
    public static Instant Parse(ReadOnlySpan<char> text) => Utf8Text.Parse<Instant>(text);

    /// <summary>Writes 27 bytes, always with six digits of fraction.</summary>
    public bool TryFormat(Span<byte> utf8, out int written)
    {
        written = 0;
        if (utf8.Length < MaxTextLength) return false;
        DateAt(0).TryFormat(utf8, out _);
        var second = (int)(Microseconds / MicrosecondsPerSecond % SecondsPerDay);
        utf8[10] = (byte)'T';
        Digits.Write(utf8[11..13], second / 3600);
        utf8[13] = (byte)':';
        Digits.Write(utf8[14..16], second / 60 % 60);
        utf8[16] = (byte)':';
        Digits.Write(utf8[17..19], second % 60);
        utf8[19] = (byte)'.';
        Digits.Write(utf8[20..26], (int)(Microseconds % MicrosecondsPerSecond));
        utf8[26] = (byte)'Z';
        written = MaxTextLength;
        return true;
    }

    public int CompareTo(Instant other) => Microseconds.CompareTo(other.Microseconds);
    public override string ToString() => Utf8Text.ToText(this);

    public static bool operator <(Instant left, Instant right) => left.Microseconds < right.Microseconds;
    public static bool operator >(Instant left, Instant right) => left.Microseconds > right.Microseconds;
    public static bool operator <=(Instant left, Instant right) => left.Microseconds <= right.Microseconds;
    public static bool operator >=(Instant left, Instant right) => left.Microseconds >= right.Microseconds;

    private static bool TryReadFraction(ReadOnlySpan<byte> utf8, out int microseconds)
    {
        microseconds = 0;
        if (utf8.IsEmpty) return true;
        if (utf8[0] != (byte)'.' || utf8.Length == 1 || !Digits.TryRead(utf8[1..], out microseconds)) return false;
        for (var digits = utf8.Length - 1; digits < LongestFraction; digits++) microseconds *= 10;
        return true;
    }

    private static long InRange(long microseconds) => microseconds is >= 0 and <= LastMicrosecond
        ? microseconds
        : throw new ArgumentOutOfRangeException(nameof(microseconds), microseconds, "Leaves the years 1970 to 9999.");
}
