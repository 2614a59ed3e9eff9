using System.Buffers;
using System.Text;

namespace BankingEngine.Domain.Kernel;

/// <summary>A value with exactly one written form, in ASCII, used in commands, events and answers alike.</summary>
/// <typeparam name="TSelf">The value itself.</typeparam>
public interface IUtf8Text<TSelf> where TSelf : struct, IUtf8Text<TSelf>
{
    /// <summary>Bytes that hold any value's text; at most <see cref="Utf8Text.LongestText"/>.</summary>
    static abstract int MaxTextLength { get; }

    /// <summary>Reads the whole of <paramref name="utf8"/>: no blanks, no other notation.</summary>
    /// <returns>False, and the default value, if the text is anything else. Never throws.</returns>
    static abstract bool TryParse(ReadOnlySpan<byte> utf8, out TSelf value);

    /// <summary>Writes the text at the start of <paramref name="utf8"/>.</summary>
    /// <returns>False, and nothing written, if it does not fit.</returns>
    bool TryFormat(Span<byte> utf8, out int written);
}

/// <summary>
/// What follows for every value from its UTF-8 form: the same text as UTF-16, and a reader that throws.
/// </summary>
public static class Utf8Text
{
    /// <summary>No value's text is longer, so a buffer of this size on the stack is enough for any.</summary>
    public const int LongestText = 72;

    /// <summary>Reads UTF-16 text by the rules of the UTF-8 form.</summary>
    public static bool TryParse<TValue>(ReadOnlySpan<char> text, out TValue value)
        where TValue : struct, IUtf8Text<TValue>
    {
        Span<byte> utf8 = stackalloc byte[LongestText];
        if (text.Length <= TValue.MaxTextLength
            && Ascii.FromUtf16(text, utf8, out var length) == OperationStatus.Done)
            return TValue.TryParse(utf8[..length], out value);
        value = default;
        return false;
    }

    /// <summary>Reads text that the program itself wrote.</summary>
    /// <exception cref="FormatException">
    /// The text is not one of <typeparamref name="TValue"/>: a caller's bug.
    /// </exception>
    public static TValue Parse<TValue>(ReadOnlySpan<char> text) where TValue : struct, IUtf8Text<TValue> =>
        TryParse(text, out TValue value)
            ? value
            : throw new FormatException($"\"{text}\" is no {typeof(TValue).Name}.");

    /// <summary>The value's text as a string.</summary>
    public static string ToText<TValue>(TValue value) where TValue : struct, IUtf8Text<TValue>
    {
        Span<byte> utf8 = stackalloc byte[LongestText];
        return value.TryFormat(utf8, out var length)
            ? Encoding.ASCII.GetString(utf8[..length])
            : throw new InvalidOperationException($"{typeof(TValue).Name} is longer than it says.");
    }
}
