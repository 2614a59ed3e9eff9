using System.Globalization;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Api;

/// <summary>Seals personal text before the book sees it, and opens it for those who may read.</summary>
public sealed class Sealing(IKeyStore keys, PersonalParts? parts = null)
{
    /// <summary>What an answer shows in place of a sealed text that it does not open.</summary>
    public const string Shown = "sealed";

    /// <summary>
    /// The texts of a content that was sealed when it was stored: what is read stands for them by number.
    /// </summary>
    public IReadOnlyList<string>? Before { get; init; }

    /// <summary>Told what a field's text became.</summary>
    public Action<Field, string>? Sealed { get; init; }

    /// <summary>Whether what is sealed was signed as well, and so its text must not stand where it is signed.</summary>
    public bool IsOfSigned => parts is not null;

    /// <summary>
    /// Seals a field's text; its part of the fingerprint becomes a keyed token, so that a repeat is known as one.
    /// </summary>
    /// <param name="subject">Whose text it is.</param>
    public string Seal(CommandFields fields, Field field, AccountId subject, string text)
    {
        if (Before is not null) return SealedBefore(text);
        fields.SetPrint(field, keys.Token(field.Name, text));
        parts?.Seal(keys, subject.ToString(), field.Name);
        return Seal(field, subject, text);
    }

    /// <summary>Seals a text that the book also knows by its token.</summary>
    public (string Sealed, UInt128 Token) Seal(
        CommandFields fields, Field field, AccountId subject, string label, string text)
    {
        var token = TokenOf(label, text);
        fields.SetPrint(field, token);
        parts?.Seal(keys, subject.ToString(), field.Name);
        return (Seal(field, subject, text), token);
    }

    /// <summary>Seals a text that no caller stated.</summary>
    public string Seal(Field field, AccountId subject, string text)
    {
        if (Before is not null) return SealedBefore(text);
        var sealedText = keys.Seal(subject.ToString(), field.Name, text);
        Sealed?.Invoke(field, sealedText);
        return sealedText;
    }

    /// <summary>Whose a text is that was sealed when its content was stored; null where it is sealed now.</summary>
    public string? SubjectBefore(string text) => Before is null ? null : SealedText.SubjectOf(SealedBefore(text));

    /// <summary>The keyed token of a text: how the book knows an identifier.</summary>
    /// <param name="label">What it is; equal texts of other labels have other tokens.</param>
    public UInt128 TokenOf(string label, string text) => keys.Token(label, text);

    /// <summary>The same keys, sealing the salts of a signed command's personal parts besides.</summary>
    public Sealing With(PersonalParts given) => new(keys, given);

    /// <summary>The same keys, telling what each text became.</summary>
    public Sealing Telling(Action<Field, string> what) => new(keys) { Sealed = what };

    /// <summary>Opens a sealed text for an answer.</summary>
    /// <returns>Null when the subject was erased.</returns>
    public string? Open(Field field, string sealedText) =>
        keys.TryOpen(field.Name, sealedText, out var text) ? text : null;

    /// <exception cref="NotSupportedException">The command seals something else than its field's text.</exception>
    private string SealedBefore(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at < Before!.Count
            ? Before[at] : throw new NotSupportedException("Nothing of this number was sealed.");
}
