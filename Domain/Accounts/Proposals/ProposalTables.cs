using System.Collections.Immutable;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>An open proposal. One that was executed, cancelled or has expired stands in the journal only.</summary>
/// <param name="Earliest">First instant of execution; null while the approvals did not suffice.</param>
/// <param name="Parked">Its timer failed: it has to be cancelled.</param>
public readonly record struct ProposalRow(
    CommandId Id, Speaker Maker, ImmutableArray<Level> Declared, ImmutableArray<Level> Requested, string Content,
    Hash256 Hash, Scopes Needed, bool FourEyes, int DelaySeconds, int ApprovalSeconds, Instant At, Instant Expires,
    Instant? Earliest, bool Parked) : IRow<ProposalRow, CommandId>
{
    public CommandId Key => Id;

    public static void Write(in ProposalRow row, ref RowWriter to)
    {
        to.Value(row.Id);
        row.Maker.Write(ref to);
        to.Values(row.Declared.AsSpan());
        to.Values(row.Requested.AsSpan());
        to.Text(row.Content);
        to.Value(row.Hash);
        to.Value((uint)row.Needed);
        to.Value(row.FourEyes);
        to.Value(row.DelaySeconds);
        to.Value(row.ApprovalSeconds);
        to.Value(row.At);
        to.Value(row.Expires);
        to.Value(row.Earliest.HasValue);
        to.Value(row.Earliest ?? default);
        to.Value(row.Parked);
    }

    public static ProposalRow Read(ref RowReader from)
    {
        var (id, maker) = (from.Value<CommandId>(), Speaker.Read(ref from));
        ImmutableArray<Level> declared = [.. from.Values<Level>()], requested = [.. from.Values<Level>()];
        var (content, hash, needed) = (from.Text(), from.Value<Hash256>(), (Scopes)from.Value<uint>());
        var (fourEyes, delay, approval) = (from.Value<bool>(), from.Value<int>(), from.Value<int>());
        var (at, expires) = (from.Value<Instant>(), from.Value<Instant>());
        var (isSet, earliest) = (from.Value<bool>(), from.Value<Instant>());
        return new(id, maker, declared, requested, content, hash, needed, fourEyes, delay, approval, at, expires,
            isSet ? earliest : null, from.Value<bool>());
    }
}

/// <summary>One who is asked to approve one proposal.</summary>
/// <remarks>Eighty bytes without padding.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct RequestKey(Level Level, CommandId Proposal) : IComparable<RequestKey>
{
    public int CompareTo(RequestKey other) =>
        Level != other.Level ? Level.CompareTo(other.Level) : Proposal.CompareTo(other.Proposal);
}

/// <param name="Position">Of the approval; 0 while there is none.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct RequestRow(RequestKey Key, Instant ApprovedAt, long Position)
    : IRow<RequestRow, RequestKey>;

/// <summary>Approvals of an account's permissions up to this position count no more.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct InvalidationRow(AccountId Account, long Position) : IRow<InvalidationRow, AccountId>
{
    public AccountId Key => Account;
}

/// <summary>The order of proposals by whose they are.</summary>
/// <remarks>Sixty-four bytes without padding.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct MakerKey(AccountId Account, long Filler, CommandId Proposal) : IComparable<MakerKey>
{
    public int CompareTo(MakerKey other) =>
        Account != other.Account ? Account.CompareTo(other.Account) : Proposal.CompareTo(other.Proposal);
}

/// <summary>A use of break-glass that somebody else has still to look at.</summary>
/// <param name="Due">First instant at which that is overdue.</param>
public readonly record struct ReviewRow(
    CommandId Id, Speaker Maker, string Reason, Hash256 Hash, Instant Due, bool Overdue) : IRow<ReviewRow, CommandId>
{
    public CommandId Key => Id;

    public static void Write(in ReviewRow row, ref RowWriter to)
    {
        to.Value(row.Id);
        row.Maker.Write(ref to);
        to.Text(row.Reason);
        to.Value(row.Hash);
        to.Value(row.Due);
        to.Value(row.Overdue);
    }

    public static ReviewRow Read(ref RowReader from) => new(
        from.Value<CommandId>(), Speaker.Read(ref from), from.Text(), from.Value<Hash256>(), from.Value<Instant>(),
        from.Value<bool>());
}
