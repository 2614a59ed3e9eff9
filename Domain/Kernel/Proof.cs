using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace BankingEngine.Domain.Kernel;

/// <summary>A permission of an account, as <c>account@permission</c>. Ordered by account, then permission.</summary>
/// <remarks>Sixty-four bytes without padding.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct Level : IComparable<Level>, IUtf8Text<Level>
{
    private readonly Tag permission;
    private readonly AccountId account;
    private readonly long filler;

    public Level(AccountId account, Tag permission) =>
        (this.account, this.permission, filler) = (account, permission, 0);

    public AccountId Account => account;

    public Tag Permission => permission;

    public static int MaxTextLength => AccountId.MaxTextLength + 1 + Tag.MaxLength;

    public static bool TryParse(ReadOnlySpan<byte> utf8, out Level value)
    {
        value = default;
        var at = utf8.IndexOf((byte)'@');
        if (at <= 0 || !AccountId.TryParse(utf8[..at], out var account)
            || !Tag.TryParse(utf8[(at + 1)..], out var permission))
            return false;
        value = new(account, permission);
        return true;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out Level value) => Utf8Text.TryParse(text, out value);

    /// <inheritdoc cref="Utf8Text.Parse{TValue}"/>
    public static Level Parse(ReadOnlySpan<char> text) => Utf8Text.Parse<Level>(text);

    public bool TryFormat(Span<byte> utf8, out int written)
    {
        Span<byte> text = stackalloc byte[MaxTextLength];
        var length = account.CopyTo(text);
        text[length++] = (byte)'@';
        length += permission.CopyTo(text[length..]);
        var fits = text[..length].TryCopyTo(utf8);
        written = fits ? length : 0;
        return fits;
    }

    public int CompareTo(Level other) =>
        account != other.account ? account.CompareTo(other.account) : permission.CompareTo(other.permission);

    public override string ToString() => Utf8Text.ToText(this);

    public static bool operator <(Level left, Level right) => left.CompareTo(right) < 0;
    public static bool operator >(Level left, Level right) => left.CompareTo(right) > 0;
    public static bool operator <=(Level left, Level right) => left.CompareTo(right) <= 0;
    public static bool operator >=(Level left, Level right) => left.CompareTo(right) >= 0;
}

/// <summary>
/// What was signed about a command, as the edge found it: every signature holds, over these bytes, for this book.
/// Whether that is enough is for the book.
/// </summary>
/// <param name="Declared">The permissions that the command is to run under, as signed; at most one an account.</param>
/// <param name="Keys">The keys whose signatures hold; none twice.</param>
/// <param name="Expires">First instant at which the command is no longer taken, as signed.</param>
/// <param name="Evidence">
/// The <c>auth</c> object of the event line, as JSON: the signed bytes, keys and signatures, for who verifies later.
/// </param>
public sealed record Proof(
    ImmutableArray<Level> Declared, ImmutableArray<SigningKey> Keys, Instant Expires, string Evidence)
{
    /// <summary>How far ahead a command may expire.</summary>
    public const int MaxLifetimeSeconds = 3_600;

    public const int MaxSignatures = 16, MaxDeclared = 16;
}
