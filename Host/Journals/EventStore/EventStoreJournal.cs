using System.Diagnostics;
using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using static BankingEngine.Host.Grpc.EventStore.ReadResp.Types.ReadEvent.Types;

namespace BankingEngine.Host.Journals.EventStore;

/// <summary>How long a lead is good, and when its place is free.</summary>
/// <param name="Lease">A leader answers so long after a proof.</param>
/// <param name="Silence">So long without a sign of life the place is watched before it is claimed; more than
/// <paramref name="Lease"/>.</param>
/// <param name="Beat">Between two signs of life.</param>
public sealed record LeadTimes(TimeSpan Lease, TimeSpan Silence, TimeSpan Beat)
{
    public static LeadTimes Default { get; } = new(JournalTimes.Lease, JournalTimes.Silence, JournalTimes.Beat);
}

/// <summary>
/// A book in an EventStoreDB or KurrentDB: one event per event in the stream <c>book-&lt;name&gt;</c>, one append a
/// block, the expected revision as the fence. See the section of FORMAT.md.
/// </summary>
/// <remarks>
/// An append stays below the server's default of 1 MiB, which it counts as data + metadata + twice the type's name: at
/// most 512 KiB of lines, 2,000 events with metadata of 29 bytes and types of 64 letters, one seal: 838,000 bytes.
/// A new book has no event until it is founded: its identity travels in the seals.
/// </remarks>
public sealed class EventStoreJournal : SharedJournal
{
    /// <summary>A look at the stream or a sign of life takes no longer, or the store counts as silent.</summary>
    private static readonly TimeSpan ShortWait = TimeSpan.FromMilliseconds(750);

    private readonly EventStoreCluster _cluster;
    private readonly BookStream _stream;
    private readonly BeatStream _beats;
    private readonly StreamFollower _follower;
    private readonly StreamAppender _appender;
    private readonly LeadTimes _times;
    private readonly Lock _leading = new();
    private readonly Lock _noting = new();
    private readonly List<string> _warnings = [];
    private volatile EventStoreLead? _lead;
    private volatile byte[] _storing = [];
    private Watched _watched = new(long.MinValue, 0, default);
    private long _watchedSince, _lastLook;
    private int _looks;

    private EventStoreJournal(EventStoreCluster cluster, JournalIdentity identity, LeadTimes times) : base(identity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(times.Silence, times.Lease);
        (_cluster, _stream, _times) = (cluster, new(identity), times);
        _beats = new(cluster, _stream);
        _follower = new(cluster, _stream);
        _appender = new(cluster, _stream.Name);
        var settings = cluster.Settings;
        if (!settings.Tls)
        {
            _warnings.Add("The connection to the event store is not encrypted (tls=false).");
            if (settings.User is not null) _warnings.Add("User and password are not sent to the event store: tls=false.");
        }
        else if (!settings.TlsVerifyCert)
        {
            _warnings.Add("The event store's certificate is not verified (tlsVerifyCert=false): anyone could answer in its place.");
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Warnings
    {
        get { lock (_noting) return [.. _warnings]; }
    }

    /// <summary>Makes the journal of a new book. Nothing is stored until its first block.</summary>
    /// <param name="connectionString">As <see cref="EventStoreSettings"/> reads it.</param>
    /// <exception cref="JournalException">NotEmpty: the book's stream exists, or did. Refused: the connection string, a
    /// certificate, user or server is wrong. Unknown: the store cannot be reached.</exception>
    public static EventStoreJournal Create(string connectionString, JournalIdentity identity, LeadTimes? times = null)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return With(connectionString, cluster =>
        {
            var name = BookStream.NameOf(identity.Book);
            var wait = cluster.Settings.DefaultDeadline;
            if (cluster.Last(name, wait) is not null)
                throw new JournalException(JournalFault.NotEmpty, $"Stream {name} exists already.");
            if (IsDeletion(MetadataOf(cluster, name)))
            {
                throw new JournalException(
                    JournalFault.NotEmpty, $"Stream {name} held events and was deleted; take another name for the book.");
            }
            return new EventStoreJournal(cluster, identity, times ?? LeadTimes.Default);
        });
    }

    /// <summary>Opens the journal of a book that is founded.</summary>
    /// <inheritdoc cref="Create" path="/param"/>
    /// <exception cref="JournalException">NotFound: no such stream. Damaged: history is missing, was deleted, or is not a
    /// bank's. NewerFormat, WrongBook, Refused, Unknown.</exception>
    public static EventStoreJournal Open(string connectionString, string book, LeadTimes? times = null) =>
        With(connectionString, cluster =>
        {
            var name = BookStream.NameOf(book);
            var last = cluster.Last(name, cluster.Settings.DefaultDeadline);
            DemandWhole(cluster, name, last);
            var identity = BookStream.IdentityOf(name, last!);
            if (identity.Book != book)
                throw new JournalException(JournalFault.WrongBook, $"Stream {name} belongs to book {identity}.");
            var journal = new EventStoreJournal(cluster, identity, times ?? LeadTimes.Default);
            journal.Open();
            return journal;
        });

    /// <inheritdoc/>
    public override ILead? TryLead(string leader)
    {
        lock (_leading)
        {
            if (_lead is { IsOver: false }) return null;
            var sent = Stopwatch.GetTimestamp();
            var seen = Watch();
            var arrived = Stopwatch.GetTimestamp();
            if (seen != _watched) (_watched, _watchedSince) = (seen, arrived);
            // Of a book that is empty nobody can answer; whoever is founding it has given a sign.
            var isFree = seen is { BookRevision: < 0, BeatRevision: < 0 }
                || _beats.Last is { Resigned: true } last && last.Tail == seen.BookRevision + 1
                || Stopwatch.GetElapsedTime(_watchedSince, sent) >= _times.Silence;
            if (!isFree) return null;
            var lead = new EventStoreLead(this, leader, seen, _times);
            if (lead.Prove()) return _lead = lead;
            lead.Dispose();
            return null;
        }
    }

    /// <inheritdoc/>
    public override void Note(in DigestNote note)
    {
        try
        {
            _beats.Note(note, ShortWait);
        }
        catch (JournalException)
        {
            // Followers compare the next one.
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<DigestNote> NotesAfter(long position)
    {
        _beats.Look(ShortWait);
        return _beats.NotesAfter(position);
    }

    /// <summary>Gives a sign of life of this host's lead.</summary>
    /// <exception cref="JournalException">Unknown: the store did not answer.</exception>
    internal void GiveSign(EventStoreLead lead, bool resigned) =>
        _beats.Give(lead.Leader, Tail.Position, resigned, ShortWait);

    /// <summary>Asks the store whether its last event is one that this host stored or knows.</summary>
    /// <exception cref="JournalException">Unknown: the store did not answer.</exception>
    internal bool IsTailOwn()
    {
        var last = _cluster.Last(_stream.Name, ShortWait);
        if (last is null) return Tail.Position == 0;
        // What is being stored is set before it is sent, and stays until the tail has moved over it: looked at once
        // more, since it may have moved meanwhile.
        var storing = _storing;
        return (long)last.StreamRevision < Tail.Position
            || storing.Length > 0 && _stream.IsSealedBy(last, storing)
            || (long)last.StreamRevision < Tail.Position;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _lead?.Dispose();
        _follower.Dispose();
        _appender.Dispose();
        _beats.Dispose();
        _cluster.Dispose();
    }

    /// <inheritdoc/>
    protected override bool TryStore(
        in SealedBlock block, ReadOnlyMemory<byte> seal, JournalTail before, TimeSpan wait)
    {
        ArgumentNullException.ThrowIfNull(before);
        _follower.End();
        _looks = 0;
        _storing = seal.ToArray();
        var request = StreamAppender.To(_stream.Name, before.Position - 1);
        _stream.Write(block, seal.Span, request.ProposedMessages);
        var deadline = wait < _cluster.Settings.DefaultDeadline ? wait : _cluster.Settings.DefaultDeadline;
        var expected = block.FirstPosition + block.Events - 2;
        var revision = _appender.Append(request, deadline);
        if (revision is null) _lead?.Lose();
        else if (revision != expected)
        {
            throw new JournalException(BookStream.Damage(
                _stream.Name, expected, $"the store put the event at position {revision + 1}: the stream was deleted and begun anew"));
        }
        return revision is not null;
    }

    /// <summary>The first block of a term is the claim: what might still be another's lease is waited for.</summary>
    protected override void Stored(in SealedBlock block, JournalTail before)
    {
        if (_lead is not { HasBegun: false, IsOver: false } lead) return;
        var wasWatched = before.Position - 1 == lead.Watched.BookRevision;
        if (before.Position > 0 && !(wasWatched && IsStillSilent(lead.Watched))) Thread.Sleep(_times.Lease);
        lead.Begin();
        try
        {
            _beats.Limit(ShortWait);
        }
        catch (JournalException failed)
        {
            lock (_noting)
            {
                _warnings.Remove(_warnings.Find(text => text.StartsWith(_stream.Beats, StringComparison.Ordinal)) ?? "");
                _warnings.Add($"{_stream.Beats} grows without bound: its $maxCount could not be set. {failed.Message}");
            }
        }
    }

    /// <inheritdoc/>
    protected override void FetchNews(long block, long position, int most, StoredBlocks to)
    {
        ArgumentNullException.ThrowIfNull(to);
        // A subscription that says nothing may have nothing to say, or hang: once in a while the store is asked. And
        // what the leader before appended last has to be asked for: a subscription may not have it yet.
        var isRecent = Stopwatch.GetElapsedTime(_lastLook) < _times.Beat;
        var claims = _lead is { HasBegun: false, IsOver: false };
        if (!claims && _follower.TryTake(position, most, to) && (to.Count > 0 || isRecent)) return;
        to.Clear();
        var last = Fetch(position, most, to, ShortWait);
        _lastLook = Stopwatch.GetTimestamp();
        // Who is level and looks again is one who follows. From there on nothing new from the subscription means that
        // there is nothing.
        if (!claims && to.Count < most && ++_looks > 1) _follower.Begin(last);
    }

    /// <inheritdoc/>
    protected override void Fetch(long block, long position, int most, StoredBlocks to) =>
        Fetch(position, most, to, LookWait);

    /// <returns>Position of the last event of the last whole block.</returns>
    private long Fetch(long position, int most, StoredBlocks to, TimeSpan wait)
    {
        ArgumentNullException.ThrowIfNull(to);
        var last = position;
        var next = Math.Max(position - 1, 0);
        // One more than a look at the end can bring: the events of all blocks wanted, each as large as can be.
        var count = (position > 0 ? 1L : 0L) + (long)most * JournalLimits.BlockEvents;
        var isHistory = position + (long)most * JournalLimits.BlockEvents < Tail.Position;
        try
        {
            _cluster.Read(_stream.Name, next, count, isHistory, wait, Take);
        }
        catch (JournalException slow) when (slow.Kind == JournalFault.Unknown && to.Count > 0)
        {
            // Whole blocks are there: what is missing comes with the next question.
        }
        return last;

        bool Take(RecordedEvent recorded)
        {
            Demand(recorded, next++);
            if (next > position)
            {
                to.Add(recorded.Data.Span);
                to.Add("\n"u8);
            }
            var seal = _stream.AddSeal(recorded, to);
            if (next == position) to.EndBefore();
            else if (seal > 0)
            {
                to.EndBlock(seal);
                last = next;
            }
            return to.Count < most;
        }
    }

    /// <inheritdoc/>
    protected override void FetchSeal(long position, StoredBlocks to)
    {
        ArgumentNullException.ThrowIfNull(to);
        var next = position - 1;
        _cluster.Read(_stream.Name, next, JournalLimits.BlockEvents, history: false, LookWait, recorded =>
        {
            Demand(recorded, next++);
            if (_stream.AddSeal(recorded, to) == 0) return true;
            to.EndBefore();
            return false;
        });
    }

    /// <inheritdoc/>
    protected override void FetchLastSeal(StoredBlocks to)
    {
        ArgumentNullException.ThrowIfNull(to);
        if (_cluster.Last(_stream.Name, LookWait) is not { } last) return;
        if (_stream.AddSeal(last, to) == 0)
        {
            throw new JournalException(BookStream.Damage(
                _stream.Name, (long)last.StreamRevision, "the last event is not the last of a block: its seal is missing"));
        }
        to.EndBefore();
    }

    private TimeSpan LookWait =>
        _cluster.Settings.DefaultDeadline < JournalTimes.Lease ? _cluster.Settings.DefaultDeadline : JournalTimes.Lease;

    private Watched Watch()
    {
        var last = _cluster.Last(_stream.Name, ShortWait);
        var (revision, id) = _beats.Look(ShortWait);
        return new(last is null ? -1 : (long)last.StreamRevision, revision, id);
    }

    private bool IsStillSilent(in Watched watched)
    {
        try
        {
            return _beats.Look(ShortWait) == (watched.BeatRevision, watched.BeatId);
        }
        catch (JournalException)
        {
            return false;
        }
    }

    private void Demand(RecordedEvent recorded, long revision)
    {
        if ((long)recorded.StreamRevision == revision) return;
        throw new JournalException(BookStream.Damage(
            _stream.Name, revision, $"the event is missing; the next one stands at position {recorded.StreamRevision + 1}"));
    }

    private static EventStoreJournal With(string connectionString, Func<EventStoreCluster, EventStoreJournal> make)
    {
        var cluster = new EventStoreCluster(Settings(connectionString));
        try
        {
            cluster.DemandAbilities(cluster.Settings.DefaultDeadline);
            return make(cluster);
        }
        catch
        {
            cluster.Dispose();
            throw;
        }
    }

    private static EventStoreSettings Settings(string connectionString)
    {
        try
        {
            return EventStoreSettings.Parse(connectionString);
        }
        catch (FormatException typo)
        {
            throw new JournalException(JournalFault.Refused, typo.Message, typo);
        }
    }

    /// <summary>Refuses a stream that is gone, that lost its beginning, or that the server may cut.</summary>
    private static void DemandWhole(EventStoreCluster cluster, string name, RecordedEvent? last)
    {
        var wait = cluster.Settings.DefaultDeadline;
        var metadata = MetadataOf(cluster, name);
        if (last is null)
        {
            throw IsDeletion(metadata)
                ? new JournalException(JournalDamage.InStream(
                    name, 1, "it was deleted (softly); its events are there until the server scavenges: "
                    + $"set $tb in the stream's metadata back, or restore a backup"))
                : new JournalException(JournalFault.NotFound, $"There is no stream {name}.");
        }
        long first = -1;
        cluster.Read(name, from: 0, most: 1, history: false, wait, recorded =>
        {
            first = (long)recorded.StreamRevision;
            return false;
        });
        var cut = metadata is null ? "" : string.Join(", ", Cutting(metadata.Value));
        if (first != 0)
        {
            throw new JournalException(JournalDamage.InStream(
                name, 1, $"history was cut off: the first event stands at position {first + 1}"
                + (cut.Length > 0 ? $", the stream's metadata have {cut}" : "")));
        }
        if (cut.Length == 0) return;
        throw new JournalException(
            JournalFault.Refused, $"The metadata of stream {name} have {cut}: the server would delete history. Remove it first.");
    }

    /// <summary>Members of a stream's metadata that make a server drop events.</summary>
    private static IEnumerable<string> Cutting(JsonElement metadata) => metadata.ValueKind == JsonValueKind.Object
        ? metadata.EnumerateObject()
            .Where(member => member.Name is "$maxCount" or "$maxAge" or "$tb")
            .Where(member => member.Value.ToString() != "0")
            .Select(member => $"{member.Name} {member.Value}")
        : [];

    private static bool IsDeletion(JsonElement? metadata) => metadata is { ValueKind: JsonValueKind.Object } known
        && known.TryGetProperty("$tb", out var before) && before.TryGetInt64(out var revision) && revision == long.MaxValue;

    private static JsonElement? MetadataOf(EventStoreCluster cluster, string name)
    {
        if (cluster.Last("$$" + name, cluster.Settings.DefaultDeadline) is not { } last) return null;
        try
        {
            return JsonDocument.Parse(last.Data.Memory).RootElement;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
