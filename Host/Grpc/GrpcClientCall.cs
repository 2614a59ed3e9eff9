using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;

namespace BankingEngine.Host.Grpc;

/// <summary>A call under way, as the side sees it that made it.</summary>
/// <remarks>One thread may write while another reads. To dispose it ends the call, also where it has not ended
/// yet.</remarks>
public sealed class GrpcClientCall<TRequest, TResponse> : IAsyncDisposable
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    /// <summary>How long the stream for messages may take to open once the peer has begun to answer; where it has
    /// ended the call with that, it never does.</summary>
    private static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(1);

    private readonly MessageParser<TResponse> _parser;
    private readonly int _most;
    private readonly CancellationTokenSource _ending;
    private readonly CancellationToken _asked;
    private readonly HttpRequestMessage _request;
    private readonly OutgoingMessages _outgoing = new();
    private readonly ArrayBufferWriter<byte> _frame = new(1024);
    private readonly Task<HttpResponseMessage> _answer;
    private HttpResponseMessage? _response;
    private PipeReader? _from;
    private bool _ended;
    private bool _disposed;

    internal GrpcClientCall(
        HttpMessageInvoker http, HttpRequestMessage request, MessageParser<TResponse> parser, int most,
        TimeSpan? deadline, CancellationToken asked)
    {
        (_request, _parser, _most, _asked) = (request, parser, most, asked);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(asked);
        if (deadline is { } left) _ending.CancelAfter(left);
        request.Content = _outgoing;
        _answer = http.SendAsync(request, _ending.Token);
    }

    /// <summary>Sends the one message of a call that has one. Where the peer answers without it, the answer
    /// counts.</summary>
    public async Task RequestAsync(TRequest message)
    {
        try
        {
            await WriteAsync(message).ConfigureAwait(false);
        }
        catch (GrpcException)
        {
            // Whatever ended the call is what ReadAsync says.
        }
        Complete();
    }

    /// <summary>Sends a message; waits while the peer takes none.</summary>
    /// <exception cref="GrpcException">The call has ended; <see cref="ReadAsync"/> says how.</exception>
    public async ValueTask WriteAsync(TRequest message)
    {
        try
        {
            var to = await OpenAsync().ConfigureAwait(false);
            _frame.ResetWrittenCount();
            GrpcFrames.Write(_frame, message);
            await to.WriteAsync(_frame.WrittenMemory, _ending.Token).ConfigureAwait(false);
            await to.FlushAsync(_ending.Token).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is not ArgumentException)
        {
            throw Because(fault);
        }
    }

    /// <summary>Says that no further message will come. What the peer says can still be read.</summary>
    public void Complete() => _outgoing.Complete();

    /// <summary>The next message, or null where the peer ended the call well.</summary>
    /// <exception cref="GrpcException">The call did not end well.</exception>
    public async ValueTask<TResponse?> ReadAsync()
    {
        if (_ended) return null;
        try
        {
            _response ??= Accept(await _answer.ConfigureAwait(false));
            _from ??= PipeReader.Create(
                await _response.Content.ReadAsStreamAsync(_ending.Token).ConfigureAwait(false),
                new(bufferSize: 64 * 1024));
            var message = await GrpcFrames.ReadAsync(_from, _parser, _most, _ending.Token).ConfigureAwait(false);
            if (message is not null) return message;
            _ended = true;
            Judge(_response.TrailingHeaders, isEnd: true);
            return null;
        }
        catch (Exception fault)
        {
            throw Because(fault);
        }
    }

    /// <summary>All messages to the end of the call.</summary>
    /// <exception cref="GrpcException">The call did not end well.</exception>
    public async IAsyncEnumerable<TResponse> ReadAllAsync()
    {
        while (await ReadAsync().ConfigureAwait(false) is { } message) yield return message;
    }

    /// <summary>Ends the call: the peer is told that nobody listens, where it has not ended already.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        if (!_ended) await _ending.CancelAsync().ConfigureAwait(false);
        Complete();
        try
        {
            _response ??= await _answer.ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whoever wanted to know how the call ended has read it.
        catch (Exception)
#pragma warning restore CA1031
        {
            // There is no answer to be closed.
        }
        if (_from is not null) await _from.CompleteAsync().ConfigureAwait(false);
        _response?.Dispose();
        _request.Dispose();
        _ending.Dispose();
    }

    private async Task<Stream> OpenAsync()
    {
        await Task.WhenAny(_outgoing.Stream, _answer).ConfigureAwait(false);
        if (!_outgoing.Stream.IsCompletedSuccessfully)
        {
            // What went wrong, if so. Else a peer that begins to answer at once was faster than the thread here that
            // tells of the open stream.
            await _answer.ConfigureAwait(false);
            await _outgoing.Stream.WaitAsync(LongestStart, _ending.Token).ConfigureAwait(false);
        }
        return await _outgoing.Stream.ConfigureAwait(false);
    }

    private static HttpResponseMessage Accept(HttpResponseMessage response)
    {
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new GrpcException(
                CodeOf(response.StatusCode), $"The peer answered with HTTP status {(int)response.StatusCode}.");
        }
        if (!GrpcHeaders.IsGrpc(response.Content.Headers.ContentType?.ToString()))
            throw new GrpcException(GrpcCode.Unknown, "The peer does not speak gRPC at this address.");
        Judge(response.Headers, isEnd: false);
        return response;
    }

    /// <summary>Throws where the headers state an end that is not well.</summary>
    private static void Judge(HttpResponseHeaders headers, bool isEnd)
    {
        if (!headers.TryGetValues(GrpcHeaders.Status, out var texts))
        {
            if (!isEnd) return;
            throw new GrpcException(GrpcCode.Internal, "The peer ended the call without saying how.");
        }
        if (!int.TryParse(texts.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || !Enum.IsDefined((GrpcCode)number)) number = (int)GrpcCode.Unknown;
        if (number == (int)GrpcCode.Ok) return;
        var trailers = headers.NonValidated.ToDictionary(
            pair => pair.Key.ToLowerInvariant(), pair => GrpcHeaders.Unescape(pair.Value.ToString()));
        throw new GrpcException((GrpcCode)number, trailers.GetValueOrDefault(GrpcHeaders.Message, ""), trailers);
    }

    private GrpcException Because(Exception fault)
    {
        if (fault is GrpcException known)
        {
            _ended = known.Trailers.Count > 0 || _ended;
            return known;
        }
        if (_asked.IsCancellationRequested || _disposed)
            return new(GrpcCode.Cancelled, "The call was cancelled.", null, fault);
        return _ending.IsCancellationRequested
            ? new(GrpcCode.DeadlineExceeded, "The deadline is over.", null, fault)
            : GrpcChannel.Translate(fault);
    }

    private static GrpcCode CodeOf(HttpStatusCode status) => status switch
    {
        HttpStatusCode.BadRequest => GrpcCode.Internal,
        HttpStatusCode.Unauthorized => GrpcCode.Unauthenticated,
        HttpStatusCode.Forbidden => GrpcCode.PermissionDenied,
        HttpStatusCode.NotFound => GrpcCode.Unimplemented,
        HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable
            or HttpStatusCode.GatewayTimeout => GrpcCode.Unavailable,
        _ => GrpcCode.Unknown,
    };

    /// <summary>The body of the request, which stays open for messages while the answer is read.</summary>
    private sealed class OutgoingMessages : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _complete = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public OutgoingMessages() => Headers.TryAddWithoutValidation("Content-Type", GrpcHeaders.ContentType);

        /// <summary>Completes when the headers are on their way.</summary>
        public Task<Stream> Stream => _stream.Task;

        public void Complete() => _complete.TrySetResult();

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(
            Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            try
            {
                await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                _stream.TrySetCanceled(CancellationToken.None);
                throw;
            }
            _stream.TrySetResult(stream);
            await _complete.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = -1;
            return false;
        }
    }
}
