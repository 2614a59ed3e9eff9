using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;

namespace BankingEngine.Host.Grpc;

/// <summary>A method as both sides know it.</summary>
/// <param name="Path"><c>/package.Service/Method</c>.</param>
public sealed record GrpcMethod<TRequest, TResponse>(
    string Path, MessageParser<TRequest> Requests, MessageParser<TResponse> Responses)
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>;

/// <summary>
/// Messages between HTTP/2 and Protobuf: each has five bytes before it, a flag that says whether it is compressed, and
/// its length, most significant byte first (gRPC over HTTP/2, "Length-Prefixed-Message").
/// </summary>
public static class GrpcFrames
{
    public const int HeaderBytes = 5;

    /// <summary>What a peer may send in one message unless a side says otherwise; official clients take as much.</summary>
    public const int MaxMessageBytes = 17 * 1024 * 1024;

    public static void Write(IBufferWriter<byte> to, IMessage message)
    {
        ArgumentNullException.ThrowIfNull(to);
        ArgumentNullException.ThrowIfNull(message);
        var header = to.GetSpan(HeaderBytes);
        header[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(header[1..], message.CalculateSize());
        to.Advance(HeaderBytes);
        message.WriteTo(to);
    }

    /// <summary>The next message, or null where the peer has no more.</summary>
    /// <param name="most">Bytes; a longer message is refused by its length, before it is buffered.</param>
    /// <exception cref="GrpcException">The frame is compressed, too long, cut short, or not this message.</exception>
    public static async ValueTask<T?> ReadAsync<T>(
        PipeReader from, MessageParser<T> parser, int most, CancellationToken cancellation)
        where T : class, IMessage<T>
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(parser);
        while (true)
        {
            var read = await from.ReadAsync(cancellation).ConfigureAwait(false);
            var buffer = read.Buffer;
            if (TryTake(ref buffer, parser, most, out var message))
            {
                from.AdvanceTo(buffer.Start);
                return message;
            }
            if (read.IsCompleted)
            {
                if (buffer.IsEmpty) return null;
                throw new GrpcException(GrpcCode.Internal, "The last message is cut short.");
            }
            if (read.IsCanceled) throw new OperationCanceledException(cancellation);
            from.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Takes one whole message off the front of a buffer, where there is one.</summary>
    /// <inheritdoc cref="ReadAsync" path="/param"/>
    /// <inheritdoc cref="ReadAsync" path="/exception"/>
    public static bool TryTake<T>(
        ref ReadOnlySequence<byte> buffer, MessageParser<T> parser, int most, out T? message)
        where T : class, IMessage<T>
    {
        ArgumentNullException.ThrowIfNull(parser);
        message = null;
        if (buffer.Length < HeaderBytes) return false;
        Span<byte> header = stackalloc byte[HeaderBytes];
        buffer.Slice(0, HeaderBytes).CopyTo(header);
        if (header[0] != 0)
            throw new GrpcException(GrpcCode.Internal, "A message is compressed though no encoding was agreed on.");
        var length = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (length > (uint)most)
            throw new GrpcException(GrpcCode.ResourceExhausted, $"A message has {length} bytes; {most} are allowed.");
        if (buffer.Length - HeaderBytes < length) return false;
        try
        {
            message = parser.ParseFrom(buffer.Slice(HeaderBytes, length));
        }
        catch (InvalidProtocolBufferException wrong)
        {
            throw new GrpcException(
                GrpcCode.Internal, "A message is not of the form that the method takes.", null, wrong);
        }
        buffer = buffer.Slice(HeaderBytes + length);
        return true;
    }
}

/// <summary>Headers and trailers of gRPC, as text.</summary>
internal static class GrpcHeaders
{
    public const string
        ContentType = "application/grpc", Status = "grpc-status", Message = "grpc-message", Timeout = "grpc-timeout",
        Encoding = "grpc-encoding", AcceptEncoding = "grpc-accept-encoding", Identity = "identity";

    /// <summary>Longest time that a timer takes; a deadline beyond is none.</summary>
    private static readonly TimeSpan LongestDeadline = TimeSpan.FromDays(40);

    private const int MostTimeoutDigits = 8;

    public static bool IsGrpc(string? contentType) =>
        contentType is not null && contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is '+' or ';');

    /// <summary>One to eight digits and a unit.</summary>
    /// <returns>False where the text is none; a deadline past all timers reads as the longest.</returns>
    public static bool TryReadTimeout(ReadOnlySpan<char> text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > MostTimeoutDigits + 1) return false;
        if (text[..^1].ContainsAnyExceptInRange('0', '9')) return false;
        var count = long.Parse(text[..^1], System.Globalization.CultureInfo.InvariantCulture);
        long? ticks = text[^1] switch
        {
            'H' => count * TimeSpan.TicksPerHour,
            'M' => count * TimeSpan.TicksPerMinute,
            'S' => count * TimeSpan.TicksPerSecond,
            'm' => count * TimeSpan.TicksPerMillisecond,
            'u' => count * TimeSpan.TicksPerMicrosecond,
            'n' => count / TimeSpan.NanosecondsPerTick,
            _ => null,
        };
        if (ticks is null) return false;
        timeout = TimeSpan.FromTicks(Math.Min(ticks.Value, LongestDeadline.Ticks));
        return true;
    }

    /// <summary>The shortest spelling that is not shorter in time than a millisecond allows.</summary>
    public static string WriteTimeout(TimeSpan timeout)
    {
        var milliseconds = Math.Max(1, (long)timeout.TotalMilliseconds);
        return milliseconds < 100_000_000 ? $"{milliseconds}m" : $"{milliseconds / 1_000}S";
    }

    /// <summary>Percent-encodes what is not plain ASCII, as <c>grpc-message</c> wants it.</summary>
    public static string Escape(string text)
    {
        var escaped = new System.Text.StringBuilder(text.Length);
        foreach (var b in System.Text.Encoding.UTF8.GetBytes(text))
        {
            if (b is >= 0x20 and <= 0x7e and not (byte)'%') escaped.Append((char)b);
            else escaped.Append('%').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }
        return escaped.ToString();
    }

    public static string Unescape(string text) => Uri.UnescapeDataString(text);
}
