using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Api;

/// <summary>Which event lines a follower wants. Decided on the bytes of a line; nothing is made of it.</summary>
/// <param name="types">Wire names; empty: all.</param>
/// <param name="accounts">Only events that name one of them, in their data or legs; empty: all.</param>
public sealed class EventsFilter(IReadOnlyList<string> types, IReadOnlyList<AccountId> accounts)
{
    private static readonly string[] AccountMembers = ["debit", "credit", "account", "to", "customer", "intended"];

    private readonly byte[][] names = [.. types.Select(Encoding.UTF8.GetBytes)];
    private readonly byte[][] ids = [.. accounts.Select(account => Encoding.ASCII.GetBytes(account.ToString()))];
    private readonly byte[][] quoted = [.. accounts.Select(account => Encoding.ASCII.GetBytes($"\"{account}\""))];

    /// <summary>Reads <c>type</c>, several of them or one text with commas, and <c>account</c>.</summary>
    public static Flaw? Read(IQueryCollection query, out EventsFilter filter)
    {
        filter = new([], []);
        var types = query["type"].SelectMany(text => (text ?? "").Split(',')).ToList();
        if (types.Exists(type => EventCatalogue.All.All(known => known.Name != type)))
            return new Flaw(EdgeProblems.QueryMalformed, "type");
        var accounts = query["account"];
        var account = default(AccountId);
        if (accounts.Count > 1
            || (accounts.Count == 1 && !AccountId.TryParse(Encoding.UTF8.GetBytes(accounts[0] ?? ""), out account)))
            return new Flaw(EdgeProblems.QueryMalformed, "account");
        filter = new([.. types.Distinct()], account.IsNone ? [] : [account]);
        return null;
    }

    /// <param name="type">Wire name of the event, as bytes of the line.</param>
    public bool Takes(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> type)
    {
        type = TypeOf(line);
        return IsWanted(type) && (ids.Length == 0 || (Mentions(line) && Names(line, type)));
    }

    /// <summary>A quick look, before the line is read: whether one of the names stands in it anywhere.</summary>
    private bool Mentions(ReadOnlySpan<byte> line)
    {
        foreach (var name in quoted)
        {
            if (line.IndexOf(name) >= 0) return true;
        }
        return false;
    }

    private bool IsWanted(ReadOnlySpan<byte> type)
    {
        foreach (var name in names)
        {
            if (type.SequenceEqual(name)) return true;
        }
        return names.Length == 0;
    }

    private static ReadOnlySpan<byte> TypeOf(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            reader.Read();
            if (isType) return reader.ValueSpan;
            reader.Skip();
        }
        return default;
    }

    private bool Names(ReadOnlySpan<byte> line, ReadOnlySpan<byte> type)
    {
        var ofAccount = type.StartsWith("account."u8);
        var reader = new Utf8JsonReader(line);
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName) continue;
            if (reader.ValueTextEquals("metadata"u8))
            {
                // A channel's own pairs: what they are called there means nothing here.
                reader.Read();
                reader.Skip();
                continue;
            }
            var names = (ofAccount && reader.ValueTextEquals("id"u8)) || IsAccountMember(reader);
            if (names && reader.Read() && reader.TokenType == JsonTokenType.String
                && IsOneOf(reader)) return true;
        }
        return false;
    }

    private bool IsOneOf(in Utf8JsonReader reader)
    {
        foreach (var id in ids)
        {
            if (reader.ValueTextEquals(id)) return true;
        }
        return false;
    }

    private static bool IsAccountMember(in Utf8JsonReader reader)
    {
        foreach (var member in AccountMembers)
        {
            if (reader.ValueTextEquals(member)) return true;
        }
        return false;
    }
}
