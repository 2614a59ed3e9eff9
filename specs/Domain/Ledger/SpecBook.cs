using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Domain.Ledger;

/// <summary>
/// A whole bank without threads, journal or clock: commands run at an instant that stands still until a spec moves it,
/// and every event is kept as the line that a journal would hold.
/// </summary>
public sealed class SpecBook
{
    public const int FirstKey = 0;

    public static readonly Instant Start = Instant.Parse("2026-03-10T12:00:00Z");

    private readonly List<byte[]> _lines = [];
    private UInt128 _nextId = 1;

    /// <param name="postings">Stands in for the bank's own; null: the bank's own.</param>
    public SpecBook(Func<Bank, Command, Event, List<Leg>, bool>? postings = null, int idMemory = 100_000)
    {
        Bank = new();
        Execution = new(Bank, (command, @event, legs) =>
            postings is null ? Bank.Post(command, @event, legs) : postings(Bank, command, @event, legs))
        { Admit = Keep };
        Engine(new OpenBook(Words.Genesis with { IdMemory = idMemory }, BusinessDate.Parse("2026-03-10")));
        Engine(new IssueKey(Tag.Of("head"), 1, 2, Scopes.All, null));
    }

    public Bank Bank { get; }
    public Execution Execution { get; }
    public Instant Now { get; private set; } = Start;
    public BusinessDate Today => Bank.Book.Day.Today;
    public IReadOnlyList<byte[]> Lines => _lines;
    public UInt128 Digest => Bank.Tables.Digest;

    /// <summary>A UUIDv7 of the book's instant, never the same twice.</summary>
    public CommandId NextId() => new(Words.TimeOrdered(Now, _nextId++));

    /// <summary>Sends a command as a key does. Its content differs from all others unless a print is given.</summary>
    public Ended Send(
        Command command, CommandId? id = null, int caller = FirstKey, UInt128? print = null, Proof? proof = null)
    {
        var named = id ?? NextId();
        return Execution.Run(new(named, caller, print ?? named.Value, proof), Now, command, command.GetType().Name);
    }

    public Ended Engine(Command command)
    {
        var ended = Execution.Run(new(default, Envelope.Engine, 0), Now, command, command.GetType().Name);
        if (ended.Fault is not null) throw new InvalidOperationException("The engine's own command failed.", ended.Fault);
        return ended;
    }

    /// <summary>Moves the instant; whatever is due by then happens, in its order.</summary>
    public void MoveTo(Instant instant)
    {
        Now = instant;
        while (Bank.Due(Now) is { } due) Engine(due).Ending.Should().Be(Ending.Accepted);
    }

    /// <summary>Moves the instant and leaves what is due undone, as a busy writer would.</summary>
    public void StandAt(Instant instant) => Now = instant;

    public BalanceRow BalanceOf(string account, string asset = "EUR")
    {
        var row = RowOf(account, asset);
        return row < 0 ? default : Bank.Ledger.Tables.Balances[row];
    }

    public Int128 AvailableOf(string account, string asset = "EUR")
    {
        var row = RowOf(account, asset);
        var at = new Moment(Now, Today, Execution.Position + 1, default, Scopes.None);
        return row < 0 ? 0 : Bank.Ledger.Available(Bank.Ledger.Tables.Balances[row], row, at);
    }

    public Int128 NotYetOf(string account, string asset = "EUR")
    {
        var row = RowOf(account, asset);
        return row < 0 ? 0 : Bank.Ledger.NotYetValue(Bank.Ledger.Tables.Balances[row], row, Today);
    }

    /// <summary>Every table's digest but those that remember commands.</summary>
    public Dictionary<string, UInt128> DigestsButMemory() => Bank.Tables.All
        .Where(t => !t.Name.StartsWith("kernel.command_memory", StringComparison.Ordinal))
        .ToDictionary(t => t.Name, t => t.DigestOfRows());

    /// <summary>Reads all lines into a bank that cannot decide or post, and compares.</summary>
    public void ShouldReplay()
    {
        var bank = new Bank(seed: 7);
        var replay = new Execution(bank, static (_, _, _) => throw new InvalidOperationException("Replay posts nothing."));
        foreach (var line in _lines)
        {
            var (head, recorded) = EventLine.Read(line);
            replay.Apply(EventLine.StampOf(head, bank), recorded.Event, recorded.Legs);
        }
        bank.Tables.Digest.Should().Be(Digest, "replay gives the live state");
        Bank.Tables.DigestOfRows().Should().Be(Digest, "the running digest is that of the rows");
        RowsOf(bank).Should().Equal(RowsOf(Bank), "replay gives every row its number");
    }

    /// <summary>Posted debits less credits are zero per asset, the bank's own and client property apart.</summary>
    public void ShouldBalance()
    {
        var t = Bank.Ledger.Tables;
        var sums = new Dictionary<(int, bool), Int128>();
        foreach (var row in t.Balances)
        {
            ref readonly var b = ref t.Balances[row];
            var key = (b.Asset, t.Accounts[b.Account].Class == AccountClass.Memorandum);
            sums[key] = sums.GetValueOrDefault(key) + b.DebitsPosted - b.CreditsPosted;
        }
        sums.Values.Should().OnlyContain(sum => sum == 0, "every asset sums to zero");
    }

    private int RowOf(string account, string asset)
    {
        var t = Bank.Ledger.Tables;
        return t.FindBalance(t.Accounts.Find(AccountId.Parse(account)), t.Assets.Find(AssetCode.Parse(asset)));
    }

    private static List<string> RowsOf(Bank bank)
    {
        var t = bank.Ledger.Tables;
        var rows = new List<string>();
        foreach (var row in t.Balances) rows.Add($"balance {row} {t.Balances[row]}");
        foreach (var row in t.Accounts) rows.Add($"account {row} {t.Accounts[row].Id}");
        foreach (var row in t.Reservations) rows.Add($"reservation {row} {t.Reservations[row].Id}");
        foreach (var row in t.Restraints) rows.Add($"restraint {row} {t.Restraints[row].Id} {t.Restraints[row].Captured}");
        foreach (var row in bank.Parties.Rows) rows.Add($"party {row} {bank.Parties.Rows[row]}");
        foreach (var row in bank.Parties.Roles) rows.Add($"role {row} {bank.Parties.Roles[row]}");
        foreach (var row in bank.Identifiers.Rows) rows.Add($"identifier {row} {bank.Identifiers.Rows[row]}");
        foreach (var row in bank.Wallets.Rows) rows.Add($"wallet {row} {bank.Wallets.Rows[row]}");
        foreach (var row in bank.SpendingLimits.Rows) rows.Add($"limit {row} {bank.SpendingLimits.Rows[row].Key}");
        foreach (var row in bank.SpendingLimits.Windows.Rows) rows.Add($"spent {row} {bank.SpendingLimits.Windows.Rows[row]}");
        foreach (var row in bank.Recovery.Rows) rows.Add($"recovery {row} {bank.Recovery.Rows[row].Account}");
        foreach (var row in bank.Keys.Rows) rows.Add($"key {row} {bank.Keys.Rows[row].Id}");
        return rows;
    }

    private Rejection? Keep(Envelope envelope, long first, IReadOnlyList<Recorded> events)
    {
        var by = Bank.CallerName(envelope.Caller);
        for (var i = 0; i < events.Count; i++)
        {
            using var buffer = new MemoryStream();
            using (var to = new Utf8JsonWriter(buffer, EventJson.Line))
            {
                var print = i == 0 ? envelope.Fingerprint : default;
                var auth = i == 0 ? envelope.Proof?.Evidence : null;
                EventLine.Write(to, new(first + i, Now, by, envelope.Id, print, i + 1, events.Count, auth), events[i]);
            }
            _lines.Add(buffer.ToArray());
        }
        return null;
    }
}
