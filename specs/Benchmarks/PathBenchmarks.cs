using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Benchmarks;

/// <summary>Each step of the one path, one thread, no disk: where a transfer's nanoseconds go.</summary>
public static class PathBenchmarks
{
    private const int Block = 2_000, Blocks = 250;

    public static void Run()
    {
        var figures = new Figures("path");
        Measure(100, warmUp: true, figures);
        foreach (var accounts in new[] { 10_000, 1_000_000 }) Measure(accounts, warmUp: false, figures);
        figures.Print();
    }

    /// <summary>Block by block, as the engine works, so that nothing lives longer than it does there.</summary>
    private static void Measure(int accounts, bool warmUp, Figures figures)
    {
        var (bank, names) = Open(accounts);
        var (copy, _) = Open(accounts);
        var (execution, replay) = (new Execution(bank), new Execution(copy));
        execution.Resume(1);
        replay.Resume(1);
        var lines = new ArrayBufferWriter<byte>(Block * 400);
        using var json = new Utf8JsonWriter(lines, EventJson.Line);
        var (recorded, heads, ends) = (new Recorded[Block], new LineHead[Block], new int[Block]);
        var read = new (LineHead Head, Recorded Recorded)[Block];
        var random = new Random(1);
        long decide = 0, write = 0, parse = 0, apply = 0;
        for (var block = 0; block < Blocks; block++)
        {
            var commands = Enumerable.Range(0, Block).Select(_ => Transfer(random, names)).ToArray();
            var started = Stopwatch.GetTimestamp();
            for (var i = 0; i < Block; i++)
            {
                var number = (block * Block) + i;
                var id = new CommandId(Version | ((UInt128)1_700_000_000_000 << 80) | unchecked((ulong)number * 0x9E3779B97F4A7C15 >> 2));
                var ended = execution.Run(new(id, 0, (ulong)number), Now, commands[i], "transfer.make");
                if (ended.Ending != Ending.Accepted) throw new InvalidOperationException(ended.ToString());
                (heads[i], recorded[i]) = (new(ended.Position, Now, Bench, id, (ulong)number, 1, 1), execution.Events[0]);
            }
            decide += Lap(ref started);
            lines.ResetWrittenCount();
            for (var i = 0; i < Block; i++)
            {
                json.Reset();
                EventLine.Write(json, heads[i], recorded[i]);
                json.Flush();
                ends[i] = lines.WrittenCount;
            }
            write += Lap(ref started);
            for (var i = 0; i < Block; i++) read[i] = EventLine.Read(lines.WrittenSpan[(i == 0 ? 0 : ends[i - 1])..ends[i]]);
            parse += Lap(ref started);
            for (var i = 0; i < Block; i++) replay.Apply(EventLine.StampOf(read[i].Head, copy), read[i].Recorded.Event, read[i].Recorded.Legs);
            apply += Lap(ref started);
        }
        if (copy.Tables.Digest != bank.Tables.Digest) throw new InvalidOperationException("Replay differs.");
        if (warmUp) return;
        Say(figures, $"decide_{accounts}", decide);
        Say(figures, $"write_line_{accounts}", write);
        Say(figures, $"read_line_{accounts}", parse);
        Say(figures, $"apply_{accounts}", apply);
        figures.Add("line_bytes", lines.WrittenCount / (double)Block);
    }

    private static long Lap(ref long started)
    {
        var now = Stopwatch.GetTimestamp();
        var passed = now - started;
        started = now;
        return passed;
    }

    private static void Say(Figures figures, string name, long ticks)
    {
        var nanoseconds = ticks * 1e9 / Stopwatch.Frequency / (Block * Blocks);
        Figures.Say($"{name}: {nanoseconds:F0} ns");
        figures.Add(name + "_ns", nanoseconds);
    }

    private static readonly Tag Bench = Tag.Of("bench");
    private static readonly Instant Now = Instant.Parse("2023-11-15T00:00:00Z");
    private static readonly UInt128 Version = ((UInt128)7 << 76) | ((UInt128)2 << 62);
    private static readonly AssetCode Usd = AssetCode.Parse("USD");

    private static MakeTransfer Transfer(Random random, AccountId[] names)
    {
        var debit = random.Next(names.Length);
        var credit = (debit + 1 + random.Next(names.Length - 1)) % names.Length;
        return new(names[debit], names[credit], new(Usd, random.Next(1, 1_000), 2), Particulars.None);
    }

    private static (Bank Bank, AccountId[] Names) Open(int accounts)
    {
        var bank = new Bank();
        var today = new BusinessDate(2023, 11, 15);
        var genesis = new Genesis(Tag.Of("bench"), BookMode.Sandbox, "529900TESTBANK00TE42", Usd, Tag.Of("utc"), Tag.Of("daily"), Tag.Of("de"), 86_400, Genesis.DefaultIdMemory);
        bank.Evolve(1, 0, new BookEvent.Opened(genesis, today, [.. Iso4217.All.Select(c => c.Asset)]));
        bank.Evolve(1, 0, new Domain.Accounts.KeyEvent.Issued(Tag.Of("bench"), 0, 0, Scopes.All, null));
        var names = Enumerable.Range(0, accounts).Select(i => AccountId.Parse($"cust:{i:D8}")).ToArray();
        var asset = bank.Ledger.Tables.Assets.Find(Usd);
        foreach (var name in names)
        {
            bank.Evolve(1, 0, new AccountEvent.Opened(name, AccountClass.Liability, Tag.Of("2100"), default, AccountFlags.DebitsMustNotExceedCredits, [Usd]));
            var t = bank.Ledger.Tables;
            var row = t.FindBalance(t.Accounts.Find(name), asset);
            t.Balances.Update(row, t.Balances[row] with { CreditsPosted = 1_000_000_00 });
        }
        return (bank, names);
    }
}
