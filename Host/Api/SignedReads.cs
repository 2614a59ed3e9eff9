using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Signing;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>
/// Questions about one account by who holds a key of it: <c>Authorization: Signed bytes.key.signature</c>. Which
/// questions stands here and nowhere else; every other address wants an API key.
/// </summary>
internal sealed class SignedReads(RunningBook book, FairUse fairUse, SigningDesk desk)
{
    public const string Scheme = "Signed ";

    /// <summary>
    /// By name. What holds an account back is not among them: some orders may not be told to those they are about.
    /// </summary>
    private static readonly HashSet<string> Offered = new(StringComparer.Ordinal)
    {
        "account.read", "account.balances", "account.entries", "permissions.read", "authorisation.list",
    };

    public static bool IsSigned(HttpContext context)
    {
        string? header = context.Request.Headers.Authorization;
        return header?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) == true;
    }

    /// <summary>Whoever is let in may read, and nothing else.</summary>
    /// <param name="enter">Goes on to the endpoint.</param>
    public async Task EnterAsync(HttpContext context, Endpoint endpoint, Func<Task> enter)
    {
        try
        {
            var flaw = await CheckAsync(context, endpoint).ConfigureAwait(false);
            if (flaw is not null)
            {
                await Problems.Answer(context, flaw.Value).ConfigureAwait(false);
                return;
            }
        }
        catch (EngineUnavailableException unavailable)
        {
            await Problems.Answer(context, unavailable).ConfigureAwait(false);
            return;
        }
        context.Features.Set(new CallerFeature(new(Envelope.Signer, Bank.SignerName, Scopes.Read)));
        await enter().ConfigureAwait(false);
    }

    private async Task<Flaw?> CheckAsync(HttpContext context, Endpoint endpoint)
    {
        if (endpoint.Metadata.GetMetadata<IEndpointNameMetadata>() is not { } named
            || !Offered.Contains(named.EndpointName))
            return new Flaw(SigningProblems.ReadNotOffered);
        if (Read(context, out var read, out var bytes, out var given) is { } wrong) return wrong;
        var level = read.Head.As[0];
        if (read.Read != context.Request.Path.Value || !Reads.TryAccount(context, out var account)
            || level.Account != account)
            return new Flaw(SigningProblems.ReadElsewhere, "Authorization");
        if (await desk.UnknownAsync([given.Key]).ConfigureAwait(false) is not null)
            return new Flaw(SigningProblems.KeyUnknown, "Authorization");
        if (Verify(context, bytes, given) is { } flaw) return flaw;
        ImmutableArray<SigningKey> keys = [given.Key];
        return await book.Engine.ReadAsync((bank, at) => bank.Allows(level, keys, at.Now)).ConfigureAwait(false)
            ? null
            : new Flaw(SigningProblems.ReadNotAllowed, "Authorization");
    }

    private Flaw? Read(HttpContext context, out SignedRead read, out byte[] bytes, out SignatureEvidence given)
    {
        (read, bytes, given) = (null!, [], default);
        var parts = ((string)context.Request.Headers.Authorization!)[Scheme.Length..].Trim().Split('.');
        if (parts.Length != 3 || !SignedText.TryBytes(parts[0], SignedRead.MaxBytes, out bytes)
            || !SigningKey.TryParse(parts[1], out var key) || key.Kind == KeyKind.Passkey
            || !SignedText.TryBytes(parts[2], EcSignature.Bytes, out var signature))
            return new Flaw(SigningProblems.SignatureMalformed, "Authorization",
                Detail: "Signed, the canonical bytes in base64url, a point, a key k1: or r1:, a point, the signature.");
        if (EcSignature.Check(key.Kind, signature) is var fault and not SigningFault.None)
            return new Flaw(SigningProblems.Of(fault), "Authorization");
        if (SignedRead.TryRead(bytes, out read) is { IsNone: false } flaw) return SigningProblems.Of(flaw, "Authorization");
        given = new(key, signature);
        return desk.Check(read.Head);
    }

    private Flaw? Verify(HttpContext context, byte[] bytes, in SignatureEvidence given)
    {
        var source = Source.Of(context.Connection.RemoteIpAddress);
        if (fairUse.MayVerify(source) is { } busy) return busy;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        var started = Stopwatch.GetTimestamp();
        var fault = desk.Verifier.Verify(given, hash, origins: null);
        fairUse.Verified(source, fault == SigningFault.None, Stopwatch.GetElapsedTime(started));
        if (fault != SigningFault.None) return new Flaw(SigningProblems.Of(fault), "Authorization");
        return fairUse.Take(given.Key);
    }
}
