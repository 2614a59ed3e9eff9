using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace BankingEngine.Host.Api;

/// <summary>Reads a whole body without copying it where it arrived in one piece.</summary>
internal static class RequestBodies
{
    public const string NdJson = "application/x-ndjson";

    /// <summary>The whole body. Give it back with <see cref="Done"/>.</summary>
    /// <exception cref="BadHttpRequestException">Larger than allowed, or cut off.</exception>
    public static async ValueTask<ReadOnlySequence<byte>> ReadAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
            if (read.IsCompleted || read.IsCanceled) return read.Buffer;
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    public static void Done(HttpContext context, in ReadOnlySequence<byte> body) =>
        context.Request.BodyReader.AdvanceTo(body.End);

    public static void Allow(HttpContext context, long? bytes)
    {
        var feature = context.Features.Get<IHttpMaxRequestBodySizeFeature>();
        if (feature is { IsReadOnly: false }) feature.MaxRequestBodySize = bytes;
    }

    /// <summary>Whether the content type is the one stated, in UTF-8 if it says which.</summary>
    public static bool Is(HttpContext context, string type)
    {
        var stated = context.Request.ContentType;
        if (stated is null) return false;
        if (stated.Equals(type, StringComparison.OrdinalIgnoreCase)) return true;
        var rest = stated.AsSpan();
        if (!rest.StartsWith(type, StringComparison.OrdinalIgnoreCase)) return false;
        rest = rest[type.Length..].Trim();
        if (rest.Length == 0 || rest[0] != ';') return false;
        rest = rest[1..].Trim();
        return rest.Equals("charset=utf-8", StringComparison.OrdinalIgnoreCase)
            || rest.Equals("charset=\"utf-8\"", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>That another content type is taken.</summary>
    public static Flaw NotOf(string types) =>
        new(EdgeProblems.ContentTypeWrong, "Content-Type", Detail: $"This route takes {types}, in UTF-8.");

    public static EdgeProblem Of(BadHttpRequestException bad) => bad.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge => EdgeProblems.BodyTooLarge,
        StatusCodes.Status408RequestTimeout => EdgeProblems.BodyIncomplete,
        _ => EdgeProblems.BodyIncomplete,
    };
}
