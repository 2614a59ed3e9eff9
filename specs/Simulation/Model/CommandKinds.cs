using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation.Model;

public sealed partial class CommandStream
{
    private Command One(StreamView view, Instant now) => _random.Next(1_000) switch
    {
        < 300 => Transfer(view.State, now),
        < 440 => new ReserveTransfer(Account(), Account(), Money(), Timeout(), Said(view.State), Named(now), Balance()),
        < 540 => Post(view.State),
        < 590 => new CancelTransfer(Reservation(view.State)),
        < 650 => new ImportTransfer(
            Account(), Account(), Money(), Chance(90) ? now : now.AddMicroseconds(1), Said(view.State), Named(now)),
        < 700 => new PostEntry(Legs(), Said(view.State), Named(now)),
        < 730 => new AdjustEntry(Legs(), "correction", Said(view.State), Named(now)),
        < 755 => Reverse(view),
        < 785 => Exchange(view, now),
        < 835 => Restraint(view.State, now),
        < 855 => new LiftRestraint(RestraintOf(view.State), "released"),
        < 885 => new Seize(RestraintOf(view.State), Account(), Money(), Said(view.State)),
        < 905 => new GrantOverdraft(Account(), Money()),
        < 925 => new SetLimits(Account(), (AccountFlags)_random.Next(Chance(90) ? 4 : 32)),
        < 940 => Open(),
        < 955 => Chance(50) ? new CloseAccount(Account(), "left") : new ReopenAccount(Account(), "back"),
        < 965 => new AddAsset(Account(), Asset()),
        < 970 => Chance(70) ? new RegisterAsset(Asset(), (byte)_random.Next(20), "coin") : Retire(),
        < 992 => Period(view.State),
        _ => new AdvanceClock(_random.Next(60) switch
        {
            0 => 0,
            1 => 315_360_001,
            < 4 => 86_400 * 3,
            _ => _random.Next(1, 900),
        }),
    };

    private MakeTransfer Transfer(ModelState state, Instant now) =>
        new(Chance(40) ? AccountId.Parse("bank:cash") : Account(), Account(), Money(), Said(state), Named(now),
            Balance());

    private PostTransfer Post(ModelState state)
    {
        var id = Reservation(state);
        StatedAmount? amount = null;
        if (state.Reservations.TryGetValue(id.Value, out var open) && Chance(70))
        {
            var part = Chance(40) ? open.Remaining + _random.Next(-1, 2) : open.Remaining / _random.Next(1, 5);
            var scale = state.Assets[open.Asset].Scale;
            amount = new(AssetCode.Parse(open.Asset), (Int128)part, (byte)scale);
        }
        else if (Chance(50))
        {
            amount = Money();
        }
        return new(id, amount, IsFinal: Chance(50), Said(state));
    }

    private ReverseEntry Reverse(StreamView view)
    {
        var (position, legs) = view.Posted.Count == 0 || Chance(5) ? (_random.Next(0, 100), []) : Any(view.Posted);
        return new(position, legs, "mistake", Said(view.State));
    }

    private ExchangeAssets Exchange(StreamView view, Instant now) => new(
        Account(), Money(), Money(), Chance(60) ? Money() with { Asset = AssetCode.Parse("EUR") } : null,
        Tag.Of(_random.Next(8) switch { 0 => "-x", 1 => "d.", < 5 => "fx", var n => $"desk{n}{_random.Next(200)}" }),
        Said(view.State), Named(now));

    private PlaceRestraint Restraint(ModelState state, Instant now)
    {
        var scope = (RestraintScope)(Chance(60) ? 4 : _random.Next(1, 4));
        StatedAmount? amount = scope == RestraintScope.Amount != Chance(3) ? Money() : null;
        StatedAmount? minimum = amount is { } held && Chance(50) ? Small(held.Asset) : null;
        if (minimum is not null && Chance(5)) minimum = Money();
        Instant? from = Chance(60) ? null : now.AddSeconds(_random.Next(-30, 120));
        Instant? until = Chance(20) ? null : now.AddSeconds(_random.Next(-5, 900));
        RestraintId? id = Chance(70) ? null : new((UInt128)(ulong)_random.Next(1, 40) * 1_000_003);
        if (Chance(5) && state.Restraints.Count > 0) id = RestraintOf(state);
        return new(id, Account(), Tag.Of("claim"), Tag.Of("court"), _random.Next(3), scope, amount, minimum, from,
            until, null);
    }

    private OpenAccount Open()
    {
        var flags = (AccountFlags)_random.Next(4) | (Chance(10) ? AccountFlags.AnyAsset : AccountFlags.None);
        if (Chance(3)) flags |= Chance(50) ? AccountFlags.System : AccountFlags.Closed;
        var any = flags.HasFlag(AccountFlags.AnyAsset) != Chance(3);
        var assets = Enumerable.Range(0, _random.Next(40) == 0 ? 65 : _random.Next(1, 3)).Select(_ => Asset());
        var name = Chance(70) ? $"cust:{_random.Next(12)}" : Chance(50) ? $"pos:x:{_random.Next(3)}" : Any(Names);
        return Opening(name, (AccountClass)_random.Next(1, 7), flags) with { Assets = any ? [] : [.. assets] };
    }

    private Command Period(ModelState state)
    {
        var date = state.Today.AddDays(_random.Next(8) switch
        {
            0 => 0,
            1 => 1,
            2 => -1,
            var n => -_random.Next(n * 60),
        });
        var ended = new BusinessDate(state.Today.Year - 1, 12, 31);
        return _random.Next(10) switch
        {
            < 3 => new ClosePeriodSoftly(Chance(50) ? ended : date),
            < 5 => new ReopenPeriod(Chance(50) ? state.ClosedSoftly : date),
            < 7 => new ClosePeriod(Chance(50) ? ended : date),
            _ => new CloseYear(state.Today.Year - _random.Next(4)),
        };
    }

    /// <summary>Mostly assets that little depends on, or the stream would run dry.</summary>
    private RetireAsset Retire() => new(Chance(5) ? Asset() : AssetCode.Parse(Chance(50) ? "CHF" : "KWD"));

    private AccountId Account() => AccountId.Parse(Chance(8) ? $"cust:{_random.Next(12)}" : Any(Names));

    private AssetCode Asset() => AssetCode.Parse(Any(Codes));

    /// <summary>Cents and thousands, and now and then what no ledger should swallow.</summary>
    private StatedAmount Money() => _random.Next(60) switch
    {
        0 => new(Asset(), 0, 0),
        1 => new(Asset(), -1, 2),
        2 => new(Asset(), Int128.MaxValue, 0),
        3 => new(Asset(), LedgerView.MaxTotal + _random.Next(-1, 2), (byte)_random.Next(4)),
        4 => new(Asset(), 1, 18),
        5 => new(Asset(), LedgerView.MaxTotal / 3, 2),
        < 7 => new(Asset(), _random.Next(1, 1_000_000), 3),
        < 14 => new(Asset(), _random.Next(1, 100), (byte)_random.Next(3)),
        _ => new(AssetCode.Parse(Chance(85) ? "EUR" : "USD"), _random.Next(1, 100_000), 2),
    };

    private StatedAmount Small(AssetCode asset) =>
        new(asset, _random.Next(0, 20_000), asset.ToString() == "JPY" ? (byte)0 : (byte)2);

    private int? Timeout() => _random.Next(20) switch
    {
        0 => null,
        1 => _random.Next(4) switch { 0 => 0, 1 => -1, 2 => 315_360_001, _ => 315_360_000 },
        _ => _random.Next(1, 300),
    };

    private Balancing Balance() => Chance(85) ? Balancing.Exact : (Balancing)_random.Next(1, 4);

    /// <summary>
    /// Mostly the command's own id names a posting; sometimes a name of its own, which may be taken or unfit.
    /// </summary>
    private TransferId? Named(Instant now)
    {
        var pick = _random.Next(100);
        if (pick >= 12) return null;
        if (pick == 0) return new(FreeText(_counter));
        if (pick < 4 && _recent.Count > 0) return new(Any(_recent).Envelope.Id.Value);
        return new(TimeOrdered(now, 0) ^ (1UL << 40 | (uint)_random.Next(1 << 20)));
    }

    private TransferId Reservation(ModelState state) => state.Reservations.IsEmpty || Chance(10)
        ? new(_recent.Count > 0 ? Any(_recent).Envelope.Id.Value : 1)
        : new(state.Reservations.Keys.Order().ElementAt(_random.Next(state.Reservations.Count)));

    private RestraintId RestraintOf(ModelState state) => state.Restraints.IsEmpty || Chance(5)
        ? new((UInt128)(ulong)_random.Next(1, 40) * 1_000_003)
        : new(state.Restraints.Keys.Order().ElementAt(_random.Next(state.Restraints.Count)));

    private Particulars Said(ModelState state)
    {
        if (Chance(80)) return Particulars.None;
        BusinessDate? booked = Chance(50) ? null : state.Today.AddDays(_random.Next(6) switch
        {
            0 => 1,
            1 => 0,
            2 => -400,
            _ => -_random.Next(40),
        });
        BusinessDate? value = Chance(30) ? null : state.Today.AddDays(_random.Next(8) switch
        {
            0 => 367,
            1 => 366,
            2 => -366,
            3 => -367,
            4 => 0,
            _ => _random.Next(-5, 10),
        });
        return new(Tag.Of("any"), "ref-1", BookedOn: booked, ValueOn: value);
    }

    /// <summary>Mostly balanced, sometimes not, sometimes across client property and own books.</summary>
    private ImmutableArray<StatedLeg> Legs()
    {
        var legs = ImmutableArray.CreateBuilder<StatedLeg>();
        var pairs = _random.Next(200) switch { 0 => 0, 1 => 128, 2 => 129, _ => _random.Next(1, 4) };
        var money = Money();
        for (var i = 0; i < pairs; i++)
        {
            if (pairs < 128) money = Chance(70) ? money : Money();
            legs.Add(new(Account(), Side.Debit, money));
            legs.Add(new(Account(), Side.Credit, Chance(97) ? money : Money()));
        }
        if (Chance(10) && legs.Count > 1) legs.Add(legs[0]);
        return legs.ToImmutable();
    }
}
