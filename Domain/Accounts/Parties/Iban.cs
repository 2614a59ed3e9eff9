using System.Collections.Frozen;

namespace BankingEngine.Domain.Accounts;

/// <summary>The text of international bank account numbers: form, length by country, check digits.</summary>
/// <remarks>
/// Source: ISO 13616-1 (form) and ISO/IEC 7064, MOD 97-10 (check digits). Lengths of the countries of the SEPA
/// schemes and of those that join them, as the IBAN registry kept by SWIFT states them.
/// </remarks>
public static class Iban
{
    public const int MaxLength = 34, HeadLength = 4;

    private static readonly FrozenDictionary<string, int> Lengths = new Dictionary<string, int>
    {
        ["AD"] = 24,
        ["AL"] = 28,
        ["AT"] = 20,
        ["BE"] = 16,
        ["BG"] = 22,
        ["CH"] = 21,
        ["CY"] = 28,
        ["CZ"] = 24,
        ["DE"] = 22,
        ["DK"] = 18,
        ["EE"] = 20,
        ["ES"] = 24,
        ["FI"] = 18,
        ["FR"] = 27,
        ["GB"] = 22,
        ["GI"] = 23,
        ["GR"] = 27,
        ["HR"] = 21,
        ["HU"] = 28,
        ["IE"] = 22,
        ["IS"] = 26,
        ["IT"] = 27,
        ["LI"] = 21,
        ["LT"] = 20,
        ["LU"] = 20,
        ["LV"] = 21,
        ["MC"] = 27,
        ["MD"] = 24,
        ["ME"] = 22,
        ["MK"] = 19,
        ["MT"] = 31,
        ["NL"] = 18,
        ["NO"] = 15,
        ["PL"] = 28,
        ["PT"] = 25,
        ["RO"] = 24,
        ["RS"] = 22,
        ["SE"] = 24,
        ["SI"] = 19,
        ["SK"] = 24,
        ["SM"] = 27,
        ["VA"] = 22,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>
    /// Countries whose account numbers have no check digits of their own in the IBAN, so that any serial makes one.
    /// </summary>
    private static readonly FrozenSet<string> WithoutOwnChecks =
        new[] { "AT", "BG", "CH", "CY", "DE", "GB", "GI", "GR", "IE", "LI", "LT", "LU", "LV", "MT", "RO" }
            .ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Letters and digits of an IBAN of a country; 0 where it is not known.</summary>
    public static int LengthIn(string country) => Lengths.GetValueOrDefault(country);

    /// <summary>Whether numbers of a country can be made from a serial alone.</summary>
    public static bool IsIssuedFreely(string country) => WithoutOwnChecks.Contains(country);

    /// <summary>Reads the electronic form, or the printed one: groups of four, one blank between.</summary>
    /// <returns>False where form, country, length or check digits are wrong.</returns>
    public static bool TryRead(ReadOnlySpan<char> text, out string iban)
    {
        iban = "";
        Span<char> plain = stackalloc char[MaxLength];
        var (length, printed) = (0, text.Contains(' '));
        for (var i = 0; i < text.Length; i++)
        {
            if (printed && i % 5 == 4)
            {
                if (text[i] != ' ' || i == text.Length - 1) return false;
                continue;
            }
            if (length == MaxLength || !(char.IsAsciiLetterUpper(text[i]) || char.IsAsciiDigit(text[i]))) return false;
            plain[length++] = text[i];
        }
        plain = plain[..length];
        if (length <= HeadLength || LengthIn(plain[..2].ToString()) != length) return false;
        if (!char.IsAsciiDigit(plain[2]) || !char.IsAsciiDigit(plain[3])) return false;
        // 00, 01 and 99 would leave the same remainder as 97, 98 and 02, which are the ones that are computed.
        var check = (plain[2] - '0') * 10 + plain[3] - '0';
        if (check is < 2 or > 98 || Remainder(plain[HeadLength..], plain[..HeadLength]) != 1) return false;
        iban = plain.ToString();
        return true;
    }

    /// <summary>Puts country and check digits before a national number.</summary>
    /// <exception cref="ArgumentException">A caller bug: country, length or letters are wrong.</exception>
    public static string Make(string country, string national)
    {
        var check = 98 - Remainder(national, $"{country}00");
        var made = $"{country}{(char)('0' + check / 10)}{(char)('0' + check % 10)}{national}";
        return TryRead(made, out var iban)
            ? iban
            : throw new ArgumentException("Makes no IBAN of that country.", nameof(national));
    }

    private static int Remainder(ReadOnlySpan<char> national, ReadOnlySpan<char> head)
    {
        var remainder = 0;
        foreach (var letter in national) remainder = Next(remainder, letter);
        foreach (var letter in head) remainder = Next(remainder, letter);
        return remainder;
    }

    /// <summary>Letters count as 10 to 35.</summary>
    private static int Next(int remainder, char letter) =>
        char.IsAsciiDigit(letter) ? (remainder * 10 + letter - '0') % 97 : (remainder * 100 + letter - 'A' + 10) % 97;
}
