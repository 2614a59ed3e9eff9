using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace BankingEngine.Application.Signing;

/// <summary>
/// The one form of a JSON value that is signed: RFC 8785 (JCS), numbers integers of at most 53 bits, so that there is
/// nothing to round: no blanks, members sorted by UTF-16 units, the fewest escapes.
/// </summary>
public static class CanonicalJson
{
    public const int MaxDepth = 16;

    private const long MostInteger = (1L << 53) - 1;

    /// <summary>Whether bytes are one value in canonical form. Never throws, reads each byte a bounded number of times.</summary>
    public static bool IsCanonical(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json)) return false;
        var at = 0;
        return TakeValue(json, ref at, depth: 0) && at == json.Length;
    }

    /// <summary>Writes a value in canonical form.</summary>
    /// <exception cref="FormatException">A number is no integer of 53 bits, or a text is half a surrogate pair.</exception>
    public static byte[] Write(JsonNode? value)
    {
        var to = new ArrayBufferWriter<byte>(512);
        Write(to, value, depth: 0);
        return to.WrittenSpan.ToArray();
    }

    private static bool TakeValue(ReadOnlySpan<byte> json, ref int at, int depth)
    {
        if (at >= json.Length || depth > MaxDepth) return false;
        switch (json[at])
        {
            case (byte)'{': return TakeObject(json, ref at, depth);
            case (byte)'[': return TakeArray(json, ref at, depth);
            case (byte)'"': return TakeText(json, ref at);
            case (byte)'t': return Take(json, ref at, "true"u8);
            case (byte)'f': return Take(json, ref at, "false"u8);
            case (byte)'n': return Take(json, ref at, "null"u8);
            default: return TakeInteger(json, ref at);
        }
    }

    private static bool TakeObject(ReadOnlySpan<byte> json, ref int at, int depth)
    {
        at++;
        if (Take(json, ref at, "}"u8)) return true;
        string? before = null;
        do
        {
            var start = at;
            if (at >= json.Length || json[at] != (byte)'"' || !TakeText(json, ref at)) return false;
            var name = Unescaped(json[(start + 1)..(at - 1)]);

            // Strictly ascending, so that no member stands twice.
            if (before is not null && string.CompareOrdinal(before, name) >= 0) return false;
            before = name;
            if (!Take(json, ref at, ":"u8) || !TakeValue(json, ref at, depth + 1)) return false;
        }
        while (Take(json, ref at, ","u8));
        return Take(json, ref at, "}"u8);
    }

    private static bool TakeArray(ReadOnlySpan<byte> json, ref int at, int depth)
    {
        at++;
        if (Take(json, ref at, "]"u8)) return true;
        do
        {
            if (!TakeValue(json, ref at, depth + 1)) return false;
        }
        while (Take(json, ref at, ","u8));
        return Take(json, ref at, "]"u8);
    }

    private static bool TakeText(ReadOnlySpan<byte> json, ref int at)
    {
        for (at++; at < json.Length; at++)
        {
            var unit = json[at];
            if (unit < ' ') return false;
            if (unit == (byte)'"')
            {
                at++;
                return true;
            }
            if (unit != (byte)'\\') continue;
            if (++at >= json.Length) return false;
            if ("\"\\bfnrt"u8.Contains(json[at])) continue;

            // Of the long escapes only those stand that have no short one: the other control characters.
            if (json[at] != (byte)'u' || at + 4 >= json.Length) return false;
            var hex = json.Slice(at + 1, 4);
            if (!hex.StartsWith("00"u8) || hex[2] is not ((byte)'0' or (byte)'1')) return false;
            if (hex[3] is not (>= (byte)'0' and <= (byte)'9' or >= (byte)'a' and <= (byte)'f')) return false;
            if (hex[2] == (byte)'0' && "89acd"u8.Contains(hex[3])) return false;
            at += 4;
        }
        return false;
    }

    private static bool TakeInteger(ReadOnlySpan<byte> json, ref int at)
    {
        const int MostDigits = 16;
        var start = at;
        if (json[at] == (byte)'-') at++;
        var first = at;
        var number = 0L;
        for (; at < json.Length && json[at] is >= (byte)'0' and <= (byte)'9' && at - first <= MostDigits; at++)
            number = number * 10 + json[at] - '0';
        if (at == first || at - first > MostDigits || number > MostInteger) return false;
        return json[first] != (byte)'0' || (at - first == 1 && first == start);
    }

    private static bool Take(ReadOnlySpan<byte> json, ref int at, ReadOnlySpan<byte> token)
    {
        if (!json[at..].StartsWith(token)) return false;
        at += token.Length;
        return true;
    }

    /// <summary>The characters of a text whose escapes were found to be well formed.</summary>
    private static string Unescaped(ReadOnlySpan<byte> text)
    {
        var raw = Encoding.UTF8.GetString(text);
        if (!raw.Contains('\\', StringComparison.Ordinal)) return raw;
        var to = new StringBuilder(raw.Length);
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] != '\\')
            {
                to.Append(raw[i]);
                continue;
            }
            to.Append(raw[++i] switch
            {
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => (char)int.Parse(
                    raw.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                var other => other,
            });
            if (raw[i] == 'u') i += 4;
        }
        return to.ToString();
    }

    private static void Write(ArrayBufferWriter<byte> to, JsonNode? value, int depth)
    {
        if (depth > MaxDepth) throw new FormatException($"The value nests deeper than {MaxDepth}.");
        switch (value)
        {
            case null:
                to.Write("null"u8);
                break;
            case JsonObject members:
                var separator = (byte)'{';
                foreach (var (name, member) in members.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    to.Write([separator]);
                    separator = (byte)',';
                    WriteText(to, name);
                    to.Write(":"u8);
                    Write(to, member, depth + 1);
                }
                to.Write(members.Count == 0 ? "{}"u8 : "}"u8);
                break;
            case JsonArray items:
                to.Write("["u8);
                for (var i = 0; i < items.Count; i++)
                {
                    if (i > 0) to.Write(","u8);
                    Write(to, items[i], depth + 1);
                }
                to.Write("]"u8);
                break;
            default:
                WritePlain(to, value);
                break;
        }
    }

    private static void WritePlain(ArrayBufferWriter<byte> to, JsonNode value)
    {
        switch (value.GetValueKind())
        {
            case JsonValueKind.String: WriteText(to, value.GetValue<string>()); break;
            case JsonValueKind.True: to.Write("true"u8); break;
            case JsonValueKind.False: to.Write("false"u8); break;
            default:
                var number = value.ToJsonString();
                if (!long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer)
                    || integer is > MostInteger or < -MostInteger)
                    throw new FormatException($"{number} is no integer of 53 bits.");
                to.Write(Encoding.ASCII.GetBytes(integer.ToString(CultureInfo.InvariantCulture)));
                break;
        }
    }

    private static void WriteText(ArrayBufferWriter<byte> to, string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var unit in text)
        {
            _ = unit switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\b' => quoted.Append("\\b"),
                '\f' => quoted.Append("\\f"),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                < ' ' => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}"),
                _ => quoted.Append(unit),
            };
        }
        try
        {
            to.Write(StrictUtf8.GetBytes(quoted.Append('"').ToString()));
        }
        catch (EncoderFallbackException half)
        {
            throw new FormatException("A text holds half a surrogate pair.", half);
        }
    }

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
