using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace BankingEngine.Host.Webhooks;

/// <summary>What became of one attempt.</summary>
/// <param name="Status">0 where no answer came.</param>
/// <param name="Error">Why it does not count, as a code; null: it was taken.</param>
/// <param name="Text">The beginning of the answer's body.</param>
/// <param name="RetryAfter">What the endpoint asked for.</param>
public sealed record WebhookAnswer(int Status, string? Error, string Text, TimeSpan? RetryAfter, TimeSpan Took)
{
    /// <summary>Nothing was sent: there is no key to open the secret with.</summary>
    public static WebhookAnswer KeyMissing { get; } =
        new(0, WebhookProblems.KeyMissing.Code, "", null, TimeSpan.Zero);

    public bool IsTaken => Error is null;

    public bool IsGone => Status == (int)HttpStatusCode.Gone;
}

/// <summary>
/// Sends to addresses that others chose: every connection goes to an address that was looked up and checked for it, to
/// no proxy, along no redirect, with no header but those of a message.
/// </summary>
public sealed class WebhookClient : IDisposable
{
    /// <summary>From the first look-up to the end of the answer.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    /// <summary>What is read of an answer, and what is shown of it.</summary>
    public const int ReadBytes = 4 * 1024, ShownCharacters = 500;

    /// <summary>So that a name that moved is looked up again.</summary>
    private static readonly TimeSpan ConnectionLives = TimeSpan.FromMinutes(2);

    private readonly HttpClient _http;
    private readonly WebhookRules _rules;
    private readonly WebhookTime _time;

    public WebhookClient(WebhookRules rules, WebhookTime time)
    {
        (_rules, _time) = (rules, time);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = 16,
            MaxResponseDrainSize = ReadBytes,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
            PooledConnectionLifetime = ConnectionLives,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            ConnectCallback = ConnectAsync,
        };
        _http = new(handler) { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
    }

    /// <summary>Posts one signed message. Throws only where it is called off.</summary>
    public async Task<WebhookAnswer> PostAsync(
        string url, string id, byte[] body, string[] secrets, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        if (_rules.Check(url) is { } refused) return Failed(refused.Code, started);
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Version = HttpVersion.Version11 };
        var at = _time.Now();
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.UserAgent.Add(new("BankingEngine-Webhooks", "1"));
        request.Headers.Add(WebhookSignature.IdHeader, id);
        request.Headers.Add(
            WebhookSignature.TimestampHeader,
            at.ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture));
        request.Headers.Add(WebhookSignature.Header, WebhookSignature.Sign(id, at, body, secrets));
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        ending.CancelAfter(_time.Timeout);
        try
        {
            using var response = await _http.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, ending.Token).ConfigureAwait(false);
            var text = await ReadAsync(response, ending.Token).ConfigureAwait(false);
            var status = (int)response.StatusCode;
            var error = status switch
            {
                >= 200 and < 300 => null,
                >= 300 and < 400 => "redirect",
                _ => "status",
            };
            return new(status, error, text, RetryAfterOf(response), Stopwatch.GetElapsedTime(started));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Failed("timeout", started);
        }
        catch (Exception failed) when (failed is HttpRequestException or IOException)
        {
            return Failed(CodeOf(failed), started);
        }
    }

    public void Dispose() => _http.Dispose();

    private static WebhookAnswer Failed(string error, long started) =>
        new(0, error, "", null, Stopwatch.GetElapsedTime(started));

    /// <summary>Every address of the name is checked here, and to one of these the connection goes.</summary>
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = IPAddress.TryParse(host, out var literal)
            ? [literal]
            : await _time.Resolve(host, cancellation).ConfigureAwait(false);
        if (addresses.Length == 0) throw new SocketException((int)SocketError.HostNotFound);
        if (!Array.TrueForAll(addresses, _rules.Allows)) throw new AddressRefusedException();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The beginning of a body, whatever it is, as text that a log can hold.</summary>
    private static async Task<string> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var buffer = new byte[ReadBytes];
        var length = 0;
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            for (int read; length < buffer.Length; length += read)
            {
                read = await body.ReadAsync(buffer.AsMemory(length), cancellation).ConfigureAwait(false);
                if (read == 0) break;
            }
        }
        catch (Exception broken) when (broken is IOException or HttpRequestException)
        {
            // The status has been told; what else would have come is nothing but a note for people.
        }
        var text = new StringBuilder(ShownCharacters);
        foreach (var rune in Encoding.UTF8.GetString(buffer, 0, length).EnumerateRunes())
        {
            if (text.Length >= ShownCharacters) return text.Append('…').ToString();
            text.Append(Rune.IsControl(rune) ? " " : rune.ToString());
        }
        return text.ToString();
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - _time.Now(),
        _ => null,
    };

    private static string CodeOf(Exception failed)
    {
        for (var inner = failed; inner is not null; inner = inner.InnerException)
        {
            switch (inner)
            {
                case AddressRefusedException: return WebhookProblems.AddressRefused.Code;
                case AuthenticationException: return "certificate";
                case SocketException
                {
                    SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain,
                }:
                    return "host_not_found";
                case SocketException: return "connection";
                default: break;
            }
        }
        return failed is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError }
            ? "connection" : "protocol";
    }

    private sealed class AddressRefusedException() : IOException("The name leads to an address that is refused.");
}
