using System.Buffers;
using System.Diagnostics;
using System.Text;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>What consumer groups are answered with a no.</summary>
public static class ConsumerProblems
{
    public static readonly EdgeProblem
        NotFound = new("consumer.not_found", 404, "No consumer group of this name has a position."),
        TooMany = new("consumer.too_many", 409, $"A book has at most {Consumers.MaxConsumers} consumer groups."),
        Reading = new("consumer.reading", 409, "Another reader of the group follows the stream now."),
        Behind = new("consumer.position_behind", 409, "The group is further on: say reset to go back."),
        Unavailable = new("positions.unavailable", 503, "The store of positions does not answer: try again shortly.");
}

/// <summary>
/// Consumer groups of the event stream: a name, and the last position that its readers are done with. At least once: a
/// reader gets everything behind the stored position, and what it had and did not say that it was done with, again.
/// </summary>
/// <remarks>
/// One reader a group at a time, on whichever host: a second is refused, unless it says <c>takeover=true</c>; then the
/// first one's stream ends with the event <c>consumer.taken_over</c>. Who reads holds the group's name in the store of
/// positions, so that a host that fell makes room by itself. A position only advances, so a reader that was taken over
/// takes nothing back.
/// </remarks>
public sealed class Consumers(RunningBook book)
{
    private readonly RunningBook book = book;

    public const int MaxConsumers = 100;

    public const string TakenOver = "consumer.taken_over";

    private const string Prefix = "consumer:";

    /// <summary>How long a reader that leaves waits for the store; its hold then ends by itself.</summary>
    private static readonly TimeSpan LongestRelease = TimeSpan.FromSeconds(2);

    private static readonly CommandSpec Commit = new(
        "consumer.commit", "consumers/{consumer}/position", Scopes.Audit, "Say how far a group is",
        [Fields.Consumer, Fields.DonePosition], [Fields.Reset],
        static (_, _) => new Flaw(EdgeProblems.CommandUnknown), """{"position":1}""");

    private readonly Lock _gate = new();
    private readonly Dictionary<Tag, Reader> _reading = [];

    /// <summary>Who becomes a group's reader on this host, one after another: so that the last to hold it in the store is
    /// the last one here too, and not ended by another that was.</summary>
    private readonly Turns<Tag> _entering = new();

    /// <summary>What a commit says.</summary>
    private readonly record struct Done(Tag Consumer, long Position, bool Reset);

    public void Map(IEndpointRouteBuilder routes)
    {
        MapGuarded(routes, HttpMethods.Get, "/v1/consumers", "consumer.list",
            "Consumer groups, where each stands, and how far it is behind", ListAsync, Scopes.Audit,
            new("Audit", "Every group that has a position."));
        MapGuarded(routes, HttpMethods.Post, Commit.Route, Commit.Name,
            "Say up to which event a group is done; it only advances, unless reset", CommitAsync, Scopes.Audit,
            new("Audit", "Where the group stands now.")
            {
                Body = """
                    {"type":"object","required":["position"],"additionalProperties":false,"properties":{
                      "position":{"type":"integer","minimum":0},"reset":{"type":"boolean","default":false}}}
                    """,
                Example = Commit.Example,
            });
        MapGuarded(routes, HttpMethods.Delete, "/v1/consumers/{consumer}", "consumer.remove",
            "Forget a group's position", RemoveAsync, Scopes.Audit,
            new("Audit", "That it is forgotten.") { NotFound = ConsumerProblems.NotFound.Code });
    }

    /// <summary>Where a group stands; null where nobody has said.</summary>
    public Task<StoredPosition?> FindAsync(Tag group, CancellationToken cancellation) =>
        book.Positions.FindAsync(NameOf(group), cancellation);

    /// <summary>Becomes the group's reader.</summary>
    /// <returns>Null while another reads, here or on another host, and is not to be taken over from.</returns>
    /// <exception cref="PositionsUnavailableException">The store did not answer.</exception>
    /// <exception cref="TurnTakenException">Others who enter are not answered either.</exception>
    /// <exception cref="OperationCanceledException">Who wanted to read went away.</exception>
    public async Task<Reader?> EnterAsync(Tag group, bool takeover, CancellationToken cancellation)
    {
        Reader reader;
        using (await _entering.TakeAsync(group, TurnTimes.LongestWait, cancellation).ConfigureAwait(false))
        {
            lock (_gate)
            {
                if (_reading.ContainsKey(group) && !takeover) return null;
            }
            reader = new Reader(this, group, Stopwatch.GetTimestamp());
            if (await TryHoldAsync(reader, takeover, cancellation).ConfigureAwait(false))
            {
                Begin(reader);
                return reader;
            }
        }
        await reader.DisposeAsync().ConfigureAwait(false);
        return null;
    }

    /// <summary>A reader whose hold was not answered leaves: the store may have it, and the next one would wait.</summary>
    private async Task<bool> TryHoldAsync(Reader reader, bool takeover, CancellationToken cancellation)
    {
        try
        {
            return await book.Positions.HoldAsync(NameOf(reader.Group), reader.Id, takeover, cancellation)
                .ConfigureAwait(false);
        }
        catch
        {
            await reader.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private void Begin(Reader reader)
    {
        Reader? before;
        lock (_gate)
        {
            _reading.TryGetValue(reader.Group, out before);
            _reading[reader.Group] = reader;
        }
        before?.EndTakenOver();
        reader.Start();
    }

    /// <summary>Maps a route whose stores may not answer.</summary>
    internal static void MapGuarded(
        IEndpointRouteBuilder routes, string method, string route, string name, string summary,
        Func<HttpContext, Task> answer, Scopes needs, ReadSpec spec)
    {
        async Task Run(HttpContext context)
        {
            try
            {
                await answer(context).ConfigureAwait(false);
            }
            catch (EngineUnavailableException unavailable) when (!context.Response.HasStarted)
            {
                await Problems.Answer(context, unavailable).ConfigureAwait(false);
            }
            catch (PositionsUnavailableException) when (!context.Response.HasStarted)
            {
                await Problems.Answer(context, ConsumerProblems.Unavailable).ConfigureAwait(false);
            }
        }

        routes.MapMethods(route, [method], (Delegate)Run).Needs(needs).WithName(name).WithSummary(summary).Reads(spec);
    }

    /// <summary>Reads a body, and the names in the address, as those of a command are read.</summary>
    internal static async Task<(T Value, Flaw? Flaw)> ReadAsync<T>(
        HttpContext context, CommandSpec spec, Func<CommandFields, T> take) where T : struct
    {
        if (!RequestBodies.Is(context, ResponseBody.JsonType)) return (default, RequestBodies.NotOf(ResponseBody.JsonType));
        var body = await RequestBodies.ReadAsync(context).ConfigureAwait(false);
        var read = Read(context, spec, body.ToArray(), take);
        RequestBodies.Done(context, body);
        return read;
    }

    private static (T Value, Flaw? Flaw) Read<T>(
        HttpContext context, CommandSpec spec, byte[] body, Func<CommandFields, T> take) where T : struct
    {
        var fields = CommandFields.Rent();
        try
        {
            fields.Begin(spec);
            foreach (var field in spec.InPath)
            {
                if (fields.ReadPath(field, context.Request.RouteValues[field.Name] as string) is { } misplaced)
                    return (default, misplaced);
            }
            return fields.ReadBody(body, inBatch: false) is { } flaw ? (default, flaw) : (take(fields), null);
        }
        finally
        {
            fields.Return();
        }
    }

    private async Task ListAsync(HttpContext context)
    {
        var stored = await book.Positions.ListAsync(Prefix, context.RequestAborted).ConfigureAwait(false);
        var held = await book.Positions.HeldAsync(Prefix, context.RequestAborted).ConfigureAwait(false);
        var end = book.Engine.DurablePosition;
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, end);
            to.WriteStartArray("consumers"u8);
            foreach (var position in stored)
            {
                to.WriteStartObject();
                Write(to, position, end, held);
                to.WriteEndObject();
            }
            to.WriteEndArray();
        });
    }

    private async Task CommitAsync(HttpContext context)
    {
        var (done, flaw) = await ReadAsync(
            context, Commit, static f => new Done(f.Consumer, f.Number, f.Reset)).ConfigureAwait(false);
        flaw ??= await Following.ReachAsync(context, book, done.Position, Fields.DonePosition.Name).ConfigureAwait(false);
        var end = book.Engine.DurablePosition;
        var (stands, refused) = flaw is null
            ? await StoreAsync(done, context.RequestAborted).ConfigureAwait(false) : (default, flaw);
        if (refused is { } no)
        {
            await Problems.Answer(context, no).ConfigureAwait(false);
            return;
        }
        var held = await book.Positions.HeldAsync(NameOf(done.Consumer), context.RequestAborted).ConfigureAwait(false);
        Reads.Ok(context, to => Write(to, stands, end, held));
    }

    private async Task<(StoredPosition Stands, Flaw? Flaw)> StoreAsync(Done done, CancellationToken cancellation)
    {
        var to = new StoredPosition(NameOf(done.Consumer), done.Position, DateTimeOffset.UtcNow);
        if (await book.Positions.FindAsync(to.Name, cancellation).ConfigureAwait(false) is null
            && (await book.Positions.ListAsync(Prefix, cancellation).ConfigureAwait(false)).Count >= MaxConsumers)
            return (default, new Flaw(ConsumerProblems.TooMany));
        if (done.Reset)
        {
            await book.Positions.ResetAsync(to, cancellation).ConfigureAwait(false);
            return (to, null);
        }
        var stands = await book.Positions.AdvanceAsync(to, cancellation).ConfigureAwait(false);
        return stands.Position == to.Position ? (stands, null)
            : (default, new Flaw(ConsumerProblems.Behind, Fields.DonePosition.Name, Detail: $"It is at {stands.Position}."));
    }

    private async Task RemoveAsync(HttpContext context)
    {
        var isName = Tag.TryParse(
            Encoding.UTF8.GetBytes(context.Request.RouteValues["consumer"] as string ?? ""), out var group);
        if (!isName || !await book.Positions.RemoveAsync(NameOf(group), context.RequestAborted).ConfigureAwait(false))
        {
            await Problems.Answer(context, ConsumerProblems.NotFound).ConfigureAwait(false);
            return;
        }
        Reads.Ok(context, to =>
        {
            to.Value("consumer"u8, group);
            to.WriteBoolean("removed"u8, true);
        });
    }

    private static void Write(
        System.Text.Json.Utf8JsonWriter to, in StoredPosition stored, long end, IReadOnlySet<string> held)
    {
        var name = stored.Name[Prefix.Length..];
        to.WriteString("consumer"u8, name);
        to.WriteNumber("position"u8, stored.Position);
        to.WriteNumber("lag"u8, Math.Max(0, end - stored.Position));
        to.WriteString("at"u8, stored.At.UtcDateTime.ToString(
            "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture));
        to.WriteBoolean("reading"u8, held.Contains(stored.Name));
    }

    private static string NameOf(Tag group) => Prefix + group;

    /// <summary>A group's reader on this host, as long as it holds the group's name.</summary>
    public sealed class Reader : IAsyncDisposable
    {
        private readonly Consumers _consumers;
        private readonly CancellationTokenSource _ended = new(), _left = new();
        private Task _holding = Task.CompletedTask;
        private long _proven;
        private volatile bool _isTakenOver;

        internal Reader(Consumers consumers, Tag group, long proven) =>
            (_consumers, Group, _proven) = (consumers, group, proven);

        internal Tag Group { get; }

        internal Guid Id { get; } = Guid.NewGuid();

        /// <summary>Cancelled when another takes over, or when it is no longer known that none does.</summary>
        public CancellationToken Ended => _ended.Token;

        public bool IsTakenOver => _isTakenOver;

        internal void Start() => _holding = Task.Run(HoldAsync);

        internal void EndTakenOver()
        {
            _isTakenOver = true;
            _ended.Cancel();
        }

        /// <summary>Makes room for another.</summary>
        public async ValueTask DisposeAsync()
        {
            await _left.CancelAsync().ConfigureAwait(false);
            await _holding.ConfigureAwait(false);
            lock (_consumers._gate)
            {
                if (_consumers._reading.TryGetValue(Group, out var now) && now == this) _consumers._reading.Remove(Group);
            }
            using var shortly = new CancellationTokenSource(LongestRelease);
            try
            {
                await _consumers.book.Positions.ReleaseAsync(NameOf(Group), Id, shortly.Token).ConfigureAwait(false);
            }
            catch (Exception away) when (away is PositionsUnavailableException or OperationCanceledException)
            {
                // The hold ends by itself.
            }
            _left.Dispose();
        }

        private async Task HoldAsync()
        {
            while (true)
            {
                await Task.Delay(Holds.RenewedEvery, _left.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (_left.IsCancellationRequested || _ended.IsCancellationRequested) return;
                var asked = Stopwatch.GetTimestamp();
                try
                {
                    // An answer that comes when the hold is over says nothing of the time between.
                    using var over = CancellationTokenSource.CreateLinkedTokenSource(_left.Token);
                    var rest = Holds.Length - Stopwatch.GetElapsedTime(_proven);
                    over.CancelAfter(rest > TimeSpan.Zero ? rest : TimeSpan.Zero);
                    if (await _consumers.book.Positions.HoldAsync(NameOf(Group), Id, takeover: false, over.Token)
                        .ConfigureAwait(false)) _proven = asked;
                    else EndTakenOver();
                }
                catch (Exception away) when (away is PositionsUnavailableException or OperationCanceledException)
                {
                    if (Stopwatch.GetElapsedTime(_proven) >= Holds.Length) await _ended.CancelAsync().ConfigureAwait(false);
                }
            }
        }
    }
}
