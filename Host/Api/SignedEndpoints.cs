using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Signing;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>
/// Commands whose signatures are the authentication: checked here, off the writer and in parallel; whether the keys are
/// enough is for the book. The order of the checks is the order of their cost, and a key that nobody knows is refused
/// before its signature is looked at.
/// </summary>
internal sealed class SignedEndpoints(RunningBook book, FairUse fairUse, SigningDesk desk)
{
    public const string Route = "/v1/signed";

    /// <summary>What a signed request turned out to be.</summary>
    /// <param name="Caller">The channel that forwards it; null where there is none.</param>
    private readonly record struct Asked(SignedRequest Request, SignedCommand Command, Caller? Caller, Flaw? Flaw)
    {
        public static implicit operator Asked(Flaw flaw) => new(null!, null!, null, flaw);
    }

    public static void Map(IEndpointRouteBuilder routes, RunningBook book, FairUse fairUse, SigningDesk desk)
    {
        var signed = new SignedEndpoints(book, fairUse, desk);
        routes.MapPost(Route, (Delegate)signed.RunAsync).Needs(Access.Nothing).WithName("signed").WithTags("Signed")
            .WithSummary("A command, or a chain of them, that its signatures authorise; no key is needed");
    }

    private async Task RunAsync(HttpContext context)
    {
        try
        {
            RequestBodies.Allow(context, SignedRequest.MaxBodyBytes);
            var body = await RequestBodies.ReadAsync(context).ConfigureAwait(false);
            var asked = Read(context, body);
            RequestBodies.Done(context, body);
            var flaw = asked.Flaw ?? await VerifyAsync(context, asked).ConfigureAwait(false);
            if (flaw is null) flaw = await SendAsync(context, asked).ConfigureAwait(false);
            if (flaw is not null) await Problems.Answer(context, flaw.Value).ConfigureAwait(false);
        }
        catch (EngineUnavailableException unavailable)
        {
            await Problems.Answer(context, unavailable).ConfigureAwait(false);
        }
        catch (BadHttpRequestException bad)
        {
            await Problems.Answer(context, RequestBodies.Of(bad)).ConfigureAwait(false);
        }
    }

    /// <summary>Shape, canonical form, book and expiry: all that costs next to nothing.</summary>
    private Asked Read(HttpContext context, in ReadOnlySequence<byte> body)
    {
        if (!RequestBodies.Is(context, ResponseBody.JsonType)) return RequestBodies.NotOf(ResponseBody.JsonType);
        var caller = context.Features.Get<CallerFeature>()?.Caller;
        if (caller is null && Door.TryBearer(context, out _)) return new Flaw(EdgeProblems.KeyNotRecognised);
        var json = body.IsSingleSegment ? body.FirstSpan : body.ToArray();
        if (SignedRequest.TryRead(json, out var request) is { } malformed) return malformed;
        if (SignedCommand.TryRead(request.Bytes, out var command) is { IsNone: false } flaw)
            return SigningProblems.Of(flaw);
        return desk.Check(command.Head) is { } wrong ? wrong : new Asked(request, command, caller, null);
    }

    /// <summary>Known keys first; then each signature.</summary>
    private async Task<Flaw?> VerifyAsync(HttpContext context, Asked asked)
    {
        var keys = asked.Request.Signatures.Select(given => given.Key).ToImmutableArray();
        if (await desk.UnknownAsync(keys).ConfigureAwait(false) is { } unknown)
            return new Flaw(SigningProblems.KeyUnknown, "signatures", Detail: unknown.ToString());
        var source = asked.Caller is { } caller ? Source.Of(caller) : Source.Of(context.Connection.RemoteIpAddress);
        if (fairUse.MayVerify(source) is { } busy) return busy;
        return Verify(asked.Request, source);
    }

    private Flaw? Verify(SignedRequest request, in Source source)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(request.Bytes, hash);
        foreach (var given in request.Signatures)
        {
            var started = Stopwatch.GetTimestamp();
            var fault = desk.Verifier.Verify(given, hash, desk.Origins);
            fairUse.Verified(source, fault == SigningFault.None, Stopwatch.GetElapsedTime(started));
            if (fault != SigningFault.None)
                return new Flaw(SigningProblems.Of(fault), "signatures", Detail: given.Key.ToString());
        }
        foreach (var given in request.Signatures)
        {
            if (fairUse.Take(given.Key) is { } limited) return limited;
        }
        return null;
    }

    private async Task<Flaw?> SendAsync(HttpContext context, Asked asked)
    {
        if (Build(asked, out var command, out var named, out var creates, out var last) is { } flaw) return flaw;
        var id = asked.Command.Id;
        if (last.Ask is { } ask)
        {
            var built = await ask(book, id).ConfigureAwait(false);
            if (built.Flaw is not null) return built.Flaw;
            command = built.Command!;
        }
        if (last.Reverses is { } reversed)
        {
            (command, var apart) =
                await Reversals.ResolveAsync(book, reversed, (ReverseEntry)command, id).ConfigureAwait(false);
            if (apart is not null) return apart;
        }
        var envelope = new Envelope(
            id, asked.Caller?.Number ?? Envelope.Signer, SignedCommand.PrintOf(asked.Request.Bytes), ProofOf(asked));
        var answer = await book.Engine.SendAsync(envelope, command, named).ConfigureAwait(false);
        var detail = await Lives.DetailAsync(book, command, answer).ConfigureAwait(false);
        using var to = ResponseBody.Rent();
        var status = Receipts.Write(to, book, id, answer, creates, secret: null, detail);
        if (answer.Ended.Ending == Ending.Repeated) context.Response.Headers[CommandEndpoints.ReplayHeader] = "true";
        to.Send(context.Response, status,
            status < StatusCodes.Status400BadRequest ? ResponseBody.JsonType : Problems.ContentType);
        return null;
    }

    /// <summary>Makes the command of what was signed, as a batch makes its own.</summary>
    /// <param name="last">The command as it was built, where it stands alone.</param>
    private Flaw? Build(
        in Asked asked, out Command command, out string named, out bool creates, out Built last)
    {
        (command, named, creates, last) = (null!, "chain", true, default);
        var personal = asked.Request.Personal;
        var sealing = book.Sealing.With(personal);
        var links = ImmutableArray.CreateBuilder<Command>(asked.Command.Links.Length);
        foreach (var link in asked.Command.Links)
        {
            var number = asked.Command.IsChain ? links.Count + 1 : 0;
            var fields = link.Fields;
            if (CommandCatalogue.Named(link.Command) is { } spec
                && personal.Open(spec, fields, number, out fields) is { } closed)
                return closed;
            var (built, _, makes) = CommandBuilds.Of(
                fields.Span, link.Command, inBatch: false, asked.Command.IsChain, sealing, caller: null);
            if (built.Flaw is { } flaw) return flaw with { Link = number };
            links.Add(built.Command!);
            if (asked.Command.IsChain) continue;
            (named, creates, last) = (built.Named ?? link.Command, makes, built);
        }
        if (personal.Unused() is { } unused) return unused;
        command = asked.Command.IsChain ? new Chain(links.ToImmutable()) : links[0];
        return null;
    }

    private static Proof ProofOf(in Asked asked)
    {
        var (request, head) = (asked.Request, asked.Command.Head);
        var evidence = new Evidence(request.Bytes, request.Signatures, [.. request.Personal.Sealed]);
        return new(
            head.As.Sort(), [.. request.Signatures.Select(given => given.Key)], head.Expires, evidence.ToJson());
    }
}

/// <summary>What commands and questions that are signed have in common: the book they are for, their time, their keys.</summary>
internal sealed class SigningDesk(RunningBook book, IConfiguration configuration) : IDisposable
{
    /// <summary>Where the origins stand that passkeys may be used on.</summary>
    public const string OriginsSetting = "Passkeys:Origins";

    /// <summary>Keys that were found known a moment ago are not asked for again; the writer judges anyway.</summary>
    private static readonly TimeSpan KnownFor = TimeSpan.FromSeconds(30);

    private const int MaxKnown = 65_536;

    private readonly ConcurrentDictionary<SigningKey, long> _known = new();

    public SignatureVerifier Verifier { get; } = new();

    public PasskeyOrigins Origins { get; } = new(configuration.GetSection(OriginsSetting).Get<string[]>() ?? []);

    /// <summary>Whether signed bytes are for this book, and for now.</summary>
    public Flaw? Check(SignedHead head)
    {
        if (head.Book != book.SigningId)
            return new Flaw(SigningProblems.OtherBook, "signed.book", Detail: $"This book is {book.SigningId}.");
        var now = book.Engine.RoughNow;
        if (head.Expires <= now)
            return new Flaw(SigningProblems.Expired, "signed.expires", Detail: $"The book's time is {now}.");
        return head.Expires > now.AddSeconds(Proof.MaxLifetimeSeconds)
            ? new Flaw(SigningProblems.ExpiresTooLate, "signed.expires", Detail: $"The book's time is {now}.")
            : null;
    }

    /// <summary>A key that neither stands in an authority nor has a wallet; null where all are known.</summary>
    public async Task<SigningKey?> UnknownAsync(ImmutableArray<SigningKey> keys)
    {
        var now = Environment.TickCount64;
        var asked = keys.Where(key =>
            !_known.TryGetValue(key, out var at) || now - at > KnownFor.TotalMilliseconds).ToList();
        if (asked.Count == 0) return null;
        var unknown = await book.Engine.ReadAsync((bank, _) => asked.FindIndex(key => !bank.Knows(key)))
            .ConfigureAwait(false);
        if (unknown >= 0) return asked[unknown];
        if (_known.Count >= MaxKnown) _known.Clear();
        foreach (var key in asked) _known[key] = now;
        return null;
    }

    public void Dispose() => Verifier.Dispose();
}
