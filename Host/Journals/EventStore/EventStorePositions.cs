using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using Google.Protobuf;

namespace BankingEngine.Host.Journals.EventStore;

/// <summary>All positions of a book and who reads, as one event holds them.</summary>
/// <param name="Journal">Layout, as in a seal.</param>
internal sealed record PositionTable(
    string Journal, string Book, string Genesis, List<StoredPosition> Positions, List<PositionHold> Holds);

/// <param name="Renewals">One more each time that the holder asked for it again: a hold that stays as it is ends.</param>
internal sealed record PositionHold(string Name, Guid Holder, long Renewals);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PositionTable))]
internal sealed partial class PositionsJson : JsonSerializerContext;

/// <summary>
/// Positions in the store of the journal, in the stream <c>positions-&lt;book&gt;</c>: each event holds all of them, the
/// last one counts. Every host of the book has the same.
/// </summary>
/// <remarks>
/// <para>What is asked for while the store is busy is answered together: the last event is read, changed, and appended
/// behind itself; where another host was faster, that is done again. So a position never goes back unless reset, whoever
/// sets it.</para>
/// <para>A hold ends when this host has itself seen it unchanged for <see cref="Holds.Length"/>, by its monotonic clock:
/// no clock of two hosts is compared.</para>
/// </remarks>
public sealed class EventStorePositions : IPositions, IDisposable
{
    /// <summary>Events that the store keeps; the last one would do.</summary>
    private const int Kept = 10;

    /// <summary>How often another host may be faster in one question.</summary>
    private const int MostConflicts = 20;

    private const string EventType = "bankingengine.positions.v1", MetadataType = "$metadata";

    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(3);
    private static readonly string Layout = $"bankingengine.v{BookStream.Version}";

    private readonly EventStoreCluster _cluster;
    private readonly JournalIdentity _identity;
    private readonly string _stream, _genesis;
    private readonly StreamAppender _appender, _settings;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (PositionHold Hold, long Since)> _seen = [];
    private List<Question> _waiting = [];
    private bool _isAsking, _isLimited;
    private long _asked;

    private EventStorePositions(EventStoreCluster cluster, JournalIdentity identity)
    {
        (_cluster, _identity) = (cluster, identity);
        (_stream, _genesis) = (NameOf(identity.Book), Convert.ToHexStringLower(identity.Genesis.Span));
        (_appender, _settings) = (new(cluster, _stream), new(cluster, "$$" + _stream));
    }

    /// <summary>The positions of a book. Nobody is asked before the first question.</summary>
    /// <exception cref="FormatException">The connection string is none.</exception>
    /// <exception cref="JournalException">Refused: a certificate's file cannot be read.</exception>
    public static EventStorePositions Open(string connectionString, JournalIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return new(new(EventStoreSettings.Parse(connectionString)), identity);
    }

    /// <summary>Their stream.</summary>
    public static string NameOf(string book) => $"positions-{book}";

    public Task<StoredPosition?> FindAsync(string name, CancellationToken cancellation) =>
        AskAsync(table => table.Find(name), cancellation);

    public Task<StoredPosition> AdvanceAsync(StoredPosition to, CancellationToken cancellation)
    {
        PositionNames.Demand(to.Name);
        return AskAsync(
            table => table.Find(to.Name) is { } before && before.Position >= to.Position ? before : table.Set(to),
            cancellation);
    }

    public Task ResetAsync(StoredPosition to, CancellationToken cancellation)
    {
        PositionNames.Demand(to.Name);
        return AskAsync(table => table.Set(to), cancellation);
    }

    public Task<IReadOnlyList<StoredPosition>> ListAsync(string prefix, CancellationToken cancellation) =>
        AskAsync<IReadOnlyList<StoredPosition>>(
            table => [.. table.Positions.Values.Where(p => p.Name.StartsWith(prefix, StringComparison.Ordinal))],
            cancellation);

    public Task<bool> RemoveAsync(string name, CancellationToken cancellation) =>
        AskAsync(table => table.Remove(name), cancellation);

    public Task<bool> HoldAsync(string name, Guid holder, bool takeover, CancellationToken cancellation)
    {
        PositionNames.Demand(name);
        return AskAsync(
            table =>
            {
                var known = table.Holds.GetValueOrDefault(name);
                if (known is not null && known.Holder != holder && !takeover && !IsOver(known)) return false;
                table.Hold(new(name, holder, known is null ? 0 : known.Renewals + 1));
                return true;
            },
            cancellation);
    }

    public Task ReleaseAsync(string name, Guid holder, CancellationToken cancellation) =>
        AskAsync(table => table.Release(name, holder), cancellation);

    public Task<IReadOnlySet<string>> HeldAsync(string prefix, CancellationToken cancellation) =>
        AskAsync<IReadOnlySet<string>>(
            table => table.Holds.Values.Where(hold => !IsOver(hold) && hold.Name.StartsWith(prefix, StringComparison.Ordinal))
                .Select(hold => hold.Name).ToHashSet(),
            cancellation);

    public void Dispose()
    {
        _appender.Dispose();
        _settings.Dispose();
        _cluster.Dispose();
    }

    private async Task<T> AskAsync<T>(Func<Table, T> ask, CancellationToken cancellation)
    {
        var question = new Question<T>(ask);
        lock (_gate)
        {
            _waiting.Add(question);
            if (!_isAsking) _ = Task.Run(AnswerAll, CancellationToken.None);
            _isAsking = true;
        }
        return await question.Answer.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    private void AnswerAll()
    {
        while (true)
        {
            List<Question> questions;
            lock (_gate)
            {
                (questions, _waiting) = (_waiting, []);
                _isAsking = questions.Count > 0;
                if (!_isAsking) return;
            }
            try
            {
                Answer(questions);
            }
            catch (Exception failed)
            {
                var why = failed is PositionsUnavailableException ? failed
                    : new PositionsUnavailableException($"The event store did not keep or find a position: {failed.Message}", failed);
                foreach (var question in questions) question.Fail(why);
            }
        }
    }

    /// <exception cref="JournalException">No answer; a change may be stored, now or later.</exception>
    private void Answer(List<Question> questions)
    {
        for (var conflicts = 0; conflicts < MostConflicts; conflicts++)
        {
            var (table, revision) = Read();
            foreach (var question in questions) question.Ask(table);
            if (table.IsChanged && Append(table, revision) is null) continue;
            foreach (var question in questions) question.Tell();
            return;
        }
        throw new PositionsUnavailableException("Other hosts change positions without end.");
    }

    private (Table Table, long Revision) Read()
    {
        _asked = Stopwatch.GetTimestamp();
        if (_cluster.Last(_stream, Wait) is not { } last) return (new([], []), StreamAppender.NoStream);
        PositionTable? said;
        try
        {
            said = JsonSerializer.Deserialize(last.Data.Span, PositionsJson.Default.PositionTable);
        }
        catch (JsonException)
        {
            said = null;
        }
        if (said is not { Positions: not null, Holds: not null } || said.Journal != Layout
            || said.Positions.Exists(p => p.Position < 0 || p.Name is null || !PositionNames.IsValid(p.Name))
            || said.Holds.Exists(h => h?.Name is null))
        {
            throw new PositionsUnavailableException(
                $"The last event of stream {_stream} holds no positions: delete the stream; followers then begin anew.");
        }
        // Another book had this name: its followers are not this one's.
        var isOwn = said.Book == _identity.Book && said.Genesis == _genesis;
        var holds = isOwn ? said.Holds : [];
        Watch(holds);
        return (new(isOwn ? said.Positions : [], holds), (long)last.StreamRevision);
    }

    private void Watch(List<PositionHold> holds)
    {
        var now = Stopwatch.GetTimestamp();
        foreach (var gone in _seen.Keys.Except(holds.Select(hold => hold.Name)).ToList()) _seen.Remove(gone);
        foreach (var hold in holds)
        {
            if (!_seen.TryGetValue(hold.Name, out var seen) || seen.Hold != hold) _seen[hold.Name] = (hold, now);
        }
    }

    /// <summary>Whether a hold stayed as it is from one question's answer to when this one was asked.</summary>
    private bool IsOver(PositionHold hold) => _seen.TryGetValue(hold.Name, out var seen) && seen.Hold == hold
        && Stopwatch.GetElapsedTime(seen.Since, _asked) >= Holds.Length;

    /// <returns>Null where another host appended since.</returns>
    private long? Append(Table table, long revision)
    {
        // What is over is nobody's: the table is not for holds of hosts that fell.
        foreach (var over in table.Holds.Values.Where(IsOver).ToList()) table.Holds.Remove(over.Name);
        var request = StreamAppender.To(_stream, revision);
        var data = JsonSerializer.SerializeToUtf8Bytes(
            new(Layout, _identity.Book, _genesis, [.. table.Positions.Values], [.. table.Holds.Values]),
            PositionsJson.Default.PositionTable);
        request.ProposedMessages.Add(BookStream.Message(
            Guid.NewGuid(), EventType, UnsafeByteOperations.UnsafeWrap(data), ByteString.Empty));
        var stored = _appender.Append(request, Wait);
        if (stored is not null && !_isLimited) Limit();
        return stored;
    }

    /// <summary>Tells the store to keep the newest events only.</summary>
    private void Limit()
    {
        var request = StreamAppender.To("$$" + _stream, StreamAppender.Any);
        // Always the same id: said again it is not stored again.
        var id = BookStream.IdOf(_identity.Genesis.Span, JournalTail.EmptyRoot.Span, []);
        request.ProposedMessages.Add(BookStream.Message(
            id, MetadataType, ByteString.CopyFromUtf8($"{{\"$maxCount\":{Kept}}}"), ByteString.Empty));
        try
        {
            _settings.Append(request, Wait);
            _isLimited = true;
        }
        catch (JournalException)
        {
            // The next change says it again.
        }
    }

    /// <summary>What is asked about, and changed.</summary>
    private sealed class Table(IEnumerable<StoredPosition> positions, IEnumerable<PositionHold> holds)
    {
        public SortedDictionary<string, StoredPosition> Positions { get; } =
            new(positions.ToDictionary(p => p.Name), StringComparer.Ordinal);

        public SortedDictionary<string, PositionHold> Holds { get; } =
            new(holds.ToDictionary(hold => hold.Name), StringComparer.Ordinal);

        public bool IsChanged { get; private set; }

        public StoredPosition? Find(string name) => Positions.TryGetValue(name, out var found) ? found : null;

        public StoredPosition Set(in StoredPosition to)
        {
            if (Positions.Count >= PositionNames.Most && !Positions.ContainsKey(to.Name))
                throw new PositionsUnavailableException($"There are {PositionNames.Most} positions already.");
            IsChanged = true;
            return Positions[to.Name] = to;
        }

        public bool Remove(string name)
        {
            var removed = Positions.Remove(name);
            IsChanged |= removed;
            return removed;
        }

        public void Hold(PositionHold hold) => (Holds[hold.Name], IsChanged) = (hold, true);

        public bool Release(string name, Guid holder)
        {
            var isHolder = Holds.TryGetValue(name, out var now) && now.Holder == holder && Holds.Remove(name);
            IsChanged |= isHolder;
            return isHolder;
        }
    }

    /// <summary>One that waits for its answer; it may be put to several tables before.</summary>
    private abstract class Question
    {
        public abstract void Ask(Table table);

        public abstract void Tell();

        public abstract void Fail(Exception why);
    }

    private sealed class Question<T>(Func<Table, T> ask) : Question
    {
        private T? _found;
        private PositionsUnavailableException? _refused;

        public TaskCompletionSource<T> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override void Ask(Table table)
        {
            _refused = null;
            try
            {
                _found = ask(table);
            }
            catch (PositionsUnavailableException refused)
            {
                _refused = refused;
            }
        }

        public override void Tell()
        {
            if (_refused is null) Answer.TrySetResult(_found!);
            else Answer.TrySetException(_refused);
        }

        public override void Fail(Exception why) => Answer.TrySetException(why);
    }
}
