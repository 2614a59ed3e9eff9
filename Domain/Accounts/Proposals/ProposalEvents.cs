using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>
/// A command about proposals and reviews: it matters who sends it, beyond whether they may. It stands alone, never in a
/// chain or in a proposal.
/// </summary>
/// <param name="Level">
/// Who speaks: has to be satisfied itself. None: what the API key stands for, or the one permission that was signed
/// under.
/// </param>
public abstract record ProposalCommand(Level Level) : Command;

/// <summary>Proposes commands, to happen all or not at all once those who are asked have approved.</summary>
/// <param name="Declared">The permissions that the commands are to run under; ascending.</param>
/// <param name="Requested">Who is asked to approve; ascending.</param>
/// <param name="Content">The commands as one canonical text; the book keeps it and never reads it.</param>
/// <param name="Commands">What the text says.</param>
/// <param name="Expires">First instant at which it can no longer be executed.</param>
/// <param name="DelaySeconds">From the approval that first sufficed until it may be executed.</param>
/// <param name="ApprovalSeconds">For how long an approval counts.</param>
/// <param name="FourEyes">
/// Whether the proposer may not approve; of what the bank's own permissions are needed for, always so.
/// </param>
public sealed record MakeProposal(
    Level Level, ImmutableArray<Level> Declared, ImmutableArray<Level> Requested, string Content,
    ImmutableArray<Command> Commands, Instant Expires, int DelaySeconds = 0,
    int ApprovalSeconds = Proposals.DefaultApprovalSeconds, bool FourEyes = false) : ProposalCommand(Level);

/// <param name="Hash">Of the content that is approved.</param>
public sealed record ApproveProposal(Level Level, CommandId Proposal, Hash256 Hash) : ProposalCommand(Level);

public sealed record WithdrawApproval(Level Level, CommandId Proposal) : ProposalCommand(Level);

public sealed record CancelProposal(Level Level, CommandId Proposal) : ProposalCommand(Level);

/// <param name="Hash">Of the content that is meant; null: whatever it is.</param>
public sealed record ExecuteProposal(Level Level, CommandId Proposal, Hash256? Hash = null) : ProposalCommand(Level);

/// <summary>The engine's own: nobody executed it in time.</summary>
public sealed record ExpireProposal(CommandId Proposal) : Command;

/// <summary>Voids every approval that the account's permissions gave before, in every proposal.</summary>
public sealed record InvalidateApprovals(AccountId Account) : Command;

/// <summary>Who sent a command, as far as a book can know people.</summary>
/// <param name="Level">Who spoke.</param>
/// <param name="Key">The API key; none when signatures spoke.</param>
/// <param name="Keys">Whose signatures were needed.</param>
/// <param name="Accounts">
/// Whose permissions were counted; where none was, the account that spoke. The bank is nobody in person.
/// </param>
public sealed record Speaker(Level Level, Tag Key, ImmutableArray<SigningKey> Keys, ImmutableArray<AccountId> Accounts)
{
    /// <summary>Whether two may be one: the same permission, key, account or person.</summary>
    public bool MayBe(Speaker other, Func<AccountId, AccountId, bool> samePerson) =>
        Level == other.Level || (!Key.IsNone && Key == other.Key) || Keys.Any(key => other.Keys.Contains(key))
        || Accounts.Any(mine => other.Accounts.Any(theirs => mine == theirs || samePerson(mine, theirs)));

    public bool Equals(Speaker? other) => other is not null && Level == other.Level && Key == other.Key
        && Keys.AsSpan().SequenceEqual(other.Keys.AsSpan())
        && Accounts.AsSpan().SequenceEqual(other.Accounts.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Level, Key);

    internal void Write(ref RowWriter to)
    {
        to.Value(Level);
        to.Value(Key);
        to.Values(Keys.AsSpan());
        to.Values(Accounts.AsSpan());
    }

    internal static Speaker Read(ref RowReader from) => new(
        from.Value<Level>(), from.Value<Tag>(), [.. from.Values<SigningKey>()], [.. from.Values<AccountId>()]);
}

/// <summary>The life of proposals.</summary>
public abstract record ProposalEvent : Event
{
    private ProposalEvent() { }

    /// <param name="Id">Id of the command that proposed it.</param>
    /// <param name="Hash">SHA-256 of the content's UTF-8: what approvals are bound to.</param>
    /// <param name="Needed">Scopes that the commands need: an API key that approves for the bank has them.</param>
    public sealed record Made(
        CommandId Id, Speaker Maker, ImmutableArray<Level> Declared, ImmutableArray<Level> Requested, string Content,
        Hash256 Hash, Scopes Needed, bool FourEyes, int DelaySeconds, int ApprovalSeconds, Instant At, Instant Expires)
        : ProposalEvent
    {
        public bool Equals(Made? other) => other is not null && Id == other.Id && Maker == other.Maker
            && Declared.AsSpan().SequenceEqual(other.Declared.AsSpan())
            && Requested.AsSpan().SequenceEqual(other.Requested.AsSpan()) && Content == other.Content
            && (Hash, Needed, FourEyes, DelaySeconds, ApprovalSeconds, At, Expires)
                == (other.Hash, other.Needed, other.FourEyes, other.DelaySeconds, other.ApprovalSeconds, other.At,
                    other.Expires);

        public override int GetHashCode() => Id.GetHashCode();
    }

    /// <param name="Earliest">First instant of execution; null while the approvals do not suffice.</param>
    public sealed record Approved(CommandId Id, Level Level, Hash256 Hash, Instant At, Instant? Earliest)
        : ProposalEvent;

    /// <param name="Earliest">As it is from now on.</param>
    public sealed record ApprovalWithdrawn(CommandId Id, Level Level, Instant? Earliest) : ProposalEvent;

    public sealed record Cancelled(CommandId Id, Level Level) : ProposalEvent;

    /// <summary>Its commands' events follow.</summary>
    /// <param name="Counted">Whose approvals counted; ascending.</param>
    public sealed record Executed(CommandId Id, Level Level, Hash256 Hash, ImmutableArray<Level> Counted)
        : ProposalEvent
    {
        public bool Equals(Executed? other) => other is not null && Id == other.Id && Level == other.Level
            && Hash == other.Hash && Counted.AsSpan().SequenceEqual(other.Counted.AsSpan());

        public override int GetHashCode() => Id.GetHashCode();
    }

    public sealed record Expired(CommandId Id) : ProposalEvent;

    public sealed record ApprovalsInvalidated(AccountId Account) : ProposalEvent;
}

public static class ProposalRejections
{
    public static readonly Rejection
        NotFound = new("proposal.not_found", "No open proposal of this id.", RejectionKind.NotFound),
        AlreadyExists = new("proposal.already_exists", "This id names another proposal.", RejectionKind.Conflict),
        RequestedMalformed = new(
            "proposal.requested_malformed",
            $"1 to {Proposals.MaxRequested} permissions are asked, in ascending order, none twice."),
        DeclaredMalformed = new(
            "proposal.declared_malformed",
            $"1 to {Proposals.MaxDeclared} permissions to run under, in ascending order, none twice."),
        CommandsOutOfRange = new(
            "proposal.commands_out_of_range", $"A proposal has 1 to {Proposals.MaxCommands} commands."),
        ContentTooLarge = new(
            "proposal.content_too_large", $"The commands take at most {Proposals.MaxContent} characters as text."),
        ContentUnreadable = new(
            "proposal.content_unreadable", "The content cannot be read as commands any more.", RejectionKind.Conflict),
        NotProposable = new(
            "proposal.not_proposable",
            "Commands about proposals, chains, clocks, and what answers with a secret cannot be proposed."),
        InChain = new("proposal.in_chain", "A command about proposals or reviews stands alone, not in a chain."),
        ExpiryOutOfRange = new(
            "proposal.expiry_out_of_range", "A proposal expires in the future, within 45 days."),
        DelayOutOfRange = new(
            "proposal.delay_out_of_range", $"The delay is 0 to {Proposals.MaxSeconds} seconds."),
        ApprovalOutOfRange = new(
            "proposal.approval_out_of_range", $"An approval counts for 1 to {Proposals.MaxSeconds} seconds."),
        TooManyOfAccount = new(
            "proposal.too_many_of_account",
            $"An account has at most {Proposals.MaxOpenOfAccount} open proposals, a wallet "
            + $"{Proposals.MaxOpenOfWallet}: cancel one.", RejectionKind.Conflict),
        TooMany = new(
            "proposal.too_many", $"A book has at most {Proposals.MaxOpen} open proposals.", RejectionKind.Conflict),
        NotAuthorisable = new(
            "proposal.not_authorisable", "Even if all who are asked approve, the commands may not run."),
        HasExpired = new("proposal.has_expired", "The proposal has expired.", RejectionKind.Conflict),
        NotYetExpired = new(
            "proposal.not_yet_expired", "Before it expires, only the proposer cancels it.", RejectionKind.Conflict),
        ContentChanged = new(
            "proposal.content_changed", "The hash is not that of the proposal's content.", RejectionKind.Conflict),
        NotRequested = new(
            "proposal.not_requested", "The proposal does not ask for this approval.", RejectionKind.Forbidden),
        MakerIsChecker = new(
            "proposal.maker_is_checker", "Who proposed it cannot approve it, nor through somebody else's permission.",
            RejectionKind.Forbidden),
        NotApproved = new(
            "proposal.not_approved", "The approvals that count do not suffice.", RejectionKind.Forbidden),
        TooEarly = new(
            "proposal.too_early", "The delay after the approvals has not passed.", RejectionKind.Conflict),
        Stranger = new(
            "proposal.stranger", "Only the proposer, who was asked, and the bank may do this.",
            RejectionKind.Forbidden);
}
