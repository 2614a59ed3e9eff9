using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using Google.Protobuf;
using Google.Protobuf.Collections;
using static BankingEngine.Host.Grpc.EventStore.ReadResp.Types.ReadEvent.Types;

namespace BankingEngine.Host.Journals.EventStore;

/// <summary>
/// How a book lies in a stream: one event per event, revision = position − 1, one append a block. The section
/// "EventStoreDB and KurrentDB" of FORMAT.md is the public page.
/// </summary>
/// <remarks>
/// The id of an event depends on its line and on who appends it, not on its position alone: a server takes a repeated
/// append of the same ids for the same append and answers success whatever the content is. If ids were made of
/// positions, two hosts that append different blocks at one place would both be told that theirs is stored, and the
/// fence would be none.
/// </remarks>
internal sealed class BookStream
{
    /// <summary>Versions of the layout; the one written and the highest one read.</summary>
    public const int Version = 1;

    private const int GuidBytes = 16, VersionAt = 6, VariantAt = 8, HostAt = 10;
    private static readonly ByteString Brace = ByteString.CopyFromUtf8("{");

    /// <summary>How the metadata of a block's last event begin; what follows is the block's seal line without its first
    /// brace and its newline.</summary>
    private readonly byte[] _lead;

    /// <summary>Of this journal, as it was opened: ends the ids of what it appends.</summary>
    private readonly byte[] _host = RandomNumberGenerator.GetBytes(GuidBytes - HostAt);

    public BookStream(JournalIdentity identity)
    {
        Identity = identity;
        (Name, Beats) = (NameOf(identity.Book), $"beat-{identity.Book}");
        _lead = Encoding.ASCII.GetBytes(
            $"{{\"journal\":\"bankingengine.v{Version}\",\"book\":\"{identity.Book}\","
            + $"\"genesis\":\"{Convert.ToHexStringLower(identity.Genesis.Span)}\",");
    }

    public JournalIdentity Identity { get; }

    /// <summary>Of the events.</summary>
    public string Name { get; }

    /// <summary>Of the signs of life.</summary>
    public string Beats { get; }

    public static string NameOf(string book) => $"book-{book}";

    /// <summary>The id of an event: UUID version 8, ten bytes of its leaf in the tree folded with the genesis, six of who
    /// appends it.</summary>
    public static Guid IdOf(ReadOnlySpan<byte> genesis, ReadOnlySpan<byte> leaf, ReadOnlySpan<byte> host)
    {
        Span<byte> id = stackalloc byte[GuidBytes];
        for (var i = 0; i < HostAt; i++) id[i] = (byte)(leaf[i] ^ genesis[i]);
        host.CopyTo(id[HostAt..]);
        id[VersionAt] = (byte)((id[VersionAt] & 0x0f) | 0x80);
        id[VariantAt] = (byte)((id[VariantAt] & 0x3f) | 0x80);
        return new(id, bigEndian: true);
    }

    /// <summary>A block as one append.</summary>
    /// <param name="seal">The seal line with its newline.</param>
    public void Write(in SealedBlock block, ReadOnlySpan<byte> seal, RepeatedField<BatchAppendReq.Types.ProposedMessage> to)
    {
        var slices = new Slice[block.Events];
        // A copy: a call that is given up may still hold it when the caller's buffer is used again.
        var kept = block.Lines.ToArray();
        ReadOnlySpan<byte> lines = kept;
        for (var (index, start) = (0, 0); index < slices.Length; index++)
        {
            slices[index] = new(start, lines[start..].IndexOf((byte)'\n'));
            start += slices[index].Length + 1;
        }
        var leaves = new byte[slices.Length * Sha256Lanes.HashBytes];
        Sha256Lanes.HashLeaves(lines, slices, leaves);
        var within = ByteString.CopyFromUtf8($"{{\"block\":{block.Block}}}");
        to.Capacity = slices.Length;
        for (var index = 0; index < slices.Length; index++)
        {
            var line = kept.AsMemory(slices[index].Start, slices[index].Length);
            var leaf = leaves.AsSpan(index * Sha256Lanes.HashBytes, Sha256Lanes.HashBytes);
            to.Add(Message(
                IdOf(Identity.Genesis.Span, leaf, _host), TypeOf(line.Span), UnsafeByteOperations.UnsafeWrap(line),
                index < slices.Length - 1 ? within : SealMetadata(seal)));
        }
    }

    /// <summary>An event of the store.</summary>
    public static BatchAppendReq.Types.ProposedMessage Message(Guid id, string type, ByteString data, ByteString metadata) => new()
    {
        Id = EventStoreNames.UuidOf(id, structured: true),
        Metadata = { ["type"] = type, ["content-type"] = "application/json" },
        CustomMetadata = metadata,
        Data = data,
    };

    /// <summary>The metadata of a block's last event.</summary>
    /// <param name="seal">The seal line with its newline.</param>
    public ByteString SealMetadata(ReadOnlySpan<byte> seal)
    {
        var bytes = new byte[_lead.Length + seal.Length - 2];
        _lead.CopyTo(bytes, 0);
        seal[1..^1].CopyTo(bytes.AsSpan(_lead.Length));
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    /// <summary>Adds the seal line that an event's metadata hold.</summary>
    /// <returns>Its bytes with newline; 0 where the event is not a block's last.</returns>
    /// <exception cref="JournalException">Damaged, WrongBook or NewerFormat: the event is not one of this book's.</exception>
    public int AddSeal(RecordedEvent recorded, StoredBlocks to)
    {
        var metadata = recorded.CustomMetadata.Span;
        if (!metadata.StartsWith(_lead))
        {
            if (metadata.StartsWith("{\"block\":"u8) && metadata.Length <= JournalLimits.SealBytes) return 0;
            throw Foreign(recorded);
        }
        if (metadata.Length - _lead.Length > JournalLimits.SealBytes) throw Foreign(recorded);
        to.Add(Brace.Span);
        to.Add(metadata[_lead.Length..]);
        to.Add("\n"u8);
        return metadata.Length - _lead.Length + 2;
    }

    /// <summary>Whether an event is the last of a block with this seal.</summary>
    public bool IsSealedBy(RecordedEvent recorded, ReadOnlySpan<byte> seal)
    {
        var metadata = recorded.CustomMetadata.Span;
        return metadata.StartsWith(_lead) && metadata[_lead.Length..].SequenceEqual(seal[1..^1]);
    }

    /// <summary>Which book a stream says it is.</summary>
    /// <param name="last">Its last event.</param>
    /// <exception cref="JournalException">Damaged or NewerFormat: it is none, or none that this program reads.</exception>
    public static JournalIdentity IdentityOf(string stream, RecordedEvent last)
    {
        Span<byte> genesis = stackalloc byte[JournalLimits.RootBytes];
        try
        {
            using var metadata = JsonDocument.Parse(last.CustomMetadata.Memory);
            var (journal, book, id) = (Text("journal"), Text("book"), Text("genesis"));
            const string lead = "bankingengine.v";
            if (journal.StartsWith(lead, StringComparison.Ordinal) && int.TryParse(journal[lead.Length..], out var version))
            {
                if (version > Version)
                {
                    throw new JournalException(
                        JournalFault.NewerFormat,
                        $"Stream {stream} is written in version {version} of the journal; this program reads {Version}.");
                }
                if (id.Length == 2 * JournalLimits.RootBytes
                    && Convert.FromHexString(id, genesis, out _, out _) == System.Buffers.OperationStatus.Done)
                    return new(book, genesis);
            }

            string Text(string member) => metadata.RootElement.ValueKind == JsonValueKind.Object
                && metadata.RootElement.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String
                ? value.GetString()!
                : "";
        }
        catch (Exception wrong) when (wrong is JsonException or ArgumentException)
        {
            // Falls through: whatever it is, it is not a seal.
        }
        var what = $"the event of type '{Shown(last)}' carries no seal: another program wrote into the stream, or a "
            + "block was not stored whole";
        throw new JournalException(Damage(stream, (long)last.StreamRevision, what));
    }

    public static JournalDamage Damage(string stream, long revision, string what) =>
        JournalDamage.InStream(stream, revision + 1, what);

    private JournalException Foreign(RecordedEvent recorded)
    {
        try
        {
            var said = IdentityOf(Name, recorded);
            if (!said.IsSameAs(Identity))
                return new(JournalFault.WrongBook, $"Stream {Name} belongs to book {said}, not to {Identity}.");
        }
        catch (JournalException known)
        {
            return known;
        }
        return new(Damage(Name, (long)recorded.StreamRevision, "the seal in the event's metadata is not well formed"));
    }

    private static string Shown(RecordedEvent recorded) => recorded.Metadata.TryGetValue("type", out var type) ? type : "";

    /// <summary>The wire name as the line states it: position and time, which stand before it, hold no such text.</summary>
    private static string TypeOf(ReadOnlySpan<byte> line)
    {
        var lead = "\"type\":\""u8;
        var start = line.IndexOf(lead) + lead.Length;
        var length = start < lead.Length ? -1 : line[start..].IndexOf((byte)'"');
        return length > 0 ? Names.Of(line.Slice(start, length)) : "event";
    }

    /// <summary>One string for each wire name, not one for each event.</summary>
    private static class Names
    {
        private static readonly Dictionary<string, string> Known = EventCatalogue.All.ToDictionary(type => type.Name, type => type.Name);
        private static readonly Dictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> ByChars =
            Known.GetAlternateLookup<ReadOnlySpan<char>>();

        public static string Of(ReadOnlySpan<byte> utf8)
        {
            Span<char> chars = stackalloc char[128];
            return utf8.Length <= chars.Length && Encoding.UTF8.TryGetChars(utf8, chars, out var length)
                && ByChars.TryGetValue(chars[..length], out var known)
                ? known
                : Encoding.UTF8.GetString(utf8);
        }
    }
}
