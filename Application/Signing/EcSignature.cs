using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Signing;

/// <summary>
/// The two forms of a signature: 64 bytes, r then s, highest byte first (IEEE P1363), as commands and the journal have
/// it; and DER (RFC 3279 §2.2.3), as authenticators give it.
/// </summary>
public static class EcSignature
{
    public const int Bytes = 2 * Curve.ScalarBytes;

    /// <summary>A sequence of two integers of 33 bytes.</summary>
    public const int MaxDerBytes = 72;

    private const byte Sequence = 0x30, Integer = 0x02;

    /// <summary>Whether 64 bytes may be a signature at all: both numbers in range, the second in the lower half.</summary>
    public static SigningFault Check(KeyKind kind, ReadOnlySpan<byte> signature)
    {
        var curve = Curve.Of(kind);
        if (signature.Length != Bytes || !curve.IsInRange(signature[..Curve.ScalarBytes])
            || !curve.IsInRange(signature[Curve.ScalarBytes..]))
            return SigningFault.SignatureMalformed;
        return curve.IsLow(signature[Curve.ScalarBytes..]) ? SigningFault.None : SigningFault.HighS;
    }

    /// <summary>
    /// Reads strict DER: short lengths, shortest integers, no sign, nothing behind. The second number is brought to the
    /// lower half: authenticators give either, and both say the same.
    /// </summary>
    /// <param name="signature">Room for 64 bytes.</param>
    /// <returns>False for every other sequence of bytes.</returns>
    public static bool TryFromDer(KeyKind kind, ReadOnlySpan<byte> der, Span<byte> signature)
    {
        if (der.Length is < 8 or > MaxDerBytes || der[0] != Sequence || der[1] != der.Length - 2) return false;
        var r = signature[..Curve.ScalarBytes];
        var s = signature[Curve.ScalarBytes..Bytes];
        var rest = der[2..];
        if (!TakeInteger(ref rest, r) || !TakeInteger(ref rest, s) || !rest.IsEmpty) return false;
        var curve = Curve.Of(kind);
        if (!curve.IsInRange(r) || !curve.IsInRange(s)) return false;
        if (!curve.IsLow(s)) curve.Negate(s);
        return true;
    }

    /// <summary>Brings the second number of a signature in range to the lower half.</summary>
    public static void MakeLow(KeyKind kind, Span<byte> signature)
    {
        var curve = Curve.Of(kind);
        if (!curve.IsLow(signature[Curve.ScalarBytes..])) curve.Negate(signature[Curve.ScalarBytes..]);
    }

    private static bool TakeInteger(ref ReadOnlySpan<byte> rest, Span<byte> scalar)
    {
        scalar.Clear();
        if (rest.Length < 3 || rest[0] != Integer) return false;
        int length = rest[1];
        if (length is 0 or > Curve.ScalarBytes + 1 || rest.Length < 2 + length) return false;
        var number = rest.Slice(2, length);
        rest = rest[(2 + length)..];
        if (number[0] >= 0x80) return false;
        if (number[0] == 0)
        {
            // A leading zero stands only where the number would otherwise read as negative.
            if (length == 1 || number[1] < 0x80) return false;
            number = number[1..];
        }
        if (number.Length > Curve.ScalarBytes) return false;
        number.CopyTo(scalar[(Curve.ScalarBytes - number.Length)..]);
        return true;
    }
}
