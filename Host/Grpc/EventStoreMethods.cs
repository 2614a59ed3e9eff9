using BankingEngine.Host.Grpc.EventStore;
using Google.Protobuf;

namespace BankingEngine.Host.Grpc;

/// <summary>The methods of the EventStoreDB protocol that are spoken here.</summary>
public static class EventStoreMethods
{
    private const string Package = "/event_store.client.", StreamsService = Package + "streams.Streams/";

    public static GrpcMethod<ReadReq, ReadResp> Read { get; } =
        new(StreamsService + "Read", ReadReq.Parser, ReadResp.Parser);

    public static GrpcMethod<AppendReq, AppendResp> Append { get; } =
        new(StreamsService + "Append", AppendReq.Parser, AppendResp.Parser);

    public static GrpcMethod<BatchAppendReq, BatchAppendResp> BatchAppend { get; } =
        new(StreamsService + "BatchAppend", BatchAppendReq.Parser, BatchAppendResp.Parser);

    public static GrpcMethod<DeleteReq, DeleteResp> Delete { get; } =
        new(StreamsService + "Delete", DeleteReq.Parser, DeleteResp.Parser);

    public static GrpcMethod<TombstoneReq, TombstoneResp> Tombstone { get; } =
        new(StreamsService + "Tombstone", TombstoneReq.Parser, TombstoneResp.Parser);

    public static GrpcMethod<Empty, SupportedMethods> Features { get; } =
        new(Package + "server_features.ServerFeatures/GetSupportedMethods", Empty.Parser, SupportedMethods.Parser);

    public static GrpcMethod<Empty, ClusterInfo> Gossip { get; } =
        new(Package + "gossip.Gossip/Read", Empty.Parser, ClusterInfo.Parser);
}

/// <summary>Names as the protocol spells them.</summary>
public static class EventStoreNames
{
    private const int GuidBytes = 16;

    /// <summary>Longest stream name taken; a longer one is a mistake or an attack.</summary>
    public const int MaxStreamNameBytes = 1_024;

    public static StreamIdentifier StreamOf(string name) => new() { StreamName = ByteString.CopyFromUtf8(name) };

    public static string NameOf(StreamIdentifier? stream) => stream?.StreamName.ToStringUtf8() ?? "";

    /// <param name="structured">As two numbers; else as text.</param>
    public static UUID UuidOf(Guid id, bool structured)
    {
        if (!structured) return new() { String = id.ToString() };
        Span<byte> bytes = stackalloc byte[GuidBytes];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return new()
        {
            Structured = new()
            {
                MostSignificantBits = System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes),
                LeastSignificantBits = System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes[sizeof(long)..]),
            },
        };
    }

    /// <returns>False where there is none, or the text is none.</returns>
    public static bool TryReadUuid(UUID? uuid, out Guid id)
    {
        id = default;
        if (uuid is null) return false;
        if (uuid.ValueCase == UUID.ValueOneofCase.String) return Guid.TryParse(uuid.String, out id);
        if (uuid.ValueCase != UUID.ValueOneofCase.Structured) return false;
        Span<byte> bytes = stackalloc byte[GuidBytes];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(bytes, uuid.Structured.MostSignificantBits);
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(
            bytes[sizeof(long)..], uuid.Structured.LeastSignificantBits);
        id = new(bytes, bigEndian: true);
        return true;
    }
}
