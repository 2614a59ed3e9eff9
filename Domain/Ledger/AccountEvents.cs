using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Ledger;

public abstract record AssetEvent : Event
{
    private AssetEvent() { }

    /// <summary>The book knows an asset besides the fiat currencies of ISO 4217. Its scale never changes.</summary>
    public sealed record Registered(Asset Asset, string Title) : AssetEvent;

    /// <summary>
    /// No new entry may use it, but for compelled ones, which empty what is held; reservations run on.
    /// </summary>
    public sealed record Retired(AssetCode Code) : AssetEvent;
}

public abstract record AccountEvent : Event
{
    private AccountEvent() { }

    /// <param name="Assets">The assets it is opened for; empty with <see cref="AccountFlags.AnyAsset"/>.</param>
    public sealed record Opened(
        AccountId Id, AccountClass Class, Tag Chart, Dimensions Dimensions, AccountFlags Flags,
        ImmutableArray<AssetCode> Assets) : AccountEvent
    {
        public bool Equals(Opened? other) => other is not null && Id == other.Id && Class == other.Class
            && Chart == other.Chart && Dimensions == other.Dimensions && Flags == other.Flags
            && Assets.AsSpan().SequenceEqual(other.Assets.AsSpan());

        public override int GetHashCode() => Id.GetHashCode();
    }

    public sealed record AssetAdded(AccountId Id, AssetCode Asset) : AccountEvent;

    /// <summary>The two limit flags, replaced.</summary>
    public sealed record LimitsSet(AccountId Id, AccountFlags Limits) : AccountEvent;

    /// <summary>How far debits may exceed credits in one asset; zero takes the grant back.</summary>
    public sealed record OverdraftGranted(AccountId Id, Amount Limit) : AccountEvent;

    public sealed record Closed(AccountId Id, string Reason) : AccountEvent;

    public sealed record Reopened(AccountId Id, string Reason) : AccountEvent;
}

/// <summary>A restraint's own name, given by who placed it.</summary>
public readonly record struct RestraintId(UInt128 Value);

/// <summary>What a restraint holds back.</summary>
public enum RestraintScope : byte
{
    Debits = 1,
    Credits,
    Both,

    /// <summary>An amount of one asset.</summary>
    Amount,
}

/// <summary>An order to hold back an account, in full.</summary>
/// <param name="Reason">Open code of why: <c>garnishment</c>, <c>sanctions</c>, <c>dispute</c>.</param>
/// <param name="Authority">Who ordered it, as a code of the bank's own: <c>court.b-mitte</c>.</param>
/// <param name="Rank">Lower ranks are served first; equal ranks in order of placing.</param>
/// <param name="Amount">What is held back with <see cref="RestraintScope.Amount"/>; else null.</param>
/// <param name="ProtectedMinimum">What the holder keeps free whatever the amount; zero when none.</param>
/// <param name="From">First instant of effect.</param>
/// <param name="Until">First instant without effect; null: until lifted.</param>
/// <param name="Note">Sealed personal text; ciphertext, never clear; or null.</param>
public sealed record RestraintTerms(
    Tag Reason, Tag Authority, int Rank, RestraintScope Scope, Amount? Amount, Amount? ProtectedMinimum,
    Instant From, Instant? Until, string? Note);

public abstract record RestraintEvent : Event
{
    private RestraintEvent() { }

    public sealed record Placed(RestraintId Id, AccountId Account, RestraintTerms Terms) : RestraintEvent;

    public sealed record Lifted(RestraintId Id, AccountId Account, string Reason) : RestraintEvent;

    /// <summary>Its time had come.</summary>
    public sealed record Lapsed(RestraintId Id, AccountId Account) : RestraintEvent;

    /// <summary>Money taken under a restraint of an amount, against that restraint; the legs stand beside.</summary>
    public sealed record Seized(RestraintId Id, AccountId Account, AccountId To, Amount Amount, Particulars Particulars)
        : RestraintEvent;
}
