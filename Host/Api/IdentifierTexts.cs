using System.Buffers;
using System.Text;
using System.Text.Json;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>
/// The texts of identifiers, which only the edge sees: brought to their one form, so that the same identifier always
/// has the same token.
/// </summary>
public static class IdentifierTexts
{
    public const int MaxAlias = 64;

    private const int LeastCardToken = 8, MostCardToken = 64, LeastCardNumber = 12, MostCardNumber = 19;

    private static readonly SearchValues<char> OfAlias =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.+-_@");

    /// <summary>Brings a text to its one form.</summary>
    /// <returns>Null, or why it is none of its kind.</returns>
    public static string? Read(IdentifierKind kind, string text, out string plain)
    {
        plain = text;
        return kind switch
        {
            IdentifierKind.Iban or IdentifierKind.VirtualIban => Iban.TryRead(text, out plain)
                ? null
                : "An IBAN has a known country, its length, and check digits that fit; capitals, in groups of four or none.",
            IdentifierKind.Alias => text.Length <= MaxAlias && text.Length > 0
                && !text.AsSpan().ContainsAnyExcept(OfAlias)
                    ? null
                    : "An alias is 1 to 64 of a-z, 0-9 and . + - _ @.",
            IdentifierKind.CardToken => IsCardToken(text)
                ? null
                : "A card token is 8 to 64 of letters, digits, - and _; a card's number is never taken.",
            _ => ChainAddress.TryRead(text, out plain)
                ? null
                : "An address is bitcoin:, evm: (lower case) or another chain's name, and what its checksum fits.",
        };
    }

    /// <summary>What the token is made under: IBANs and virtual IBANs share one set of names.</summary>
    public static string LabelOf(IdentifierKind kind) =>
        ReadsJson.NameOf(kind == IdentifierKind.VirtualIban ? IdentifierKind.Iban : kind);

    /// <summary>What could be a card's number is none, so that no number is kept by mistake.</summary>
    private static bool IsCardToken(string text)
    {
        if (text.Length is < LeastCardToken or > MostCardToken) return false;
        if (text.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))) return false;
        var digits = text.Count(char.IsAsciiDigit);
        return digits is < LeastCardNumber or > MostCardNumber || text.Any(char.IsAsciiLetter);
    }
}

/// <summary>
/// The numbers that are the bank's to give: the reference document <c>iban-range</c>, as
/// <c>{"country":"DE","bank":"50010517","account_digits":10}</c>.
/// </summary>
public sealed record IbanRange(string Country, string Bank, int AccountDigits)
{
    public static Tag Name { get; } = Tag.Of("iban-range");

    private const int LeastDigits = 4, MostDigits = 20;

    public bool Has(string iban) => iban.Length == Iban.LengthIn(Country)
        && iban.StartsWith(Country, StringComparison.Ordinal)
        && iban.AsSpan(Iban.HeadLength).StartsWith(Bank)
        && !iban.AsSpan(Iban.HeadLength + Bank.Length).ContainsAnyExceptInRange('0', '9');

    public string Issue(string serial) => Iban.Make(Country, Bank + serial);

    /// <summary>Reads the document strictly: these members, once each, of these forms, and the lengths fit.</summary>
    public static IbanRange? Parse(string document)
    {
        string? country = null, bank = null;
        var digits = 0;
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(document));
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString();
                reader.Read();
                if (name == "country" && country is null) country = reader.GetString();
                else if (name == "bank" && bank is null) bank = reader.GetString();
                else if (name == "account_digits" && digits == 0) digits = reader.GetInt32();
                else return null;
            }
            if (reader.Read()) return null;
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
        if (country is null || bank is null || digits is < LeastDigits or > MostDigits) return null;
        if (bank.Length == 0 || bank.Any(c => !char.IsAsciiLetterUpper(c) && !char.IsAsciiDigit(c))) return null;
        return Iban.LengthIn(country) == Iban.HeadLength + bank.Length + digits ? new(country, bank, digits) : null;
    }

    /// <summary>The range in force today; null where there is none, or its document makes no sense.</summary>
    public static IbanRange? InForce(Bank bank, BusinessDate today) =>
        bank.Book.References.InForce(Name, today)?.Content is ReferenceContent.Document document
            ? Parse(document.Text)
            : null;
}

/// <summary>What of identifiers has to be asked of the book before the command is sent.</summary>
internal static class IdentifierRange
{
    /// <summary>A free number is met at once in any range that is not nearly full.</summary>
    private const int MaxTries = 64;

    /// <summary>A given IBAN is of the bank's own range; one that was answered before is answered again.</summary>
    public static async Task<Built> CheckAsync(RunningBook book, CommandId under, AddIdentifier command, string iban)
    {
        var (known, range) = await book.Engine.ReadAsync((bank, at) =>
            (bank.Memory.TryFind(under, out _), IbanRange.InForce(bank, at.Today))).ConfigureAwait(false);
        if (known) return command;
        if (range is null) return new Flaw(EdgeProblems.IbanRangeMissing);
        return range.Has(iban) ? command : new Flaw(EdgeProblems.IbanForeign, Fields.IdentifierText.Name);
    }

    /// <summary>Makes numbers until one is free.</summary>
    /// <param name="command">But for text and token.</param>
    public static async Task<Built> IssueAsync(RunningBook book, CommandId under, AddIdentifier command)
    {
        for (var tries = 0; tries < MaxTries; tries++)
        {
            var (known, range) = await book.Engine.ReadAsync((bank, at) =>
                (bank.Memory.TryFind(under, out _), IbanRange.InForce(bank, at.Today))).ConfigureAwait(false);
            if (known) return command;
            if (range is null) return new Flaw(EdgeProblems.IbanRangeMissing);
            if (!Iban.IsIssuedFreely(range.Country)) return new Flaw(EdgeProblems.IbanChecksUnknown);
            var serial = System.Security.Cryptography.RandomNumberGenerator.GetString("0123456789", range.AccountDigits);
            var iban = range.Issue(serial);
            var token = book.Sealing.TokenOf(IdentifierTexts.LabelOf(command.Kind), iban);
            if (await book.Engine.ReadAsync((bank, _) => bank.Identifiers.Rows.Find(token)).ConfigureAwait(false) >= 0)
                continue;
            var text = book.Sealing.Seal(Fields.IdentifierText, command.Account, iban);
            return new(command with { Text = text, Token = token }, Secret: new("iban", iban));
        }
        return new Flaw(EdgeProblems.IbanRangeFull);
    }
}
