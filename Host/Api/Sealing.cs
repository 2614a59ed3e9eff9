using System.Globalization;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Api;

/// <summary>Seals personal text before the book sees it, and opens it for those who may read.</summary>
public sealed class Sealing(IKeyStore keys)
{
    /// <summary>What an answer shows in place of a sealed text that it does not open.</summary>
    public const string Shown = "sealed";

    /// <summary>
    /// Seals a field's text; its part of the fingerprint becomes a keyed token, so that a repeat is known as one.
    /// </summary>
    /// <param name="subject">Whose text it is.</param>
    public string Seal(CommandFields fields, Field field, AccountId subject, string text)
    {
        if (Before is not null) return Before[int.Parse(text, CultureInfo.InvariantCulture)];
        fields.SetPrint(field, keys.Token(field.Name, text));
        var sealedText = keys.Seal(subject.ToString(), field.Name, text);
        Sealed?.Invoke(field, sealedText);
        return sealedText;
    }

    /// <summary>
    /// The texts of a content that was sealed when it was stored: what is read stands for them by number.
    /// </summary>
    public IReadOnlyList<string>? Before { get; init; }

    /// <summary>Told what a field's text became.</summary>
    public Action<Field, string>? Sealed { get; init; }

    /// <summary>The same keys, telling what each text became.</summary>
    public Sealing Telling(Action<Field, string> what) => new(keys) { Sealed = what };

    /// <summary>Opens a sealed text for an answer.</summary>
    /// <returns>Null when the subject was erased.</returns>
    public string? Open(Field field, string sealedText) =>
        keys.TryOpen(field.Name, sealedText, out var text) ? text : null;
}
