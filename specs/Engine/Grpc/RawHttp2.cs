using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace BankingEngine.Specs.Engine.Grpc;

/// <summary>HTTP/2 by hand, over TCP: sends what no library would, and takes only what a spec wants taken.</summary>
internal sealed class RawHttp2 : IAsyncDisposable
{
    public const int StreamWindow = 65_535;

    private const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8;
    private const byte EndStream = 1, Acknowledge = 1, EndHeaders = 4;
    private const int HeadBytes = 9;

    private readonly TcpClient _client = new() { NoDelay = true };
    private readonly Dictionary<int, Answer> _answers = [];
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private Task _reading = Task.CompletedTask;
    private NetworkStream _stream = null!;

    /// <summary>What came on one stream.</summary>
    public sealed record Answer(long Bytes, bool IsEnded, uint? ResetWith);

    /// <summary>The server closed the connection, or said that it will.</summary>
    public bool IsOver { get; private set; }

    /// <summary>The server said that it takes no further calls on this connection.</summary>
    public bool WasToldToGo { get; private set; }

    /// <summary>Pings of the server.</summary>
    public int Pings { get; private set; }

    /// <summary>Whether they are answered.</summary>
    public bool AnswersPings { get; set; } = true;

    /// <param name="connectionWindow">What the server may send on all streams together before more is taken.</param>
    public static async Task<RawHttp2> ConnectAsync(Uri address, int connectionWindow = int.MaxValue)
    {
        var raw = new RawHttp2();
        await raw._client.ConnectAsync(address.Host, address.Port);
        raw._stream = raw._client.GetStream();
        await raw._stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        await raw.FrameAsync(Settings, 0, 0, []);
        if (connectionWindow > StreamWindow)
        {
            var more = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(more, connectionWindow - StreamWindow);
            await raw.FrameAsync(WindowUpdate, 0, 0, more);
        }
        raw._reading = Task.Run(raw.ReadAsync);
        return raw;
    }

    /// <summary>What came so far.</summary>
    public Answer Of(int stream)
    {
        lock (_gate) return _answers.GetValueOrDefault(stream, new(0, false, null));
    }

    /// <summary>A call with a whole body; no window is opened for its answer beyond the first.</summary>
    public async Task CallAsync(int stream, string? path, byte[] body, params (string Name, string Value)[] more)
    {
        var block = new List<byte>();
        Add(":method", "POST");
        Add(":scheme", "http");
        Add(":authority", "localhost");
        if (path is not null) Add(":path", path);
        if (!more.Any(header => header.Name == "content-type")) Add("content-type", "application/grpc");
        Add("te", "trailers");
        foreach (var (name, value) in more) Add(name, value);
        await FrameAsync(Headers, EndHeaders, stream, [.. block]);
        await FrameAsync(Data, EndStream, stream, body);

        // Literal, not indexed, no Huffman (RFC 7541, 6.2.2).
        void Add(string name, string value)
        {
            block.Add(0);
            foreach (var text in (string[])[name, value])
            {
                var bytes = Encoding.Latin1.GetBytes(text);
                block.Add((byte)bytes.Length);
                block.AddRange(bytes);
            }
        }
    }

    public async Task FrameAsync(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[HeadBytes + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, HeadBytes);
        await BytesAsync(frame);
    }

    /// <summary>Any bytes, as they are.</summary>
    public async Task BytesAsync(byte[] bytes)
    {
        await _writing.WaitAsync();
        try
        {
            await _stream.WriteAsync(bytes);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Waits until something is so.</summary>
    public static async Task Until(Func<bool> isSo, string what)
    {
        for (var tries = 0; tries < 1_500; tries++)
        {
            if (isSo()) return;
            await Task.Delay(20);
        }
        throw new TimeoutException($"It never was so that {what}.");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _reading;
        _writing.Dispose();
    }

    private async Task ReadAsync()
    {
        var head = new byte[HeadBytes];
        try
        {
            while (true)
            {
                await _stream.ReadExactlyAsync(head);
                var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head) >> 8];
                await _stream.ReadExactlyAsync(payload);
                await TakeAsync(head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload);
            }
        }
        catch (Exception over) when (over is IOException or ObjectDisposedException or SocketException)
        {
            IsOver = true;
        }
    }

    private async Task TakeAsync(byte type, byte flags, int stream, byte[] payload)
    {
        if (type == Settings && (flags & Acknowledge) == 0) await FrameAsync(Settings, Acknowledge, 0, []);
        if (type == Ping && (flags & Acknowledge) == 0)
        {
            Pings++;
            if (AnswersPings) await FrameAsync(Ping, Acknowledge, 0, payload);
        }
        if (type == GoAway) IsOver = WasToldToGo = true;
        if (type is not (Data or Headers or Reset)) return;
        lock (_gate)
        {
            var before = _answers.GetValueOrDefault(stream, new(0, false, null));
            _answers[stream] = type == Reset
                ? before with { ResetWith = BinaryPrimitives.ReadUInt32BigEndian(payload) }
                : new(before.Bytes + (type == Data ? payload.Length : 0), (flags & EndStream) != 0, before.ResetWith);
        }
    }
}
