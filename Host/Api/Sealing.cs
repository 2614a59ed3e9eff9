using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Api;

/// <summary>Seals personal text before the book sees it, and opens it for those who may read.</summary>
public sealed class Sealing(IKeyStore keys, PersonalParts? parts = null)
{
    /// <summary>What an answer shows in place of a sealed text that it does not open.</summary>
    public const string Shown = "sealed";

    /// <summary>
    /// Seals a field's text; its part of the fingerprint becomes a keyed token, so that a repeat is known as one.
    /// </summary>
    /// <param name="subject">Whose text it is.</param>
    public string Seal(CommandFields fields, Field field, AccountId subject, string text)
    {
        fields.SetPrint(field, keys.Token(field.Name, text));
        parts?.Seal(keys, subject.ToString(), field.Name);
        return keys.Seal(subject.ToString(), field.Name, text);
    }

    /// <summary>Seals a text that the book also knows by its token.</summary>
    /// <param name="label">What it is; equal texts of other labels have other tokens.</param>
    public (string Sealed, UInt128 Token) Seal(
        CommandFields fields, Field field, AccountId subject, string label, string text)
    {
        var token = TokenOf(label, text);
        fields.SetPrint(field, token);
        parts?.Seal(keys, subject.ToString(), field.Name);
        return (Seal(field, subject, text), token);
    }

    /// <summary>Seals a text that no caller stated.</summary>
    public string Seal(Field field, AccountId subject, string text) => keys.Seal(subject.ToString(), field.Name, text);

    /// <summary>The keyed token of a text: how the book knows an identifier.</summary>
    public UInt128 TokenOf(string label, string text) => keys.Token(label, text);

    /// <summary>The same keys, sealing the salts of a signed command's personal parts besides.</summary>
    public Sealing With(PersonalParts given) => new(keys, given);

    /// <summary>Opens a sealed text for an answer.</summary>
    /// <returns>Null when the subject was erased.</returns>
    public string? Open(Field field, string sealedText) =>
        keys.TryOpen(field.Name, sealedText, out var text) ? text : null;
}
