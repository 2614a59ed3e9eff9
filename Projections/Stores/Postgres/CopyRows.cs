using System.Buffers.Binary;
using System.Text;
using BankingEngine.Domain.Kernel;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>Rows on their way into a table: PostgreSQL's binary copy format, written by hand into one buffer that is
/// used again.</summary>
/// <remarks>Each value is written in the order of the columns, with the table's own type: the server checks it.
/// </remarks>
internal sealed class CopyRows
{
    private const int FirstBytes = 64 * 1024, HeaderBytes = 19, DigitsInGroup = 4, Group = 10_000;
    private const int DaysFrom1970To2000 = 10_957, NullLength = -1;
    private const long MicrosecondsFrom1970To2000 = 946_684_800_000_000;

    /// <summary>Signature, flags and the length of the extension: PostgreSQL documentation, COPY, "Binary
    /// Format".</summary>
    private static readonly byte[] Header =
        [(byte)'P', (byte)'G', (byte)'C', (byte)'O', (byte)'P', (byte)'Y', (byte)'\n', 0xFF, (byte)'\r', (byte)'\n', 0,
            0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>Powers of ten, up to that of an asset's largest scale.</summary>
    private static readonly ulong[] Powers = MakePowers();

    private readonly short _columns;
    private byte[] _bytes = new byte[FirstBytes];
    private int _length;

    public CopyRows(int columns)
    {
        _columns = (short)columns;
        Clear();
    }

    public int Count { get; private set; }

    public void Clear()
    {
        Header.CopyTo(_bytes, 0);
        (_length, Count) = (HeaderBytes, 0);
    }

    /// <summary>Begins a row: one value for each column follows.</summary>
    public void Begin()
    {
        BinaryPrimitives.WriteInt16BigEndian(Take(sizeof(short)), _columns);
        Count++;
    }

    public void Null() => BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), NullLength);

    public void Bool(bool value)
    {
        BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), 1);
        Take(1)[0] = value ? (byte)1 : (byte)0;
    }

    public void Int2(short value)
    {
        BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), sizeof(short));
        BinaryPrimitives.WriteInt16BigEndian(Take(sizeof(short)), value);
    }

    public void Int4(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), sizeof(int));
        BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), value);
    }

    public void Int8(long value)
    {
        BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), sizeof(long));
        BinaryPrimitives.WriteInt64BigEndian(Take(sizeof(long)), value);
    }

    public void Uuid(UInt128 value)
    {
        BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), 16);
        BinaryPrimitives.WriteUInt128BigEndian(Take(16), value);
    }

    public void Date(BusinessDate value) => Int4(value.Day - DaysFrom1970To2000);

    public void Date(BusinessDate? value)
    {
        if (value is { } some) Date(some);
        else Null();
    }

    public void Time(Instant value) => Int8(value.Microseconds - MicrosecondsFrom1970To2000);

    public void Time(Instant? value)
    {
        if (value is { } some) Time(some);
        else Null();
    }

    public void Ascii(ReadOnlySpan<byte> text)
    {
        BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), text.Length);
        text.CopyTo(Take(text.Length));
    }

    public void Text(string? text)
    {
        if (text is null)
        {
            Null();
            return;
        }
        var length = Encoding.UTF8.GetByteCount(text);
        BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), length);
        Encoding.UTF8.GetBytes(text, Take(length));
    }

    public void Text<T>(T value) where T : struct, IUtf8Text<T>
    {
        Span<byte> text = stackalloc byte[Utf8Text.LongestText];
        value.TryFormat(text, out var length);
        Ascii(text[..length]);
    }

    public void Account(AccountId account)
    {
        if (account.IsNone) Null();
        else Text(account);
    }

    public void Tag(Tag tag)
    {
        if (tag.IsNone)
        {
            Null();
            return;
        }
        Span<byte> text = stackalloc byte[Domain.Kernel.Tag.MaxLength];
        Ascii(text[..tag.CopyTo(text)]);
    }

    public void Minor(Int128 minor) => Numeric(minor, scale: 0);

    /// <summary>An amount in units of its asset, with as many decimals as the asset has.</summary>
    public void Major(Amount amount) => Numeric(amount.Minor, amount.Asset.Scale);

    public void Major(Amount? amount)
    {
        if (amount is { } some) Major(some);
        else Null();
    }

    /// <summary>A price of one whole unit, with the eighteen decimals that it is exact to.</summary>
    public void Price(Rate price) => Numeric(price.Parts, Asset.MaxScale);

    /// <summary>Sends the rows and begins anew.</summary>
    /// <param name="options">Behind the format: <c>, freeze</c> for a table made in the same transaction.</param>
    public void Send(NpgsqlConnection to, string table, string options = "")
    {
        if (Count == 0) return;
        BinaryPrimitives.WriteInt16BigEndian(Take(sizeof(short)), -1);
        using (var copy = to.BeginRawBinaryCopy($"copy {table} from stdin (format binary{options})"))
            copy.Write(_bytes.AsSpan(0, _length));
        Clear();
    }

    /// <summary>
    /// A number in groups of four decimal digits, the most significant first, without zero groups at either end.
    /// </summary>
    private void Numeric(Int128 minor, byte scale)
    {
        Span<short> groups = stackalloc short[16];
        var (count, fractions) = (0, (scale + DigitsInGroup - 1) / DigitsInGroup);
        var left = minor < 0 ? unchecked((UInt128)(-minor)) : (UInt128)minor;
        var whole = left;
        if (scale > 0)
        {
            var unit = Powers[scale];
            (whole, var fraction) = left <= ulong.MaxValue ? Split((ulong)left, unit) : UInt128.DivRem(left, unit);
            fraction *= Powers[fractions * DigitsInGroup - scale];
            for (var i = 0; i < fractions; i++) fraction = Next(fraction, groups, ref count);
        }
        while (whole > 0) whole = Next(whole, groups, ref count);
        var weight = count - fractions - 1;
        var trailing = 0;
        while (trailing < count && groups[trailing] == 0) trailing++;
        // A number below one has zero groups before its first figure.
        while (count > trailing && groups[count - 1] == 0) (count, weight) = (count - 1, weight - 1);
        if (count == trailing) weight = 0;
        var to = Take(sizeof(int) + (4 + count - trailing) * sizeof(short));
        BinaryPrimitives.WriteInt32BigEndian(to, (4 + count - trailing) * sizeof(short));
        BinaryPrimitives.WriteInt16BigEndian(to[4..], (short)(count - trailing));
        BinaryPrimitives.WriteInt16BigEndian(to[6..], (short)weight);
        BinaryPrimitives.WriteInt16BigEndian(to[8..], (short)(minor < 0 ? 0x4000 : 0));
        BinaryPrimitives.WriteInt16BigEndian(to[10..], scale);
        for (var i = count - 1; i >= trailing; i--)
            BinaryPrimitives.WriteInt16BigEndian(to[(12 + (count - 1 - i) * sizeof(short))..], groups[i]);
    }

    private static (UInt128 Whole, UInt128 Fraction) Split(ulong number, ulong unit)
    {
        var (whole, fraction) = Math.DivRem(number, unit);
        return (whole, fraction);
    }

    private static UInt128 Next(UInt128 number, Span<short> groups, ref int count)
    {
        if (number <= ulong.MaxValue)
        {
            var (rest, group) = Math.DivRem((ulong)number, Group);
            groups[count++] = (short)group;
            return rest;
        }
        var (quotient, remainder) = UInt128.DivRem(number, Group);
        groups[count++] = (short)remainder;
        return quotient;
    }

    private static ulong[] MakePowers()
    {
        var powers = new ulong[Asset.MaxScale + 1];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++) powers[i] = powers[i - 1] * 10;
        return powers;
    }

    private Span<byte> Take(int bytes)
    {
        if (_length + bytes > _bytes.Length) Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _length + bytes));
        _length += bytes;
        return _bytes.AsSpan(_length - bytes, bytes);
    }
}
