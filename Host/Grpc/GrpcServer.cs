using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO.Pipelines;
using Google.Protobuf;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace BankingEngine.Host.Grpc;

/// <summary>One call as its handler sees it: messages in, messages out. Not for use by two threads at once, but that
/// one may read while another writes.</summary>
public sealed class GrpcCall<TRequest, TResponse>
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    private readonly MessageParser<TRequest> _parser;
    private readonly PipeReader _from;
    private readonly PipeWriter _to;
    private readonly int _most;

    internal GrpcCall(HttpContext context, MessageParser<TRequest> parser, int most, CancellationToken cancellation)
    {
        (Context, _parser, _most, Cancellation) = (context, parser, most, cancellation);
        (_from, _to) = (context.Request.BodyReader, context.Response.BodyWriter);
    }

    public HttpContext Context { get; }

    /// <summary>The caller left, his deadline is over, or the server is about to end.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Bytes written and not yet given to the connection.</summary>
    public long UnflushedBytes => _to.UnflushedBytes;

    /// <summary>The next message, or null where the caller has no more.</summary>
    /// <exception cref="GrpcException">What came is no such message.</exception>
    public ValueTask<TRequest?> ReadAsync() => GrpcFrames.ReadAsync(_from, _parser, _most, Cancellation);

    /// <summary>The one message of a call that has one.</summary>
    /// <exception cref="GrpcException">None came, or it is no such message.</exception>
    public async Task<TRequest> RequestAsync() => await ReadAsync().ConfigureAwait(false)
        ?? throw new GrpcException(GrpcCode.Internal, "The request has no message.");

    /// <summary>Sends the headers now: the caller knows that he is heard before there is anything to say.</summary>
    public Task StartAsync() => Context.Response.StartAsync(Cancellation);

    /// <summary>Puts a message into the buffer.</summary>
    public void Write(TResponse message) => GrpcFrames.Write(_to, message);

    /// <summary>Gives the connection what was written; waits while the caller takes none.</summary>
    /// <exception cref="OperationCanceledException">The caller left, or his deadline is over.</exception>
    /// <exception cref="GrpcException">Cancelled: the caller left.</exception>
    public async ValueTask FlushAsync()
    {
        var flushed = await _to.FlushAsync(Cancellation).ConfigureAwait(false);
        if (flushed.IsCompleted) throw new GrpcException(GrpcCode.Cancelled, "The caller left.");
    }

    /// <summary>As <see cref="FlushAsync()"/>; where the caller takes too little for too long, the call is over: its
    /// stream is reset, since no status reaches him past what he does not take. Other calls of his connection go on.
    /// </summary>
    /// <param name="longest">Until what was written is taken, but for 64 KiB.</param>
    public async ValueTask FlushAsync(TimeSpan longest)
    {
        var flushing = FlushAsync();
        if (flushing.IsCompleted)
        {
            await flushing.ConfigureAwait(false);
            return;
        }
        try
        {
            await flushing.AsTask().WaitAsync(longest).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Context.Features.GetRequiredFeature<IHttpResetFeature>().Reset(GrpcServer.EnhanceYourCalm);
            throw new CallerStalledException();
        }
    }

    public ValueTask SendAsync(TResponse message)
    {
        Write(message);
        return FlushAsync();
    }
}

/// <summary>A caller took nothing for too long; his call was reset and nobody is to be told.</summary>
[SuppressMessage("Design", "CA1064:Exceptions should be public", Justification = "It does not leave the server.")]
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "As above.")]
internal sealed class CallerStalledException : Exception;

/// <summary>gRPC methods as endpoints of an ordinary host.</summary>
public static partial class GrpcServer
{
    /// <summary>HTTP/2's word for a peer that is a burden; gRPC clients read it as RESOURCE_EXHAUSTED.</summary>
    internal const int EnhanceYourCalm = 0xb;

    /// <summary>Maps a method of any kind: how many messages go which way is the handler's affair.</summary>
    /// <param name="handler">Returns to end the call well; throws <see cref="GrpcException"/> to end it
    /// otherwise.</param>
    /// <param name="most">Bytes of one message from the caller.</param>
    public static IEndpointConventionBuilder MapGrpc<TRequest, TResponse>(
        this IEndpointRouteBuilder routes, GrpcMethod<TRequest, TResponse> method,
        Func<GrpcCall<TRequest, TResponse>, Task> handler, int most = GrpcFrames.MaxMessageBytes)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(handler);
        var log = routes.ServiceProvider.GetRequiredService<ILoggerFactory>()
            .CreateLogger(typeof(GrpcServer).FullName!);
        var stopping = routes.ServiceProvider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        Task Serve(HttpContext context) => ServeAsync(
            context, cancellation => handler(new(context, method.Requests, most, cancellation)), log, stopping);
        return routes.MapPost(method.Path, (Delegate)Serve).WithDisplayName(method.Path);
    }

    /// <summary>Answers every other gRPC method with <see cref="GrpcCode.Unimplemented"/>, and what is no gRPC with the
    /// same in HTTP's words, of which clients show their users no more than the reason.</summary>
    public static IEndpointConventionBuilder MapGrpcUnimplemented(this IEndpointRouteBuilder routes)
    {
        static Task Refuse(HttpContext context)
        {
            if (GrpcHeaders.IsGrpc(context.Request.ContentType))
            {
                return FailAsync(
                    context, new(GrpcCode.Unimplemented, $"There is no {context.Request.Path.Value} here."));
            }
            context.Response.StatusCode = StatusCodes.Status501NotImplemented;
            return Task.CompletedTask;
        }
        return routes.MapFallback("{*path}", (Delegate)Refuse);
    }

    /// <summary>Ends a call with a status: as trailers, or beside the headers where nothing was said yet.</summary>
    public static async Task FailAsync(HttpContext context, GrpcException failure)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(failure);
        context.Response.ContentType ??= GrpcHeaders.ContentType;
        foreach (var (name, value) in failure.Trailers) context.Response.AppendTrailer(name, GrpcHeaders.Escape(value));
        await EndAsync(context, failure.Code, failure.Detail).ConfigureAwait(false);
    }

    private static async Task ServeAsync(
        HttpContext context, Func<CancellationToken, Task> handler, ILogger log, CancellationToken stopping)
    {
        if (!HttpProtocol.IsHttp2(context.Request.Protocol) || !GrpcHeaders.IsGrpc(context.Request.ContentType))
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        try
        {
            Prepare(context, ending);
            await handler(ending.Token).ConfigureAwait(false);
            await EndAsync(context, GrpcCode.Ok, null).ConfigureAwait(false);
        }
        catch (GrpcException failure)
        {
            await FailAsync(context, failure).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is CallerStalledException
            || (context.RequestAborted.IsCancellationRequested && gone is OperationCanceledException or IOException))
        {
            // Nobody is there to be told.
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            await FailAsync(context, stopping.IsCancellationRequested
                ? new(GrpcCode.Unavailable, "The server is about to end.")
                : new(GrpcCode.DeadlineExceeded, "The deadline is over.")).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A fault of one call ends that call, in the protocol's own words.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            if (context.RequestAborted.IsCancellationRequested) return;
            Faulted(log, fault, context.Request.Path);
            await FailAsync(context, new(GrpcCode.Unknown, "The call failed.")).ConfigureAwait(false);
        }
    }

    private static void Prepare(HttpContext context, CancellationTokenSource ending)
    {
        context.Response.ContentType = GrpcHeaders.ContentType;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
        string? encoding = context.Request.Headers[GrpcHeaders.Encoding];
        if (encoding is not (null or GrpcHeaders.Identity))
        {
            context.Response.Headers[GrpcHeaders.AcceptEncoding] = GrpcHeaders.Identity;
            throw new GrpcException(GrpcCode.Unimplemented, "Messages are taken uncompressed only.");
        }
        string? timeout = context.Request.Headers[GrpcHeaders.Timeout];
        if (timeout is null) return;
        if (!GrpcHeaders.TryReadTimeout(timeout, out var left))
            throw new GrpcException(GrpcCode.Internal, $"{GrpcHeaders.Timeout} is one to eight digits and a unit.");
        if (left <= TimeSpan.Zero) throw new GrpcException(GrpcCode.DeadlineExceeded, "The deadline was over when the call came.");
        ending.CancelAfter(left);
    }

    private static async Task EndAsync(HttpContext context, GrpcCode code, string? detail)
    {
        context.Response.AppendTrailer(GrpcHeaders.Status, ((int)code).ToString(CultureInfo.InvariantCulture));
        if (detail is not null) context.Response.AppendTrailer(GrpcHeaders.Message, GrpcHeaders.Escape(detail));
        await context.Response.CompleteAsync().ConfigureAwait(false);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The call {Method} failed")]
    private static partial void Faulted(ILogger log, Exception fault, string method);
}
