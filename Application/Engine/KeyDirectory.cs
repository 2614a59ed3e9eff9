using System.Collections.Concurrent;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Engine;

/// <summary>A key that was recognised.</summary>
/// <param name="Number">Row of the key: who a command's caller is.</param>
public readonly record struct Caller(int Number, Tag Id, Scopes Scopes)
{
    public bool May(Scopes needed) => (Scopes & needed) == needed;
}

/// <summary>
/// The book's keys as the edge sees them: kept current by the writer, read by every request. The writer asks the book
/// again, so that a key revoked a moment ago cannot act.
/// </summary>
public sealed class KeyDirectory
{
    private readonly ConcurrentDictionary<Tag, (int Number, KeyRow Row)> _keys = new();

    internal KeyDirectory(Keys keys)
    {
        for (var i = 0; i < keys.Rows.Count; i++) _keys[keys.Rows[i].Id] = (i, keys.Rows[i]);
    }

    /// <summary>Recognises a token of the form that <see cref="ApiKeys"/> makes.</summary>
    /// <returns>False for every token that does not work now, whatever the reason.</returns>
    public bool TryRecognise(ReadOnlySpan<char> token, Instant now, out Caller caller)
    {
        caller = default;
        if (!ApiKeys.TryParse(token, out var id, out var high, out var low)) return false;
        if (!_keys.TryGetValue(id, out var known) || !ApiKeys.Matches(known.Row, high, low) || !known.Row.IsUsable(now)) return false;
        caller = new(known.Number, id, known.Row.Scopes);
        return true;
    }

    internal void Follow(Keys keys, Tag id)
    {
        var number = keys.Rows.Find(id);
        _keys[id] = (number, keys.Rows[number]);
    }
}
