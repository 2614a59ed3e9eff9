using System.Collections.Immutable;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Webhooks;
using BankingEngine.Host.Webhooks;
using static BankingEngine.Host.Api.EdgeProblems;
using static BankingEngine.Host.Api.FieldValues;

namespace BankingEngine.Host.Api;

/// <summary>What commands about webhooks, and consumer groups, say.</summary>
public static partial class Fields
{
    public static readonly Field
        Webhook = Of("webhook", """{"type":"string","pattern":"^[a-z0-9]+([._-][a-z0-9]+)*$","maxLength":16}""",
            "The webhook's id, of your choice.", ReadWebhook),
        Url = Of("url", """{"type":"string","format":"uri","maxLength":500}""",
            "Where to send: https, a public host, no user name. It stands in the journal: nothing secret in it.",
            static (ref r, f) => Printable(ref r, f, Subscriptions.MaxUrl, out f.Url)),
        EventTypes = Of("types", """{"type":"array","maxItems":64,"items":{"type":"string"}}""",
            "Only these events, by wire name; absent or empty: all.", ReadEventTypes),
        OnlyAccounts = Of("accounts", $$$"""{"type":"array","maxItems":100,"items":{{{Account_}}} }""",
            "Only events that name one of these accounts; absent or empty: whatever they name.",
            static (ref r, f) => List(ref r, f, Subscriptions.MaxAccounts, out f.OnlyAccounts)),
        FromPosition = Of("from_position", """{"type":"integer","minimum":1}""",
            "First position to send; on subscribing absent: what comes later.",
            static (ref r, f) => Integer(ref r, 1, long.MaxValue, out f.Number)),
        OverlapSeconds = Of("overlap_seconds", """{"type":"integer","minimum":0,"maximum":604800,"default":86400}""",
            "How long the secret before signs beside the new one.",
            static (ref r, f) => Integer(ref r, long.MinValue, long.MaxValue, out f.Number)),
        Consumer = Of("consumer", Tag_, "The group's name.",
            static (ref r, f) => FieldValues.Tag(ref r, f, out f.Consumer)),
        DonePosition = Of("position", """{"type":"integer","minimum":0}""",
            "The last event that is done with; all before it are too.",
            static (ref r, f) => Integer(ref r, 0, long.MaxValue, out f.Number)),
        Reset = Of("reset", """{"type":"boolean","default":false}""",
            "Whether the position may go back.", static (ref r, f) => Boolean(ref r, out f.Reset));

    /// <summary>The keys of its secrets are named by it, so it is of the form of a name.</summary>
    private static EdgeProblem? ReadWebhook(ref Utf8JsonReader reader, CommandFields into) =>
        FieldValues.Tag(ref reader, into, out into.Webhook) is { } wrong ? wrong
        : WebhookSignature.IsSubject(into.Webhook) ? null : FieldMalformed;

    private static EdgeProblem? ReadEventTypes(ref Utf8JsonReader reader, CommandFields into)
    {
        into.EventTypes = [];
        if (reader.TokenType != JsonTokenType.StartArray) return FieldMalformed;
        var types = ImmutableArray.CreateBuilder<string>();
        for (var count = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; count++)
        {
            into.Within = $"[{count}]";
            if (reader.TokenType != JsonTokenType.String) return FieldMalformed;
            var named = reader.GetString();
            if (EventCatalogue.All.All(type => type.Name != named)) return FieldMalformed;
            // One more than is allowed is enough for the book to say so.
            if (types.Count <= Subscriptions.MaxTypes && !types.Contains(named!)) types.Add(named!);
        }
        into.Within = null;
        into.EventTypes = types.ToImmutable();
        return null;
    }
}

public sealed partial class CommandFields
{
    // Fields, because the readers fill them by reference.
#pragma warning disable CA1051
    public Tag Webhook, Consumer;
    public string? Url;
    public ImmutableArray<string> EventTypes;
    public ImmutableArray<AccountId> OnlyAccounts;
    public bool Reset;
#pragma warning restore CA1051

    private void BeginWebhooks() => (Url, EventTypes, OnlyAccounts, Reset) = (null, [], [], false);
}
