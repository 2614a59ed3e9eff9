using System.Diagnostics;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Domain.Ledger.BookRejections;

namespace BankingEngine.Domain.Ledger;

/// <summary>The book's moving dates.</summary>
/// <param name="NextCutOff">When the business date ends.</param>
/// <param name="ClosingYear">The year whose close is under way; 0 when none is.</param>
/// <param name="ClockOffset">
/// Microseconds by which a sandbox clock was advanced, or an accepted step taken back.
/// </param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct DayRow(
    Instant NextCutOff, long ClockOffset, BusinessDate Today, BusinessDate ClosedSoftlyThrough,
    BusinessDate ClosedThrough, int ClosedYear, int ClosingYear, int Filler) : IRow<DayRow, int>
{
    public int Key => 0;
}

public readonly record struct GenesisRow(Genesis Genesis) : IRow<GenesisRow, int>
{
    public int Key => 0;

    public static void Write(in GenesisRow row, ref RowWriter to)
    {
        var g = row.Genesis;
        to.Value(new Fixed(g.Name, g.Zone, g.Calendar, g.Jurisdiction, g.Functional, (int)g.Mode, g.CutOffSeconds,
            g.IdMemory, 0));
        to.Text(g.Entity);
    }

    public static GenesisRow Read(ref RowReader from)
    {
        var f = from.Value<Fixed>();
        return new(new(f.Name, (BookMode)f.Mode, from.Text(), f.Functional, f.Zone, f.Calendar, f.Jurisdiction,
            f.CutOff, f.IdMemory));
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Fixed(
        Tag Name, Tag Zone, Tag Calendar, Tag Jurisdiction, AssetCode Functional, int Mode, int CutOff, int IdMemory,
        int Filler);
}

/// <summary>A key that checkpoints were signed with from an event on.</summary>
/// <param name="Position">Of the announcement.</param>
public readonly record struct CheckpointKeyRow(long Position, BookEvent.CheckpointKeyAnnounced Announced)
    : IRow<CheckpointKeyRow, long>
{
    public long Key => Position;

    public static void Write(in CheckpointKeyRow row, ref RowWriter to)
    {
        to.Value(row.Position);
        to.Text(row.Announced.Name);
        to.Text(row.Announced.PublicKey);
    }

    public static CheckpointKeyRow Read(ref RowReader from) => new(from.Value<long>(), new(from.Text(), from.Text()));
}

/// <summary>Who leads the book, where several hosts may.</summary>
/// <param name="Term">0 where nobody ever had to.</param>
/// <param name="Position">Of the term's first event.</param>
public readonly record struct TermRow(long Term, long Position, string Leader) : IRow<TermRow, int>
{
    public const int MaxLeader = 64;

    public int Key => 0;

    public static void Write(in TermRow row, ref RowWriter to)
    {
        to.Value(row.Term);
        to.Value(row.Position);
        to.Text(row.Leader);
    }

    public static TermRow Read(ref RowReader from) => new(from.Value<long>(), from.Value<long>(), from.Text());
}

/// <summary>What the book is, and where it stands in time.</summary>
public sealed class BookTables
{
    private readonly Table<int, GenesisRow> _genesis;
    private readonly Table<int, DayRow> _day;
    private readonly Table<int, TermRow> _term;

    public BookTables(Tables tables)
    {
        _genesis = new(tables, "book.genesis");
        _day = new(tables, "book.day");
        References = new(tables);
        CheckpointKeys = new(tables, "book.checkpoint_keys");
        _term = new(tables, "book.term");
    }

    public References References { get; }

    /// <summary>In order of announcing; rows are never deleted, the last is the one in use.</summary>
    public Table<long, CheckpointKeyRow> CheckpointKeys { get; }

    public bool IsOpen => _genesis.Count > 0;

    public Genesis Genesis => _genesis[0].Genesis;

    public DayRow Day => _day[0];

    /// <summary>The term under way; term 0 on a journal that one host alone reaches.</summary>
    public TermRow Term => _term.Count > 0 ? _term[0] : new(0, 0, "");

    /// <summary>48 bits that tell ids of this book from those of another.</summary>
    public ulong Hash { get; private set; }

    public void Open(Genesis genesis, DayRow day)
    {
        _genesis.Insert(new(genesis));
        _day.Insert(day);
        Restored();
    }

    /// <summary>To be called when the tables were loaded from a snapshot: derived values are not stored.</summary>
    public void Restored() =>
        Hash = IsOpen ? Hash128.Hash64(System.Text.Encoding.ASCII.GetBytes(Genesis.Name.ToString()), 0) : 0;

    public void Move(DayRow day) => _day.Update(0, day);

    public void Lead(TermRow term)
    {
        if (_term.Count == 0) _term.Insert(term);
        else _term.Update(0, term);
    }
}

/// <summary>What timers are for, as a parked one names it.</summary>
public static class TimerKinds
{
    public const string Reservation = "reservation", Restraint = "restraint", Day = "day", Year = "year",
        Wallet = "wallet", Proposal = "proposal", Review = "review";
}

/// <summary>The book's genesis, business date and periods.</summary>
public static class Books
{
    public const long MaxClockSeconds = 315_360_000;

    /// <summary>A sandbox clock goes no further, so that timeouts and dates stay inside the calendar.</summary>
    public static readonly Instant LastSandboxInstant = Instant.Parse("9900-01-01T00:00:00Z");

    /// <summary>
    /// Income and expense balances carried by one event of a year's close: 128 balances are 256 legs.
    /// </summary>
    public const int CarriedAtOnce = 128;

    public static Decision Decide(BookTables book, OpenBook c)
    {
        if (book.IsOpen) return AlreadyOpen;
        if (!Iso4217.TryGet(c.Genesis.Functional, out _)) return FunctionalUnknown;
        if (c.Genesis.Entity.Length != 20 || c.Genesis.CutOffSeconds is < 1 or > 86_400
            || c.Genesis.IdMemory < Genesis.MinIdMemory)
            return GenesisMalformed;
        var opened = new BookEvent.Opened(c.Genesis, c.Today, [.. Iso4217.All.Select(currency => currency.Asset)]);
        return Decision.Accept(opened).Then(
            Own(SystemAccounts.Suspense, AccountClass.Liability, "2900"),
            Own(SystemAccounts.BlockedFunds, AccountClass.Liability, "2910"),
            Own(SystemAccounts.RetainedEarnings, AccountClass.Equity, "3200"),
            Own(SystemAccounts.Migration, AccountClass.Asset, "1990"),
            Own(SystemAccounts.ClientSuspense, AccountClass.Memorandum, "9900"));
    }

    public static Decision Decide(LedgerView ledger, in Moment at, AdvanceDay _)
    {
        var day = ledger.Book.Day;
        if (at.Now < day.NextCutOff) return NotDue;
        var next = Calendar(ledger.Book, day.Today).Next(day.Today);
        return new BookEvent.DayAdvanced(day.Today, next, CutOffOf(ledger.Book, next));
    }

    public static Decision Decide(LedgerView ledger, in Moment at, ClosePeriodSoftly c)
    {
        if (c.Through >= at.Today) return InFuture;
        return c.Through <= ledger.Book.Day.ClosedSoftlyThrough
            ? AlreadyClosed : new BookEvent.PeriodClosedSoftly(c.Through);
    }

    public static Decision Decide(LedgerView ledger, ReopenPeriod c)
    {
        var day = ledger.Book.Day;
        if (c.Through <= day.ClosedThrough) return AlreadyClosed;
        return c.Through > day.ClosedSoftlyThrough ? NotClosedSoftly : new BookEvent.PeriodReopened(c.Through);
    }

    public static Decision Decide(LedgerView ledger, ClosePeriod c)
    {
        var day = ledger.Book.Day;
        if (c.Through <= day.ClosedThrough) return AlreadyClosed;
        if (c.Through > day.ClosedSoftlyThrough) return NotClosedSoftly;
        if (NextYear(ledger.Tables, 0) is { } first && new BusinessDate(first, 12, 31) <= c.Through)
            return YearNotClosed;
        return new BookEvent.PeriodClosed(c.Through);
    }

    public static Decision Decide(LedgerView ledger, in Moment at, CloseYear c)
    {
        var day = ledger.Book.Day;
        if (c.Year < BusinessDate.FirstYear) return YearAlreadyClosed;
        // What was adjusted into a closed year is carried by closing it again, or its period could never close.
        if (c.Year <= day.ClosedYear && DueOf(ledger.Tables, c.Year).Count == 0) return YearAlreadyClosed;
        if (c.Year >= at.Today.Year) return InFuture;
        var end = new BusinessDate(c.Year, 12, 31);
        if (end > day.ClosedSoftlyThrough) return YearOpen;
        if (end <= day.ClosedThrough) return AlreadyClosed;
        return day.ClosingYear != 0 ? YearIsClosing : new BookEvent.YearClosing(c.Year);
    }

    public static Decision Decide(LedgerView ledger, CarryYear c) => DueOf(ledger.Tables, c.Year).Count == 0
        ? new BookEvent.YearClosed(c.Year)
        : new EntryEvent.YearCarried(c.Year, new(c.Year, 12, 31));

    public static Decision Decide(BookTables book, AnnounceCheckpointKey c)
    {
        var announced = new BookEvent.CheckpointKeyAnnounced(c.Name, c.PublicKey);
        var count = book.CheckpointKeys.Count;
        return count > 0 && book.CheckpointKeys[count - 1].Announced == announced ? [] : announced;
    }

    public static Decision Decide(BookTables book, TakeLead c) =>
        c.Leader.Length is < 1 or > TermRow.MaxLeader || !c.Leader.All(letter => letter is >= ' ' and <= '~')
            ? LeaderMalformed
            : new BookEvent.Led(book.Term.Term + 1, c.Leader);

    /// <summary>The engine has seen to it that this is the step it holds the book for.</summary>
    public static Decision Decide(AcceptClock c) =>
        c.StepMicroseconds is < -MaxClockSeconds * Instant.MicrosecondsPerSecond
            or > MaxClockSeconds * Instant.MicrosecondsPerSecond
            ? ClockStep
            : new BookEvent.ClockAccepted(c.StepMicroseconds);

    public static Decision Decide(BookTables book, in Moment at, AdvanceClock c)
    {
        if (book.Genesis.Mode != BookMode.Sandbox) return NotSandbox;
        if (c.Seconds is < 1 or > MaxClockSeconds) return ClockStep;
        return at.Now.AddSeconds(c.Seconds) > LastSandboxInstant ? ClockStep : new BookEvent.ClockAdvanced(c.Seconds);
    }

    /// <summary>
    /// The postings of a year's close: each balance's income or expense of that year, to retained earnings.
    /// </summary>
    public static void Post(LedgerView ledger, EntryEvent.YearCarried e, List<Leg> legs)
    {
        foreach (var (account, amount) in DueOf(ledger.Tables, e.Year))
        {
            var gained = amount.Minor > 0;
            var size = amount with { Minor = Int128.Abs(amount.Minor) };
            legs.Add(new(account, gained ? Side.Debit : Side.Credit, size));
            legs.Add(new(SystemAccounts.RetainedEarnings, gained ? Side.Credit : Side.Debit, size));
        }
    }

    public static void Evolve(BookTables book, LedgerTables t, long position, BookEvent @event)
    {
        switch (@event)
        {
            case BookEvent.Opened e: Open(book, t, e); break;
            case BookEvent.DayAdvanced e:
                book.Move(book.Day with { Today = e.Today, NextCutOff = e.NextCutOff });
                break;
            case BookEvent.PeriodClosedSoftly e: book.Move(book.Day with { ClosedSoftlyThrough = e.Through }); break;
            case BookEvent.PeriodReopened e:
                book.Move(book.Day with { ClosedSoftlyThrough = e.Through.AddDays(-1) });
                break;
            case BookEvent.PeriodClosed e: book.Move(book.Day with { ClosedThrough = e.Through }); break;
            case BookEvent.YearClosing e: book.Move(book.Day with { ClosingYear = e.Year }); break;
            case BookEvent.YearClosed e:
                book.Move(book.Day with { ClosedYear = int.Max(book.Day.ClosedYear, e.Year), ClosingYear = 0 });
                break;
            case BookEvent.ClockAdvanced e:
                var offset = book.Day.ClockOffset + e.Seconds * Instant.MicrosecondsPerSecond;
                book.Move(book.Day with { ClockOffset = offset });
                break;
            case BookEvent.ClockAccepted e:
                // Time that was given out cannot be taken back: the book runs ahead of the machine from now on.
                book.Move(book.Day with { ClockOffset = book.Day.ClockOffset - long.Min(0, e.StepMicroseconds) });
                break;
            case BookEvent.CheckpointKeyAnnounced e: book.CheckpointKeys.Insert(new(position, e)); break;
            case BookEvent.TimerParked e: Park(book, t, e); break;
            case BookEvent.Led e: book.Lead(new(e.Term, position, e.Leader)); break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    /// <summary>The home calendar; before one is published every day is a business day.</summary>
    public static BusinessCalendar Calendar(BookTables book, BusinessDate date) =>
        book.References.InForce(book.Genesis.Calendar, date)?.Content is ReferenceContent.Calendar c
            ? new(book.Genesis.Calendar.ToString(), [.. c.Weekend.Select(d => (Weekday)d)], c.Holidays)
            : new(book.Genesis.Calendar.ToString(), [], []);

    /// <summary>When a business date ends, in the home zone; before a zone is published, in UTC.</summary>
    public static Instant CutOffOf(BookTables book, BusinessDate date)
    {
        var zone = book.References.InForce(book.Genesis.Zone, date)?.Content is ReferenceContent.Zone z
            ? new ZoneRule(book.Genesis.Zone.ToString(), z.Transitions)
            : new ZoneRule("utc", [new(Instant.First, 0)]);
        var seconds = book.Genesis.CutOffSeconds;
        return seconds == 86_400 ? zone.InstantOf(date.AddDays(1), 0) : zone.InstantOf(date, seconds);
    }

    /// <summary>A home zone or calendar that comes into force moves the end of the business date.</summary>
    public static void Follow(BookTables book, ReferenceEvent.Published e)
    {
        if (!book.IsOpen || (e.Name != book.Genesis.Zone && e.Name != book.Genesis.Calendar)) return;
        book.Move(book.Day with { NextCutOff = CutOffOf(book, book.Day.Today) });
    }

    /// <summary>Whether some year that is not closed has income or expense on this balance.</summary>
    public static bool StandsInYear(LedgerTables t, int balance)
    {
        var year = 0;
        while (NextYear(t, year) is { } next)
        {
            if (t.Years.Find(new(next, balance)) >= 0) return true;
            year = next + 1;
        }
        return false;
    }

    private static int? NextYear(LedgerTables t, int year)
    {
        foreach (var (key, _) in t.YearsInOrder.From(new(year, 0))) return key.Year;
        return null;
    }

    private static OpenAccount Own(AccountId id, AccountClass @class, string chart) =>
        new(id, @class, Tag.Of(chart), default, AccountFlags.AnyAsset | AccountFlags.System, []);

    private static List<(AccountId Account, Amount Amount)> DueOf(LedgerTables t, int year)
    {
        var due = new List<(AccountId, Amount)>();
        foreach (var (key, row) in t.YearsInOrder.From(new(year, 0)))
        {
            if (key.Year != year || due.Count == CarriedAtOnce) break;
            ref readonly var balance = ref t.Balances[key.Balance];
            due.Add((t.Accounts[balance.Account].Id, new(t.Years[row].Net, t.Assets[balance.Asset].Asset)));
        }
        return due;
    }

    private static void Open(BookTables book, LedgerTables t, BookEvent.Opened e)
    {
        foreach (var asset in e.Assets) t.Assets.Insert(new(asset.Code, asset.Scale, 0, 0));
        book.Open(e.Genesis, new(Instant.First, 0, e.Today, BusinessDate.First, BusinessDate.First, 0, 0, 0));
        book.Move(book.Day with { NextCutOff = CutOffOf(book, e.Today) });
    }

    /// <summary>A parked timer is due no more; what it was for waits for a person.</summary>
    private static void Park(BookTables book, LedgerTables t, BookEvent.TimerParked e)
    {
        switch (e.Kind)
        {
            case TimerKinds.Reservation when t.Reservations.Find(TransferId.Parse(e.Row)) is var row and >= 0:
                t.Reservations.Update(row, t.Reservations[row] with { Parked = 1 });
                break;
            case TimerKinds.Restraint when t.Restraints.Find(new(TransferId.Parse(e.Row).Value)) is var row and >= 0:
                t.Restraints.Update(row, t.Restraints[row] with { Parked = true });
                break;
            case TimerKinds.Year: book.Move(book.Day with { ClosingYear = 0 }); break;
            case TimerKinds.Day: book.Move(book.Day with { NextCutOff = Instant.Last }); break;
            default: break;
        }
    }
}
