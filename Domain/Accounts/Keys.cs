using System.Diagnostics;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>Issues an API key. The secret never reaches the book: only its hash does.</summary>
/// <param name="HashHigh">First half of the SHA-256 of the 256-bit secret.</param>
/// <param name="Expires">First instant at which it no longer works; null: never.</param>
public sealed record IssueKey(Tag Id, UInt128 HashHigh, UInt128 HashLow, Scopes Scopes, Instant? Expires) : Command;

public sealed record RevokeKey(Tag Id, string Reason) : Command;

public abstract record KeyEvent : Event
{
    private KeyEvent() { }

    public sealed record Issued(Tag Id, UInt128 HashHigh, UInt128 HashLow, Scopes Scopes, Instant? Expires) : KeyEvent;

    public sealed record Revoked(Tag Id, string Reason) : KeyEvent;
}

/// <summary>A key. Rows are never deleted, so that a caller's number keeps its meaning.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct KeyRow(
    UInt128 HashHigh, UInt128 HashLow, Tag Id, Instant Expires, Scopes Scopes, int Revoked)
    : IRow<KeyRow, Tag>
{
    public Tag Key => Id;

    public bool IsUsable(Instant now) => Revoked == 0 && now < Expires;
}

public sealed class Keys
{
    public const int MaxKeys = 100_000;

    public static readonly Rejection
        NotFound = new("key.not_found", "No such key.", RejectionKind.NotFound),
        AlreadyExists = new("key.already_exists", "A key of this id was issued before.", RejectionKind.Conflict),
        TooMany = new("key.too_many", $"A book has at most {MaxKeys} keys."),
        ScopesMissing = new("key.scopes_missing", "A key has one scope or more."),
        ScopesExceed = new("key.scopes_exceed", "A key cannot give what its issuer lacks.", RejectionKind.Forbidden),
        ReservedId = new("key.reserved_id", "A key has an id of its own; engine and signed are the book's."),
        ExpiryPast = new("key.expiry_past", "A key expires in the future."),
        LastWayIn = new(
            "key.last_way_in", "The last key that can issue keys cannot be revoked.", RejectionKind.Conflict),
        NotUsable = new("key.not_usable", "The key was revoked or has expired.", RejectionKind.Forbidden),
        ScopeMissing = new("key.scope_missing", "The key lacks the scope that this needs.", RejectionKind.Forbidden);

    public Keys(Tables tables) => Rows = new(tables, "accounts.keys");

    public Table<Tag, KeyRow> Rows { get; }

    public Decision Decide(in Moment at, IssueKey c)
    {
        if (c.Id.IsNone || c.Id == Bank.EngineName || c.Id == Bank.SignerName) return ReservedId;
        if (c.Scopes == Scopes.None || (c.Scopes & ~Scopes.All) != 0) return ScopesMissing;
        if ((c.Scopes & ~at.Scopes) != 0) return ScopesExceed;
        if (c.Expires is { } expires && expires <= at.Now) return ExpiryPast;
        if (Rows.Count >= MaxKeys) return TooMany;
        return Rows.Find(c.Id) >= 0 ? AlreadyExists
            : new KeyEvent.Issued(c.Id, c.HashHigh, c.HashLow, c.Scopes, c.Expires);
    }

    public Decision Decide(in Moment at, RevokeKey c)
    {
        if (!Rows.TryGet(c.Id, out var key)) return NotFound;
        if (key.Revoked != 0) return [];
        return IsLastWayIn(key, at.Now) ? LastWayIn : new KeyEvent.Revoked(c.Id, c.Reason);
    }

    public void Evolve(KeyEvent @event)
    {
        switch (@event)
        {
            case KeyEvent.Issued e:
                Rows.Insert(new(e.HashHigh, e.HashLow, e.Id, e.Expires ?? Instant.Last, e.Scopes, 0));
                break;
            case KeyEvent.Revoked e:
                var row = Rows.Find(e.Id);
                Rows.Update(row, Rows[row] with { Revoked = 1 });
                break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    /// <summary>Step 3 of the one path: may this caller ask this, now?</summary>
    public Rejection? Authorise(int caller, Scopes needed, Instant now)
    {
        if (caller == Envelope.Engine) return null;
        if ((uint)caller >= (uint)Rows.Count) return NotUsable;
        ref readonly var key = ref Rows[caller];
        if (!key.IsUsable(now)) return NotUsable;
        return (key.Scopes & needed) == needed ? null : ScopeMissing;
    }

    private bool IsLastWayIn(in KeyRow key, Instant now)
    {
        if ((key.Scopes & Scopes.Keys) == 0) return false;
        for (var i = 0; i < Rows.Count; i++)
        {
            ref readonly var other = ref Rows[i];
            if (other.Id == key.Id || (other.Scopes & Scopes.Keys) == 0 || !other.IsUsable(now)) continue;
            // A key that expires is no way in that lasts.
            if (other.Expires == Instant.Last || key.Expires != Instant.Last) return false;
        }
        return true;
    }
}
