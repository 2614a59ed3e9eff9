using System.Diagnostics;
using System.Text;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Api;

namespace BankingEngine.Host.Cli;

/// <summary>What an import did, told by the journal alone: the first run and a repeat read the same.</summary>
internal sealed class ImportTally
{
    public int Rows { get; set; }

    /// <summary>Rows that the book had taken before: nothing happened a second time.</summary>
    public int Repeated { get; set; }

    public int AccountsOpened { get; set; }
    public int Openings { get; set; }
    public int Transfers { get; set; }
    public Int128 OpenedWith { get; set; }
    public Int128 Transferred { get; set; }

    /// <summary>
    /// Transfers that a limit would have refused had they been asked for instead of booked after the fact.
    /// </summary>
    public int BeyondLimits { get; set; }

    /// <summary>Transfers of which a leg went to suspense or blocked funds instead.</summary>
    public int Diverted { get; set; }

    public List<(ImportItem Item, string Code)> Refused { get; } = [];
}

/// <summary>
/// Sends a source's commands in blocks, each under an id made of the file's hash and the line, so that a second run
/// finds every one of them remembered; then reads in the journal what became of them.
/// </summary>
internal sealed class ImportRun(BookEngine engine, Caller caller, string terms, IProgress<long>? progress)
{
    /// <summary>Commands answered together.</summary>
    public const int BlockCommands = 1_000;

    /// <summary>Blocks on their way at once: one being decided, one being made durable, and no pause between.</summary>
    private const int BlocksAhead = 4;

    private readonly Queue<(List<ImportItem> Items, Task<Answer[]> Answers)> _ahead = new();
    private readonly Dictionary<long, ImportItem> _byPosition = [];

    public ImportTally Tally { get; } = new();

    /// <summary>Time spent sending, reading the outcome not included.</summary>
    public TimeSpan Sending { get; private set; }

    /// <summary>Sends items and tallies their outcome; in order, all of them durable at the end.</summary>
    public async Task SendAsync(IEnumerable<ImportItem> items)
    {
        var started = Stopwatch.GetTimestamp();
        foreach (var block in items.Chunk(BlockCommands))
        {
            if (_ahead.Count == BlocksAhead) await TakeAsync().ConfigureAwait(false);
            Send(block);
        }
        while (_ahead.Count > 0) await TakeAsync().ConfigureAwait(false);
        Sending += Stopwatch.GetElapsedTime(started);
        TallyFromJournal();
    }

    private void Send(ImportItem[] block)
    {
        var items = new List<ImportItem>(block.Length);
        var commands = new List<(Envelope, Command, string)>(block.Length);
        foreach (var item in block)
        {
            if (item.Command is null)
            {
                Tally.Rows++;
                Tally.Refused.Add((item, item.Malformed!));
                continue;
            }
            items.Add(item);
            var named = item.Command is ImportTransfer ? "transfer.import" : "account.import";
            commands.Add((new(IdOf(item), caller.Number, PrintOf(item)), item.Command, named));
        }
        if (items.Count > 0) _ahead.Enqueue((items, engine.SendAsync(commands)));
    }

    private async Task TakeAsync()
    {
        var (items, sent) = _ahead.Dequeue();
        var answers = await sent.ConfigureAwait(false);
        for (var i = 0; i < answers.Length; i++)
        {
            var ended = answers[i].Ended;
            Tally.Rows++;
            if (ended.Ending == Ending.Repeated) Tally.Repeated++;
            if (ended.Ending == Ending.NotTaken) Tally.Refused.Add((items[i], ended.Rejection!.Code));
            for (var part = 0; part < ended.Parts; part++) _byPosition[ended.Position + part] = items[i];
        }
        progress?.Report(Tally.Rows);
    }

    private void TallyFromJournal()
    {
        if (_byPosition.Count == 0) return;
        using var reader = engine.Journal.Read(_byPosition.Keys.Min());
        while (_byPosition.Count > 0 && reader.MoveNext())
        {
            var block = reader.Current;
            for (var i = 0; i < block.Events; i++)
            {
                if (_byPosition.Remove(block.FirstPosition + i, out var item))
                    Count(item, EventLine.Read(block.Line(i)).Recorded);
            }
        }
    }

    private void Count(ImportItem item, in Recorded recorded)
    {
        switch (recorded.Event)
        {
            case CommandEvent.Refused no: Tally.Refused.Add((item, no.Code)); break;
            case CommandEvent.Faulted: Tally.Refused.Add((item, "engine.fault")); break;
            case AccountEvent.Opened: Tally.AccountsOpened++; break;
            case TransferEvent.Imported moved when moved.Particulars.Code == AmlSimSource.Opening:
                Tally.Openings++;
                Tally.OpenedWith += moved.Amount.Minor;
                break;
            case TransferEvent.Imported moved:
                Tally.Transfers++;
                Tally.Transferred += moved.Amount.Minor;
                if (recorded.Legs.Any(leg => leg.Because is not null && leg.Intended.IsNone)) Tally.BeyondLimits++;
                if (recorded.Legs.Any(leg => !leg.Intended.IsNone)) Tally.Diverted++;
                break;
            default: throw new UnreachableException(recorded.Event.GetType().Name);
        }
    }

    /// <summary>The id that a channel's key of <c>import:&lt;file hash&gt;:&lt;line&gt;</c> has.</summary>
    private CommandId IdOf(in ImportItem item) =>
        CommandIds.TryRead($"import:{Convert.ToHexStringLower(item.File.Hash)}:{item.Line}", caller, out var id)
            ? id
            : throw new UnreachableException("The key is 128 printable characters at most.");

    /// <summary>
    /// The line's text is named by its file's hash; what else makes it the same command are the terms.
    /// </summary>
    private UInt128 PrintOf(in ImportItem item) =>
        Hash128.Of((ulong)item.Line, Encoding.ASCII.GetBytes($"{Convert.ToHexStringLower(item.File.Hash)}|{terms}"));
}
