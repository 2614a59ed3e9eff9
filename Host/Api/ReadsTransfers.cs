using System.Globalization;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>What can be asked of transfers and entries. Their events are shown as the journal has them.</summary>
internal sealed class ReadsTransfers(RunningBook book)
{
    /// <summary>Most events shown of one transfer; a reservation posted in more parts says so.</summary>
    private const int MaxEvents = 1_000;

    /// <summary>Most characters of a reference.</summary>
    private const int MaxReference = 64;

    public async Task ReadAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        if (query.Check(book.Engine) is { } flaw)
        {
            await Problems.Answer(context, flaw).ConfigureAwait(false);
            return;
        }
        // The book says what there is now, and the lives are read when they know as much: nothing older is answered.
        var last = await book.Engine.ReadAsync((_, at) => at.Position - 1).ConfigureAwait(false);
        var lives = await book.ReadModels.LivesAsync(last).ConfigureAwait(false);
        if (lives is null) await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
        else if (!TransferId.TryParse(context.Request.RouteValues["transfer"] as string ?? "", out var id)
            || await lives.FindAsync(id).ConfigureAwait(false) is not { } life)
            await Problems.Answer(context, ReadsProblems.TransferNotFound).ConfigureAwait(false);
        else Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, Math.Max(last, life.Positions[^1]));
            Write(to, life);
        });
    }

    public async Task ListAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (reference, mark, limit, after) =
            (query.Text("reference", MaxReference), query.Mark(), query.Limit(), query.AfterPosition);
        var (key, value) =
            (query.Text("metadata-key", Metadata.MaxKeyLength), query.Words("metadata-value", Metadata.MaxValueLength));
        var flaw = query.Check(book.Engine)
            ?? ReadsQuery.Malformed(key is null != value is null, "metadata-key")
            ?? ReadsQuery.Malformed(reference is null == key is null, "reference");
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        if (await book.ReadModels.LivesAsync(after).ConfigureAwait(false) is not { } lives)
        {
            await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
            return;
        }
        if (key is not null)
        {
            await WithMetadataAsync(context, query, lives, key, value!).ConfigureAwait(false);
            return;
        }
        var page = await lives.WithReferenceAsync(reference!, mark?.Position, limit).ConfigureAwait(false);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.Position);
            to.WriteStartArray("transfers"u8);
            foreach (var life in page.Transfers)
            {
                var events = EventsOf(life);
                if (!events.Exists(e => PostedLegs.Said(e.Event)?.Reference == reference)) continue;
                to.WriteStartObject();
                Summary(to, life, events.ConvertAll(e => e.Event));
                to.WriteEndObject();
            }
            to.WriteEndArray();
            ReadsAccounts.Next(to, page.Next is { } row ? query.CursorAt(row) : null);
        });
    }

    private async Task WithMetadataAsync(
        HttpContext context, ReadsQuery query, ITransferLives lives, string key, string value)
    {
        var (mark, limit) = (query.Mark(), query.Limit());
        if (await book.ReadModels.MetadataAfterAsync(query.AfterPosition).ConfigureAwait(false) is not { } metadata)
        {
            await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
            return;
        }
        int? from = mark is { } m ? (int)Math.Min(m.Position, int.MaxValue) : null;
        var page = metadata.With(key, value, from, limit);
        // What one read model already knows the other may be about to learn: it is on the next look.
        var found = new List<TransferLife>();
        foreach (var transfer in page.Transfers)
        {
            if (await lives.FindAsync(transfer).ConfigureAwait(false) is { } life) found.Add(life);
        }
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.Position);
            to.WriteStartArray("transfers"u8);
            foreach (var life in found)
            {
                var events = EventsOf(life);
                if (!events.Exists(e => TransferMetadata.Has(PostedLegs.Said(e.Event)?.Metadata, key, value))) continue;
                to.WriteStartObject();
                Summary(to, life, events.ConvertAll(e => e.Event));
                to.WriteEndObject();
            }
            to.WriteEndArray();
            ReadsAccounts.Next(to, page.Next is { } row ? query.CursorAt(row) : null);
        });
    }

    public async Task EntryAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var stated = context.Request.RouteValues["position"] as string;
        var flaw = query.Check(book.Engine);
        if (!long.TryParse(stated, NumberStyles.None, CultureInfo.InvariantCulture, out var position) || position == 0)
            flaw ??= new Flaw(ReadsProblems.EntryNotFound);
        flaw ??= await Following.ReachAsync(context, book, position, "position").ConfigureAwait(false);
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        var lives = await book.ReadModels.LivesAsync(Math.Max(position, query.AfterPosition))
            .ConfigureAwait(false);
        var legs = new List<Leg>();
        if (ReadsJson.TryRead(book.Engine, position, out var line))
        {
            var recorded = EventLine.Read(line.Span).Recorded;
            PostedLegs.Gather(recorded.Event, recorded.Legs, legs);
        }
        if (lives is null) await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
        else if (legs.Count == 0) await Problems.Answer(context, ReadsProblems.EntryNotFound).ConfigureAwait(false);
        else
        {
            var (correction, known) = await lives.CorrectionOfAsync(position).ConfigureAwait(false);
            Reads.Ok(context, to =>
            {
                to.WriteNumber("position"u8, known);
                to.WritePropertyName("entry"u8);
                to.Event(line, correction);
            });
        }
    }

    private void Write(Utf8JsonWriter to, TransferLife life)
    {
        var events = EventsOf(life);
        Summary(to, life, events.ConvertAll(e => e.Event));
        to.WriteStartArray("history"u8);
        foreach (var (line, position, _) in events) to.Event(line, CorrectionOf(life, position));
        foreach (var (_, correction) in life.Reversals)
        {
            if (ReadsJson.TryRead(book.Engine, correction, out var line)) to.Event(line, correction: null);
        }
        to.WriteEndArray();
    }

    private List<(ReadOnlyMemory<byte> Line, long Position, Event Event)> EventsOf(TransferLife life)
    {
        var events = new List<(ReadOnlyMemory<byte>, long, Event)>();
        foreach (var position in life.Positions)
        {
            if (events.Count == MaxEvents) break;
            if (!ReadsJson.TryRead(book.Engine, position, out var line))
                throw new InvalidOperationException($"Event {position} was projected and is not in the journal.");
            events.Add((line, position, EventLine.Read(line.Span).Recorded.Event));
        }
        return events;
    }

    private static long? CorrectionOf(TransferLife life, long position)
    {
        foreach (var (original, correction) in life.Reversals)
        {
            if (original == position) return correction;
        }
        return null;
    }

    /// <summary>What has become of it: the state, and how much of a reservation is posted, held and released.</summary>
    private static void Summary(Utf8JsonWriter to, TransferLife life, List<Event> events)
    {
        to.Value("id"u8, life.Id);
        to.WriteString("state"u8, StateOf(events[^1]));
        to.WriteBoolean("reversed"u8, life.Reversals.Length > 0);
        to.WriteNumber("first_position"u8, life.Positions[0]);
        if (life.Positions.Length > MaxEvents) to.WriteNumber("events_not_shown"u8, life.Positions.Length - MaxEvents);
        if (events[0] is TransferEvent.Made made) Terms(to, made.Debit, made.Credit, made.Amount);
        else if (events[0] is TransferEvent.Imported imported)
            Terms(to, imported.Debit, imported.Credit, imported.Amount);
        else if (events[0] is TransferEvent.Reserved reserved)
        {
            Terms(to, reserved.Debit, reserved.Credit, reserved.Amount);
            Progress(to, reserved, events);
        }
    }

    private static void Terms(Utf8JsonWriter to, AccountId debit, AccountId credit, Amount amount)
    {
        to.Value("debit"u8, debit);
        to.Value("credit"u8, credit);
        to.Value("amount"u8, amount);
    }

    private static void Progress(Utf8JsonWriter to, TransferEvent.Reserved reserved, List<Event> events)
    {
        var (posted, released) = (Amount.Zero(reserved.Amount.Asset), Amount.Zero(reserved.Amount.Asset));
        foreach (var @event in events)
        {
            switch (@event)
            {
                case TransferEvent.Posted e: (posted, released) = (posted + e.Amount, released + e.Released); break;
                case TransferEvent.Cancelled e: released += e.Released; break;
                case TransferEvent.Expired e: released += e.Released; break;
                default: break;
            }
        }
        to.Value("posted"u8, posted);
        to.Value("released"u8, released);
        to.Value("remaining"u8, reserved.Amount - posted - released);
        to.ValueOrNull("expires"u8, reserved.Expires);
    }

    private static string StateOf(Event last) => last switch
    {
        TransferEvent.Reserved or TransferEvent.Posted { Remaining.IsZero: false } => "reserved",
        TransferEvent.Cancelled => "cancelled",
        TransferEvent.Expired => "expired",
        _ => "posted",
    };
}
