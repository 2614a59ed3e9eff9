using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Grpc;
using Google.Protobuf;
using static BankingEngine.Host.Grpc.EventStore.ReadResp.Types.ReadEvent.Types;

namespace BankingEngine.Host.Journals.EventStore;

/// <summary>A sign of life, as it is stored.</summary>
/// <param name="Journal">Layout, as in a seal.</param>
/// <param name="Host">Who gives it: another text for each journal that is opened.</param>
/// <param name="Leader">The same for people.</param>
/// <param name="Tail">Position of the last event that the leader knows durable.</param>
/// <param name="Resigned">It is the last one: the place is free, unless the book goes on behind the tail.</param>
internal sealed record Beat(
    string Journal, string Book, string Genesis, string Host, string Leader, long Tail, bool Resigned);

/// <summary>A digest note, as it is stored.</summary>
/// <param name="Digest">32 hexadecimal digits.</param>
internal sealed record StoredNote(
    string Journal, string Book, string Genesis, long Block, long Position, string Digest, string Schema);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(Beat))]
[JsonSerializable(typeof(StoredNote))]
internal sealed partial class BeatJson : JsonSerializerContext;

/// <summary>What a host that follows knows of a book: where it ends and what signs of life others gave.</summary>
/// <param name="BookRevision">Of the last event; −1 where there is none.</param>
/// <param name="BeatRevision">Of the last sign of life of another; −1 where there is none.</param>
/// <param name="BeatId">Its id: a stream that was deleted counts from anew.</param>
internal readonly record struct Watched(long BookRevision, long BeatRevision, Guid BeatId);

/// <summary>The stream of a book's signs of life and digest notes. Not part of the journal: the store keeps the newest
/// only, and losing them all costs a standby <see cref="JournalTimes.Silence"/>.</summary>
/// <remarks>Any thread.</remarks>
internal sealed class BeatStream(EventStoreCluster cluster, BookStream stream) : IDisposable
{
    /// <summary>Signs of life and notes that the store keeps: some minutes.</summary>
    public const int Kept = 1_000;

    /// <summary>Digest notes remembered.</summary>
    private const int MostNotes = 1_000;

    private const string BeatType = "bankingengine.beat.v1", NoteType = "bankingengine.digest.v1",
        MetadataType = "$metadata";

    private static readonly string Layout = $"bankingengine.v{BookStream.Version}";
    private readonly string _genesis = Convert.ToHexStringLower(stream.Identity.Genesis.Span);
    private readonly string _host = Guid.NewGuid().ToString("n");
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, DigestNote> _notes = [];
    private readonly StreamAppender _appender = new(cluster, stream.Beats);
    private readonly StreamAppender _settings = new(cluster, "$$" + stream.Beats);
    private long _next;
    private (long Revision, Guid Id) _others = (-1, default);

    /// <summary>The last sign of life that was read; null where there is none.</summary>
    public Beat? Last { get; private set; }

    /// <summary>Reads what came since.</summary>
    /// <returns>Revision and id of the last one that is not this host's.</returns>
    /// <exception cref="JournalException">Unknown: no answer.</exception>
    public (long Revision, Guid Id) Look(TimeSpan wait)
    {
        lock (_gate)
        {
            for (var more = true; more;)
            {
                var count = 0;
                var exists = cluster.Read(stream.Beats, _next, Kept, history: false, wait, recorded =>
                {
                    count++;
                    _next = (long)recorded.StreamRevision + 1;
                    if (!IsOwn(recorded) && EventStoreNames.TryReadUuid(recorded.Id, out var id))
                        _others = ((long)recorded.StreamRevision, id);
                    return true;
                });
                if (!exists) (_next, _others, Last) = (0, (-1, default), null);
                more = count == Kept;
            }
            return _others;
        }
    }

    /// <summary>Gives a sign of life.</summary>
    /// <exception cref="JournalException">Unknown: it may be stored.</exception>
    public void Give(string leader, long tail, bool resigned, TimeSpan wait) => Append(
        BeatType, JsonSerializer.SerializeToUtf8Bytes(
            new(Layout, stream.Identity.Book, _genesis, _host, leader, tail, resigned), BeatJson.Default.Beat), wait);

    /// <summary>Stores a digest note.</summary>
    /// <exception cref="JournalException">Unknown: it may be stored.</exception>
    public void Note(in DigestNote note, TimeSpan wait) => Append(
        NoteType, JsonSerializer.SerializeToUtf8Bytes(
            new(Layout, stream.Identity.Book, _genesis, note.Block, note.Position,
                note.Digest.ToString("x32", CultureInfo.InvariantCulture), note.Schema), BeatJson.Default.StoredNote), wait);

    /// <summary>Tells the store to keep the newest signs of life only.</summary>
    /// <exception cref="JournalException">It was not told.</exception>
    public void Limit(TimeSpan wait)
    {
        var request = StreamAppender.To("$$" + stream.Beats, StreamAppender.Any);
        // Always the same id: said again it is not stored again.
        var id = BookStream.IdOf(stream.Identity.Genesis.Span, JournalTail.EmptyRoot.Span, []);
        var data = ByteString.CopyFromUtf8($"{{\"$maxCount\":{Kept}}}");
        request.ProposedMessages.Add(BookStream.Message(id, MetadataType, data, ByteString.Empty));
        _settings.Append(request, wait);
    }

    /// <summary>Digests noted after a position, oldest first.</summary>
    public IReadOnlyList<DigestNote> NotesAfter(long position)
    {
        lock (_gate) return [.. _notes.Values.Where(note => note.Position > position)];
    }

    public void Dispose()
    {
        _appender.Dispose();
        _settings.Dispose();
    }

    private void Append(string type, byte[] data, TimeSpan wait)
    {
        var request = StreamAppender.To(stream.Beats, StreamAppender.Any);
        request.ProposedMessages.Add(
            BookStream.Message(Guid.NewGuid(), type, UnsafeByteOperations.UnsafeWrap(data), ByteString.Empty));
        _appender.Append(request, wait);
    }

    /// <summary>Takes in what an event says; what is no sign of life or note of this book counts as noise.</summary>
    /// <returns>Whether this host gave it.</returns>
    private bool IsOwn(RecordedEvent recorded)
    {
        try
        {
            var type = recorded.Metadata.TryGetValue("type", out var said) ? said : "";
            if (type == NoteType && JsonSerializer.Deserialize(recorded.Data.Span, BeatJson.Default.StoredNote) is { } note)
                Take(note);
            if (type != BeatType || JsonSerializer.Deserialize(recorded.Data.Span, BeatJson.Default.Beat) is not { } beat
                || beat.Journal != Layout || beat.Book != stream.Identity.Book || beat.Genesis != _genesis) return false;
            Last = beat;
            return beat.Host == _host;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private void Take(StoredNote note)
    {
        if (note.Journal != Layout || note.Book != stream.Identity.Book || note.Genesis != _genesis || note.Schema is null
            || !UInt128.TryParse(note.Digest, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var digest)) return;
        _notes[note.Position] = new(note.Block, note.Position, digest, note.Schema);
        while (_notes.Count > MostNotes) _notes.Remove(_notes.Keys.First());
    }
}
