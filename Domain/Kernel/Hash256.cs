using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace BankingEngine.Domain.Kernel;

/// <summary>A SHA-256, as 64 lower-case hexadecimal figures.</summary>
/// <remarks>Thirty-two bytes without padding.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct Hash256(UInt128 High, UInt128 Low) : IUtf8Text<Hash256>
{
    public static int MaxTextLength => 64;

    /// <summary>Of a text as UTF-8.</summary>
    public static Hash256 Of(string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text), hash);
        return new(BinaryPrimitives.ReadUInt128BigEndian(hash), BinaryPrimitives.ReadUInt128BigEndian(hash[16..]));
    }

    public static bool TryParse(ReadOnlySpan<byte> utf8, out Hash256 value)
    {
        value = default;
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        if (utf8.Length != MaxTextLength || utf8.IndexOfAnyInRange((byte)'A', (byte)'F') >= 0
            || Convert.FromHexString(utf8, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
            return false;
        value = new(BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]));
        return true;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out Hash256 value) => Utf8Text.TryParse(text, out value);

    /// <inheritdoc cref="Utf8Text.Parse{TValue}"/>
    public static Hash256 Parse(ReadOnlySpan<char> text) => Utf8Text.Parse<Hash256>(text);

    public bool TryFormat(Span<byte> utf8, out int written)
    {
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[16..], Low);
        return Convert.TryToHexStringLower(bytes, utf8, out written);
    }

    public override string ToString() => Utf8Text.ToText(this);
}
