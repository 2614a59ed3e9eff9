using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using Google.Protobuf;
using RecordedEvent = BankingEngine.Host.Grpc.EventStore.ReadResp.Types.ReadEvent.Types.RecordedEvent;

namespace BankingEngine.Host.Gateway;

/// <summary>
/// An event of the book as a reader gets it: its data are the bytes of the event line, which are what was hashed; its
/// metadata say where it stands in the tree.
/// </summary>
/// <param name="size">Leaves of the tree up to and with its block: what <paramref name="root"/> is the root of.</param>
internal sealed class BookEntry(
    string stream, ReadOnlyMemory<byte> genesis, long position, long block, long size, byte[] root, byte[] line)
    : IStreamEntry
{
    private const string ContentType = "application/json";
    private const long EpochMicrosecond = 10;

    private (string Type, Instant At)? _head;

    public long Position => position;

    public long Revision => position - 1;

    public string Stream => stream;

    public string Type => Head.Type;

    /// <summary>Units of 100 ns since 1970, as text: when the event was recorded.</summary>
    public string Created => (Head.At.Microseconds * EpochMicrosecond).ToString(CultureInfo.InvariantCulture);

    public Guid Id => EventIds.Of(genesis.Span, position);

    private (string Type, Instant At) Head => _head ??= ReadHead(line);

    public ReadResp.Types.ReadEvent ToWire(bool resolveLinks, bool structuredIds) => new()
    {
        Event = ToRecorded(structuredIds),
        CommitPosition = (ulong)position,
    };

    public RecordedEvent ToRecorded(bool structuredIds) => new()
    {
        Id = EventStoreNames.UuidOf(Id, structuredIds),
        StreamIdentifier = EventStoreNames.StreamOf(stream),
        StreamRevision = (ulong)Revision,
        CommitPosition = (ulong)position,
        PreparePosition = (ulong)position,
        Metadata = { ["type"] = Type, ["content-type"] = ContentType, ["created"] = Created },
        CustomMetadata = Metadata(),
        Data = UnsafeByteOperations.UnsafeWrap(line),
    };

    private ByteString Metadata()
    {
        var to = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(to))
        {
            json.WriteStartObject();
            json.WriteNumber("position"u8, position);
            json.WriteNumber("block"u8, block);
            json.WriteNumber("size"u8, size);
            json.WriteString("root"u8, Convert.ToHexStringLower(root));
            json.WriteString("leaf"u8, TreeHash.OfLeaf(line).ToString());
            json.WriteEndObject();
        }
        return UnsafeByteOperations.UnsafeWrap(to.WrittenMemory);
    }

    private static (string, Instant) ReadHead(ReadOnlySpan<byte> line)
    {
        var (type, at) = ("", default(Instant));
        var reader = new Utf8JsonReader(line);
        reader.Read();
        while (type.Length == 0 && reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isType, isAt) = (reader.ValueTextEquals("type"u8), reader.ValueTextEquals("at"u8));
            reader.Read();
            if (isType) type = reader.GetString()!;
            else if (isAt) at = Instant.Parse(reader.GetString()!);
            else reader.Skip();
        }
        return (type, at);
    }
}

/// <summary>A link to an event of the book, in the stream of an account or a transfer.</summary>
internal sealed class LinkEntry(string stream, long revision, BookEntry target) : IStreamEntry
{
    /// <summary>The type that says to clients that an event is a link; its data are <c>revision@stream</c>.</summary>
    public const string LinkType = "$>";

    private const int GuidBytes = 16, VersionAt = 6, VariantAt = 8;

    public long Position => target.Position;

    public long Revision => revision;

    public string Stream => stream;

    public string Type => LinkType;

    public ReadResp.Types.ReadEvent ToWire(bool resolveLinks, bool structuredIds)
    {
        var link = new RecordedEvent
        {
            Id = EventStoreNames.UuidOf(IdOf(), structuredIds),
            StreamIdentifier = EventStoreNames.StreamOf(stream),
            StreamRevision = (ulong)revision,
            CommitPosition = (ulong)Position,
            PreparePosition = (ulong)Position,
            Metadata =
            {
                ["type"] = LinkType,
                ["content-type"] = "application/octet-stream",
                ["created"] = target.Created,
            },
            Data = ByteString.CopyFromUtf8($"{target.Revision}@{target.Stream}"),
        };
        return resolveLinks
            ? new() { Event = target.ToRecorded(structuredIds), Link = link, CommitPosition = (ulong)Position }
            : new() { Event = link, CommitPosition = (ulong)Position };
    }

    /// <summary>A UUID of version 8: from SHA-256 of the event's UUID, as bytes, and the link's stream.</summary>
    private Guid IdOf()
    {
        Span<byte> named = new byte[GuidBytes + Encoding.UTF8.GetByteCount(stream)];
        target.Id.TryWriteBytes(named, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(stream, named[GuidBytes..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(named, hash);
        hash[VersionAt] = (byte)((hash[VersionAt] & 0x0f) | 0x80);
        hash[VariantAt] = (byte)((hash[VariantAt] & 0x3f) | 0x80);
        return new(hash[..GuidBytes], bigEndian: true);
    }
}
