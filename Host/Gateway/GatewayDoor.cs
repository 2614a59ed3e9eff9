using System.Text;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Gateway;

/// <summary>
/// Who may read: an API key of the book with the scope audit, as Basic credentials (user: the key's id, password: its
/// token) or as a Bearer token. Deny by default.
/// </summary>
/// <param name="allowsAnyone">Lets callers without credentials in; credentials that do not hold are refused all the
/// same.</param>
internal sealed class GatewayDoor(RunningBook book, FairUse fairUse, bool allowsAnyone)
{
    /// <summary>Calls that are answered at once, of all together: each holds a reader's buffers, 2 MiB.</summary>
    public const int MaxCalls = 64;

    /// <summary>Of them, those of one key.</summary>
    public const int MaxCallsOfOne = 48;

    private const int Anyone = -1;
    private const string BasicScheme = "Basic ";

    private readonly Lock _gate = new();
    private readonly Dictionary<int, int> _open = [];
    private int _all;

    /// <summary>Lets a caller in, and counts him until what is returned is disposed.</summary>
    /// <exception cref="GrpcException">He may not read, comes too often, or too many read already.</exception>
    public IDisposable Enter(HttpContext context)
    {
        var isKnown = TryRecognise(context, out var caller);
        var limited = isKnown ? fairUse.Take(caller) : fairUse.Take(context.Connection.RemoteIpAddress);
        if (limited is not null)
            throw new GrpcException(GrpcCode.ResourceExhausted, "Too many requests: come again later.");
        ThrowIfRefused(context, isKnown, caller);
        var who = isKnown ? caller.Number : Anyone;
        lock (_gate)
        {
            var own = _open.GetValueOrDefault(who);
            if (_all >= MaxCalls || own >= MaxCallsOfOne)
                throw new GrpcException(GrpcCode.ResourceExhausted, "Too many calls are open: come again later.");
            _open[who] = own + 1;
            _all++;
        }
        return new Place(this, who);
    }

    /// <summary>Whether a caller who was let in may still read: a key may have been revoked since.</summary>
    /// <exception cref="GrpcException">He may not.</exception>
    public void Recheck(HttpContext context) => ThrowIfRefused(context, TryRecognise(context, out var caller), caller);

    private void ThrowIfRefused(HttpContext context, bool isKnown, Caller caller)
    {
        if (book.Engine.IsCutOff)
            throw new GrpcException(GrpcCode.Unavailable, "This host has not reached its journal for long.");
        if (!isKnown)
        {
            var isBare = context.Request.Headers.Authorization.Count == 0;
            if (isBare && allowsAnyone) return;
            throw GrpcException.Named(
                GrpcCode.Unauthenticated, "access-denied",
                isBare ? "Credentials are required: a key of the book." : "These credentials are not recognised.");
        }
        if (!caller.May(Scopes.Audit))
        {
            throw GrpcException.Named(
                GrpcCode.PermissionDenied, "access-denied", "The key does not have the scope audit.");
        }
    }

    private bool TryRecognise(HttpContext context, out Caller caller)
    {
        caller = default;
        var engine = book.Engine;
        if (Door.TryBearer(context, out var bearer))
            return engine.Keys.TryRecognise(bearer, engine.RoughNow, out caller);
        return TryBasic(context, out var user, out var token)
            && engine.Keys.TryRecognise(token, engine.RoughNow, out caller) && caller.Id.ToString() == user;
    }

    private static bool TryBasic(HttpContext context, out string user, out string token)
    {
        (user, token) = ("", "");
        string? header = context.Request.Headers.Authorization;
        if (header?.StartsWith(BasicScheme, StringComparison.OrdinalIgnoreCase) != true) return false;
        var encoded = header.AsSpan(BasicScheme.Length).Trim();
        Span<byte> pair = new byte[encoded.Length];
        if (!Convert.TryFromBase64Chars(encoded, pair, out var length)) return false;
        var text = Encoding.UTF8.GetString(pair[..length]);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0) return false;
        (user, token) = (text[..colon], text[(colon + 1)..]);
        return true;
    }

    private void Leave(int who)
    {
        lock (_gate)
        {
            _all--;
            if (--_open[who] == 0) _open.Remove(who);
        }
    }

    private sealed class Place(GatewayDoor door, int who) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0) door.Leave(who);
        }
    }
}
