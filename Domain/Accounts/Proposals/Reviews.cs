using System.Diagnostics;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Accounts.ReviewRejections;

namespace BankingEngine.Domain.Accounts;

/// <summary>
/// Does one thing at once that others would have to approve; somebody else has to look at it afterwards.
/// </summary>
/// <param name="Reason">Open text, never personal.</param>
/// <param name="Content">The command as canonical text, as a proposal would hold it.</param>
public sealed record BreakGlass(Level Level, string Reason, string Content, Command Command) : ProposalCommand(Level);

/// <param name="Justified">What the reviewer found.</param>
/// <param name="Reason">Open text, never personal.</param>
public sealed record CloseReview(Level Level, CommandId Review, bool Justified, string Reason)
    : ProposalCommand(Level);

/// <summary>The engine's own: nobody has looked at it in time.</summary>
public sealed record NoteOverdueReview(CommandId Review) : Command;

/// <summary>What was done past the rule of four eyes, and who looked at it.</summary>
public abstract record ReviewEvent : Event
{
    private ReviewEvent() { }

    /// <summary>The command's own events follow.</summary>
    /// <param name="Id">Id of the command that used it; names the review too.</param>
    /// <param name="Due">First instant at which the review is overdue.</param>
    public sealed record Used(CommandId Id, Speaker Maker, string Reason, string Content, Hash256 Hash, Instant Due)
        : ReviewEvent;

    public sealed record Closed(CommandId Id, Level Level, bool Justified, string Reason) : ReviewEvent;

    /// <summary>Said once; the review stays open.</summary>
    public sealed record Overdue(CommandId Id) : ReviewEvent;
}

public static class ReviewRejections
{
    public static readonly Rejection
        NotAllowed = new(
            "breakglass.not_allowed", "Only who stands at or above the bank's permission breakglass may.",
            RejectionKind.Forbidden),
        NotTheBanks = new(
            "breakglass.not_the_banks", "Break-glass stands in for the bank's staff, not for accounts that decide.",
            RejectionKind.Forbidden),
        TooManyOpen = new(
            "breakglass.too_many_open", $"At most {Reviews.MaxOpen} uses wait for their review: close some.",
            RejectionKind.Conflict),
        NotFound = new("review.not_found", "No open review of this id.", RejectionKind.NotFound),
        Stranger = new("review.stranger", "Only the bank reviews.", RejectionKind.Forbidden),
        MakerIsReviewer = new(
            "review.maker_is_reviewer", "Who used break-glass cannot review it.", RejectionKind.Forbidden);
}

/// <summary>Break-glass, and the reviews after it.</summary>
public sealed class Reviews
{
    /// <summary>24 hours.</summary>
    public const int SecondsToReview = 86_400;

    public const int MaxOpen = 1_000;

    public static readonly Tag Permission = Tag.Of("breakglass");

    private readonly Bank _bank;
    private readonly List<Need> _needs = [];

    public Reviews(Bank bank)
    {
        _bank = bank;
        Rows = new(bank.Tables, "accounts.reviews");
        ByDue = Rows.Ordered(
            static (in ReviewRow r, out Instant k) => { k = r.Due; return !r.Overdue; }, unique: false);
    }

    public Table<CommandId, ReviewRow> Rows { get; }

    /// <summary>Those that are not overdue.</summary>
    public OrderedIndex<ReviewRow, Instant> ByDue { get; }

    public Decision Decide(in Moment at, BreakGlass c)
    {
        if (Rows.Find(at.Command) >= 0) return ProposalRejections.AlreadyExists;
        if (!Proposals.IsProposable(c.Command)) return ProposalRejections.NotProposable;
        if (Execution.IsBooksOwn(c.Command)) return AccountRejections.ReservedName;
        if (c.Content.Length > Proposals.MaxContent) return ProposalRejections.ContentTooLarge;
        if (c.Level.Account != Permissions.Bank
            || !_bank.Permissions.IsSameOrAbove(Permissions.Bank, c.Level.Permission, Permission))
            return NotAllowed;
        _needs.Clear();
        Needs.Of(_bank, c.Command, 1, _needs);
        if (_needs.Exists(IsSomebodys)) return NotTheBanks with { Link = 1 };
        var needed = Bank.NeededFor(c.Command);
        if (!_bank.Proposals.Acting.Key.IsNone && (at.Scopes & needed) != needed) return Keys.ScopeMissing;
        foreach (var need in _needs)
        {
            // Four eyes are what is broken here, not what death, incapacity or a standing stop.
            if (need.Account.IsNone || need.Kind == NeedKind.AccountOrBank) continue;
            if (_bank.Objects(need.Account, need, [], at.Now) is { } no) return no with { Link = 1 };
        }
        if (Rows.Count >= MaxOpen) return TooManyOpen;
        _bank.Proposals.Content = ([c.Command], true);
        return new ReviewEvent.Used(
            at.Command, _bank.Proposals.Acting, c.Reason, c.Content, Hash256.Of(c.Content),
            at.Now.AddSeconds(SecondsToReview));
    }

    public Decision Decide(CloseReview c)
    {
        if (!Rows.TryGet(c.Review, out var row)) return NotFound;
        if (c.Level.Account != Permissions.Bank) return Stranger;
        return row.Maker.MayBe(_bank.Proposals.Acting, _bank.Proposals.MayBeOnePersons)
            ? MakerIsReviewer : new ReviewEvent.Closed(c.Review, c.Level, c.Justified, c.Reason);
    }

    public Decision Decide(in Moment at, NoteOverdueReview c) =>
        Rows.TryGet(c.Review, out var row) && !row.Overdue && row.Due <= at.Now
            ? new ReviewEvent.Overdue(c.Review) : [];

    /// <summary>The first review that is overdue and was not said to be.</summary>
    public Command? Due(Instant now) => ByDue.TryFirst(out var due, out var row) && due <= now
        ? new NoteOverdueReview(Rows[row].Id) : null;

    public void Evolve(ReviewEvent @event)
    {
        switch (@event)
        {
            case ReviewEvent.Used e: Rows.Insert(new(e.Id, e.Maker, e.Reason, e.Hash, e.Due, Overdue: false)); break;
            case ReviewEvent.Closed e: Rows.Delete(Rows.Find(e.Id)); break;
            case ReviewEvent.Overdue e: Park(e.Id); break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    internal void Park(CommandId id)
    {
        var row = Rows.Find(id);
        if (row >= 0) Rows.Update(row, Rows[row] with { Overdue = true });
    }

    /// <summary>Whether an account has a say that the bank cannot stand in for; its own permissions are one.</summary>
    private bool IsSomebodys(Need need) => need.Kind is not (NeedKind.Bank or NeedKind.AccountOrBank)
        && (need.Account == Permissions.Bank || _bank.Permissions.HasOwn(need.Account)
            || Wallets.IsWallet(need.Account));
}
