using System.Collections.Immutable;
using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>One item of a batch, as it was read.</summary>
/// <param name="Stated">Its id as the caller wrote it; null when it has none.</param>
/// <param name="Command">Null when there is a flaw.</param>
/// <param name="Reverses">The transfer that it reverses; then its legs are still to be read.</param>
/// <param name="Creates">Whether a success makes something.</param>
internal readonly record struct BatchItem(
    string? Stated, CommandId Id, UInt128 Print, Command? Command, string Named, TransferId? Reverses, bool Creates,
    Flaw? Flaw)
{
    /// <summary>What has to be asked of the book first; gives what is sent.</summary>
    public Func<RunningBook, CommandId, Task<Built>>? Ask { get; init; }

    /// <summary>The line of a stream that it stood on, from 1; 0 in an array.</summary>
    public long Line { get; init; }

    public static BatchItem Wrong(string? stated, in Flaw flaw) =>
        new(stated, default, default, null, "", null, false, flaw);
}

/// <summary>
/// Reads items of a batch: <c>{"id":…,"command":"transfer.make",…fields}</c>, or
/// <c>{"id":…,"linked":[{"command":…},…]}</c>
/// for commands that happen all or not at all.
/// </summary>
internal sealed class BatchItems(RunningBook book, Caller caller)
{
    public BatchItem Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return ReadItem(json);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return BatchItem.Wrong(null, new(EdgeProblems.MalformedJson));
        }
    }

    private BatchItem ReadItem(ReadOnlySpan<byte> json)
    {
        if (!TryEnvelope(json, out var head, out var flaw)) return BatchItem.Wrong(head.Id, flaw);
        if (head.Id is null) return BatchItem.Wrong(null, new(EdgeProblems.IdMissing));
        if (!CommandIds.TryRead(head.Id, caller, out var id))
            return BatchItem.Wrong(null, new(EdgeProblems.IdMalformed));
        if (head.LinkedFrom > 0) return Chain(json[head.LinkedFrom..head.LinkedTo], head.Id, id);
        var (built, print, creates) = Build(json, head.Command, inChain: false);
        return built.Flaw is { } wrong
            ? BatchItem.Wrong(head.Id, wrong)
            : new(head.Id, id, print, built.Command, built.Named ?? head.Command!, built.Reverses, creates, null)
            {
                Ask = built.Ask,
            };
    }

    private BatchItem Chain(ReadOnlySpan<byte> json, string stated, CommandId id)
    {
        var links = ImmutableArray.CreateBuilder<Command>();
        var print = UInt128.Zero;
        var reader = new Utf8JsonReader(json, new() { MaxDepth = Limits.BatchDepth });
        reader.Read();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var number = links.Count + 1;
            if (number > Limits.ChainLinks) return BatchItem.Wrong(stated, new(EdgeProblems.TooManyItems));
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            var link = json[start..(int)reader.BytesConsumed];
            if (!TryEnvelope(link, out var inner, out var flaw))
                return BatchItem.Wrong(stated, flaw with { Link = number });
            if (inner.Id is not null || inner.LinkedFrom > 0)
                return BatchItem.Wrong(
                    stated, new(EdgeProblems.UnknownField, inner.Id is null ? "linked" : "id", number));
            var (built, part, _) = Build(link, inner.Command, inChain: true);
            if (built.Flaw is { } wrong) return BatchItem.Wrong(stated, wrong with { Link = number });
            links.Add(built.Command!);
            print = Fingerprints.Chained(print, part);
        }
        return new(stated, id, print, new Chain(links.ToImmutable()), "chain", null, Creates: true, null);
    }

    private CommandBuilds Build(ReadOnlySpan<byte> json, string? command, bool inChain) =>
        CommandBuilds.Of(json, command, inBatch: true, inChain, book.Sealing, caller);

    /// <summary>What an item says of itself besides its fields.</summary>
    /// <param name="LinkedFrom">Where the array of links begins; 0 when there is none.</param>
    private readonly record struct Head(string? Id, string? Command, int LinkedFrom, int LinkedTo);

    /// <summary>Finds id, command and links, wherever they stand among the fields.</summary>
    private static bool TryEnvelope(ReadOnlySpan<byte> json, out Head head, out Flaw flaw)
    {
        head = default;
        flaw = new(EdgeProblems.NotAnObject);
        var reader = new Utf8JsonReader(json, new() { MaxDepth = Limits.BatchDepth });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
        var others = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueTextEquals("id"u8) ? "id" : reader.ValueTextEquals("command"u8) ? "command"
                : reader.ValueTextEquals("linked"u8) ? "linked" : null;
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            var kind = reader.TokenType;
            flaw = new(EdgeProblems.DuplicateField, name);
            if (name is "id" && head.Id is not null || name is "command" && head.Command is not null
                || name is "linked" && head.LinkedFrom > 0) return false;
            flaw = new(name is "id" ? EdgeProblems.IdMalformed : EdgeProblems.FieldMalformed, name);
            if (name is "linked" ? kind != JsonTokenType.StartArray : name is not null && kind != JsonTokenType.String)
                return false;
            if (name is "id") head = head with { Id = reader.GetString() };
            else if (name is "command") head = head with { Command = reader.GetString() };
            else reader.Skip();
            if (name is "linked") head = head with { LinkedFrom = start, LinkedTo = (int)reader.BytesConsumed };
            others |= name is null or "command";
        }
        flaw = new(EdgeProblems.FieldsExclude, "linked");
        if (head.LinkedFrom > 0 && others) return false;
        flaw = new(EdgeProblems.MalformedJson);
        return !reader.Read();
    }
}
