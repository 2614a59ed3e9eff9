using System.Buffers;
using System.Text.Json;
using BankingEngine.Application.Journal;

namespace BankingEngine.Host.Api;

/// <summary>
/// A buffer that an answer is written into before its first byte leaves, so that its length is known and a failure
/// half way leaves nothing on the wire. One a thread: taken, filled and sent without waiting in between.
/// </summary>
public sealed class ResponseBody : IDisposable
{
    public const string JsonType = "application/json";

    /// <summary>A buffer that grew beyond this is not kept.</summary>
    private const int KeptBytes = 256 * 1024;

    [ThreadStatic]
    private static ResponseBody? _spare;

    [ThreadStatic]
    private static ResponseBody? _second;

    private readonly ArrayBufferWriter<byte> _bytes = new(4 * 1024);
    private bool _isSecond;

    private ResponseBody() => Json = new(_bytes, EventJson.Line);

    public Utf8JsonWriter Json { get; }

    /// <summary>What was written, without what <see cref="Json"/> still holds back.</summary>
    public ArrayBufferWriter<byte> Bytes => _bytes;

    public static ResponseBody Rent()
    {
        var body = _spare ?? new();
        _spare = null;
        return body;
    }

    /// <summary>Another one, for a part that is written while the whole is under way.</summary>
    public static ResponseBody RentSecond()
    {
        var body = _second ?? new() { _isSecond = true };
        _second = null;
        return body;
    }

    /// <summary>Hands the answer to the connection.</summary>
    public void Send(HttpResponse response, int status, string contentType = JsonType)
    {
        Json.Flush();
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = _bytes.WrittenCount;
        response.BodyWriter.Write(_bytes.WrittenSpan);
    }

    public void Dispose()
    {
        if (_bytes.Capacity > KeptBytes)
        {
            Json.Dispose();
            return;
        }
        _bytes.ResetWrittenCount();
        Json.Reset();
        if (_isSecond) _second = this;
        else _spare = this;
    }
}
