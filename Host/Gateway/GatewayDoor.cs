using System.Text;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Gateway;

/// <summary>
/// Who may read: an API key of a book with the scope audit, as Basic credentials (user: the key's id, password: its
/// token) or as a Bearer token. The key says which book is read: the others might not be there. Deny by default.
/// </summary>
/// <param name="books">The first is the one that callers without credentials read.</param>
/// <param name="allowsAnyone">Lets callers without credentials in; credentials that do not hold are refused all the
/// same.</param>
internal sealed class GatewayDoor(
    IReadOnlyList<RunningBook> books, IConfiguration configuration, bool allowsAnyone)
{
    /// <summary>Calls that are answered at once, of all together: each holds a reader's buffers, 2 MiB.</summary>
    public const int MaxCalls = 64;

    /// <summary>Of them, those of one key.</summary>
    public const int MaxCallsOfOne = 48;

    private const int Anyone = -1;
    private const string BasicScheme = "Basic ";

    private readonly Lock _gate = new();
    private readonly Dictionary<(int Book, int Key), int> _open = [];

    /// <summary>Keys are numbered in each book, so each counts its own; addresses are the same for all.</summary>
    private readonly FairUse[] _keys = [.. books.Select(_ => new FairUse(configuration))];
    private readonly FairUse _addresses = new(configuration);
    private int _all;

    /// <summary>Lets a caller in, and counts him until what is returned is disposed.</summary>
    /// <exception cref="GrpcException">He may not read, comes too often, or too many read already.</exception>
    public Place Enter(HttpContext context)
    {
        var known = Recognise(context);
        var limited = known is { } one
            ? _keys[one.Book].Take(one.Caller) : _addresses.Take(context.Connection.RemoteIpAddress);
        if (limited is not null)
            throw new GrpcException(GrpcCode.ResourceExhausted, "Too many requests: come again later.");
        ThrowIfRefused(context, known);
        var who = known is { } caller ? (caller.Book, caller.Caller.Number) : (0, Anyone);
        lock (_gate)
        {
            var own = _open.GetValueOrDefault(who);
            if (_all >= MaxCalls || own >= MaxCallsOfOne)
                throw new GrpcException(GrpcCode.ResourceExhausted, "Too many calls are open: come again later.");
            _open[who] = own + 1;
            _all++;
        }
        return new(this, who);
    }

    /// <summary>Whether a caller who was let in may still read: a key may have been revoked since.</summary>
    /// <exception cref="GrpcException">He may not.</exception>
    public void Recheck(HttpContext context, Place place) =>
        ThrowIfRefused(context, Recognise(context) is { } known && known.Book == place.Book ? known : null);

    /// <summary>The book that the caller's credentials are of; null where he shows none that hold.</summary>
    public int? BookOf(HttpContext context) => Recognise(context)?.Book;

    private void ThrowIfRefused(HttpContext context, (int Book, Caller Caller)? known)
    {
        if (books[known?.Book ?? 0].Engine.IsCutOff)
            throw new GrpcException(GrpcCode.Unavailable, "This host has not reached its journal for long.");
        if (known is not { } one)
        {
            var isBare = context.Request.Headers.Authorization.Count == 0;
            if (isBare && allowsAnyone) return;
            throw GrpcException.Named(
                GrpcCode.Unauthenticated, "access-denied",
                isBare ? "Credentials are required: a key of the book." : "These credentials are not recognised.");
        }
        if (!one.Caller.May(Scopes.Audit))
        {
            throw GrpcException.Named(
                GrpcCode.PermissionDenied, "access-denied", "The key does not have the scope audit.");
        }
    }

    private (int Book, Caller Caller)? Recognise(HttpContext context)
    {
        string? user = null;
        if (!Door.TryBearer(context, out var token))
        {
            if (!TryBasic(context, out user, out var password)) return null;
            token = password;
        }
        for (var book = 0; book < books.Count; book++)
        {
            var engine = books[book].Engine;
            if (engine.Keys.TryRecognise(token, engine.RoughNow, out var caller)
                && (user is null || caller.Id.ToString() == user))
                return (book, caller);
        }
        return null;
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

    private void Leave((int Book, int Key) who)
    {
        lock (_gate)
        {
            _all--;
            if (--_open[who] == 0) _open.Remove(who);
        }
    }

    /// <summary>Of a caller who was let in.</summary>
    public sealed class Place : IDisposable
    {
        private readonly GatewayDoor _door;
        private readonly (int Book, int Key) _who;
        private int _left;

        internal Place(GatewayDoor door, (int Book, int Key) who) => (_door, _who) = (door, who);

        /// <summary>Which of the books he reads.</summary>
        public int Book => _who.Book;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0) _door.Leave(_who);
        }
    }
}
