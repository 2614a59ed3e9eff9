using System.Numerics;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation.Model;

public sealed partial class ReferenceModel
{
    private string? Make(Asked asked, MakeTransfer c)
    {
        var no = Terms(asked, c.Id, c.Debit, c.Credit, c.Amount, c.Particulars, c.Balancing, out var terms);
        return no ?? Happen(asked, terms.Name, Both(terms, pending: false), Guard.All, c.Particulars);
    }

    private string? Reserve(Asked asked, ReserveTransfer c)
    {
        if (c.TimeoutSeconds is < 1 or > 315_360_000) return "transfer.timeout_out_of_range";
        if (Terms(asked, c.Id, c.Debit, c.Credit, c.Amount, c.Particulars, c.Balancing, out var terms) is { } no)
            return no;
        // A reservation has no accounting of its own yet: its dates count when it is posted.
        if (Happen(asked, terms.Name, Both(terms, pending: true), Guard.All, Particulars.None) is { } refused)
            return refused;
        Instant? expires = c.TimeoutSeconds is { } seconds
            ? new Instant(asked.Now.Microseconds + seconds * 1_000_000L) : null;
        var row = new ModelReservation(terms.Debit, terms.Credit, terms.Asset, terms.Minor, expires, c.Particulars.ValueOn);
        _s = _s with { Reservations = _s.Reservations.Add(terms.Name.Value, row) };
        return null;
    }

    private string? Post(Asked asked, PostTransfer c)
    {
        if (!_s.Reservations.TryGetValue(c.Id.Value, out var open)) return "transfer.not_found";
        if (asked.Now >= open.Expires) return "transfer.has_expired";
        var minor = open.Remaining;
        if (c.Amount is { } stated)
        {
            if (Resolve(stated, out minor) is { } no) return no;
            if (stated.Asset.ToString() != open.Asset) return "transfer.wrong_asset";
            if (minor <= 0) return "amount.not_positive";
            if (minor > open.Remaining) return "transfer.exceeds_reservation";
        }
        var said = c.Particulars.ValueOn is null && open.ValueOn > _s.Today
            ? c.Particulars with { ValueOn = open.ValueOn }
            : c.Particulars;
        if (Dates(asked, said) is { } closed) return closed;
        var done = c.IsFinal || minor == open.Remaining;
        var freed = done ? open.Remaining : minor;
        Move[] moves =
        [
            new(open.Debit, open.Asset) { Debit = minor, PendingDebit = -freed },
            new(open.Credit, open.Asset) { Credit = minor, PendingCredit = -freed },
        ];
        if (Happen(asked, null, moves, Guard.All, said) is { } refused) return refused;
        _s = _s with
        {
            Reservations = done
                ? _s.Reservations.Remove(c.Id.Value)
                : _s.Reservations.SetItem(c.Id.Value, open with { Remaining = open.Remaining - minor }),
        };
        return null;
    }

    private string? Cancel(Asked asked, CancelTransfer c)
    {
        if (!_s.Reservations.TryGetValue(c.Id.Value, out var open)) return "transfer.not_found";
        return asked.Now >= open.Expires ? "transfer.has_expired" : Release(asked, c.Id, open);
    }

    private string? Expire(Asked asked, ExpireTransfer c)
    {
        if (!_s.Reservations.TryGetValue(c.Id.Value, out var open)) return "transfer.not_found";
        return open.Expires is { } at && at <= asked.Now ? Release(asked, c.Id, open) : "transfer.not_yet_expired";
    }

    private string? Release(Asked asked, TransferId id, ModelReservation open)
    {
        Move[] moves =
        [
            new(open.Debit, open.Asset) { PendingDebit = -open.Remaining },
            new(open.Credit, open.Asset) { PendingCredit = -open.Remaining },
        ];
        _s = _s with { Reservations = _s.Reservations.Remove(id.Value) };
        return Happen(asked, null, moves, Guard.Bound, Particulars.None);
    }

    /// <summary>Books what happened elsewhere: what an account cannot take goes to suspense or blocked funds.</summary>
    private string? Import(Asked asked, ImportTransfer c)
    {
        if (c.Originated > asked.Now) return "transfer.originated_in_future";
        if (Terms(asked, c.Id, c.Debit, c.Credit, c.Amount, c.Particulars, Balancing.Exact, out var terms) is { } no)
            return no;
        Move[] meant = [.. Both(terms, pending: false).Select(move => move with { Account = Taker(asked, move) })];
        return Happen(asked, terms.Name, meant, Guard.Bound, c.Particulars);
    }

    private string Taker(Asked asked, Move move)
    {
        var suspense = _s.Accounts[move.Account].IsMemorandum ? "client:suspense" : null;
        if (IsPosition(move.Account) || Closed(move) is not null) return suspense ?? "bank:suspense";
        return Blocked(asked, move) is not null ? suspense ?? "bank:blocked-funds" : move.Account;
    }

    private readonly record struct TermsOf(TransferId Name, string Debit, string Credit, string Asset,
        BigInteger Minor);

    private string? Terms(
        Asked asked, TransferId? named, AccountId debit, AccountId credit, StatedAmount stated, Particulars particulars,
        Balancing balancing, out TermsOf terms)
    {
        terms = default;
        if (Resolve(stated, out var minor) is { } no) return no;
        if (minor <= 0) return "amount.not_positive";
        if (debit == credit) return "transfer.same_account";
        if (Name(asked, named, out var name) is { } taken) return taken;
        terms = new(name, debit.ToString(), credit.ToString(), stated.Asset.ToString(), minor);
        if (!_s.Accounts.ContainsKey(terms.Debit)) return "transfer.debit_account_not_found";
        if (!_s.Accounts.TryGetValue(terms.Credit, out var payee)) return "transfer.credit_account_not_found";
        if (Dates(asked, particulars) is { } closed) return closed;
        if (_s.Assets[terms.Asset].Retired) return "asset.retired";
        if ((balancing & Balancing.Debit) != 0)
            minor = BigInteger.Min(minor, _s.Available(terms.Debit, terms.Asset, asked.Now));
        if ((balancing & Balancing.Credit) != 0)
        {
            var b = payee.In(terms.Asset);
            minor = BigInteger.Min(minor, b.DebitsPosted - b.CreditsPosted - b.CreditsPending);
        }
        terms = terms with { Minor = minor };
        return minor > 0 ? null : "limit.insufficient_funds";
    }

    /// <summary>
    /// The name a new posting gets: its own, or the command's where that is time-ordered, or the position's.
    /// </summary>
    private string? Name(Asked asked, TransferId? named, out TransferId name)
    {
        name = named ?? (asked.Id.Version == 7 && !asked.InChain ? new(asked.Id.Value) : NameOfPosition());
        if (named is { Version: not 7 }) return "transfer.id_not_uuidv7";
        return _s.Reservations.ContainsKey(name.Value) ? "transfer.already_exists" : null;
    }

    private TransferId NameOfPosition() => TransferId.FromPosition(_founding.Hash, _s.Position + 1 + _parts);

    private string? Resolve(StatedAmount stated, out BigInteger minor)
    {
        minor = 0;
        if (!_s.Assets.TryGetValue(stated.Asset.ToString(), out var asset)) return "asset.unknown";
        if (stated.Decimals > asset.Scale) return "amount.too_many_decimals";
        minor = (BigInteger)stated.Digits * BigInteger.Pow(10, asset.Scale - stated.Decimals);
        return BigInteger.Abs(minor) > MaxTotal ? "amount.out_of_range" : null;
    }

    private string? Dates(Asked asked, Particulars said)
    {
        var booked = said.BookedOn ?? _s.Today;
        if (booked > _s.Today) return "date.booked_in_future";
        if (booked <= _s.Closed) return "period.closed";
        if (booked <= _s.ClosedSoftly && !asked.MayAdjust) return "period.closed_softly";
        return said.ValueOn is { } value && Math.Abs(value.DaysSince(_s.Today)) > 366 ? "date.value_too_far" : null;
    }

    private static Move[] Both(TermsOf terms, bool pending) => pending
        ?
        [
            new(terms.Debit, terms.Asset) { PendingDebit = terms.Minor },
            new(terms.Credit, terms.Asset) { PendingCredit = terms.Minor },
        ]
        :
        [
            new(terms.Debit, terms.Asset) { Debit = terms.Minor },
            new(terms.Credit, terms.Asset) { Credit = terms.Minor },
        ];
}
