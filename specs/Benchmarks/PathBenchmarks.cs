using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Benchmarks;

/// <summary>Processor time of each step of the one path, one thread, no disk: where a transfer's nanoseconds go.</summary>
public static class PathBenchmarks
{
    private const int Commands = 500_000;

    public static void Run()
    {
        var figures = new Figures("path");
        foreach (var accounts in new[] { 10_000, 1_000_000 })
        {
            var (bank, names) = Open(accounts);
            var execution = new Execution(bank);
            execution.Resume(1);
            var lines = new ArrayBufferWriter<byte>(Commands * 400);
            using var json = new Utf8JsonWriter(lines, EventJson.Line);
            var recorded = new Recorded[Commands];
            var random = new Random(1);
            var commands = Enumerable.Range(0, Commands).Select(_ => Transfer(random, names)).ToArray();
            var usual = (CommandId)default;
            Say(figures, $"decide_{accounts}", () =>
            {
                for (var i = 0; i < Commands; i++)
                {
                    usual = new(Version | ((UInt128)1_700_000_000_000 << 80) | unchecked((ulong)i * 0x9E3779B97F4A7C15 >> 2));
                    var ended = execution.Run(new(usual, 0, (ulong)i), Now, commands[i], "transfer.make");
                    if (ended.Ending != Ending.Accepted) throw new InvalidOperationException(ended.ToString());
                    recorded[i] = execution.Events[0];
                }
            });
            Say(figures, $"write_line_{accounts}", () =>
            {
                for (var i = 0; i < Commands; i++)
                {
                    json.Reset();
                    EventLine.Write(json, new(i + 2, Now, Tag.Of("bench"), usual, 1, 1, 1), recorded[i]);
                    json.Flush();
                }
            });
            var length = lines.WrittenCount / Commands;
            var read = new (LineHead, Recorded)[Commands];
            Say(figures, $"read_line_{accounts}", () =>
            {
                var rest = lines.WrittenSpan;
                for (var i = 0; i < Commands; i++)
                {
                    var end = rest.IndexOf("}{\"position\""u8) is var found and >= 0 ? found + 1 : rest.Length;
                    read[i] = EventLine.Read(rest[..end]);
                    rest = rest[end..];
                }
            });
            var (again, _) = Open(accounts);
            var replay = new Execution(again);
            replay.Resume(1);
            Say(figures, $"apply_{accounts}", () =>
            {
                for (var i = 0; i < Commands; i++)
                {
                    var (head, what) = read[i];
                    replay.Apply(new(head.Position, head.At, new(new(recorded[i].Event is TransferEvent.Made m ? m.Id.Value : default), 0, (ulong)i), 1, 1), what.Event, what.Legs);
                }
            });
            if (again.Tables.Digest != bank.Tables.Digest) throw new InvalidOperationException("Replay differs.");
            figures.Add($"line_bytes_{accounts}", length);
        }
        figures.Print();
    }

    private static readonly Instant Now = Instant.Parse("2023-11-15T00:00:00Z");
    private static readonly UInt128 Version = ((UInt128)7 << 76) | ((UInt128)2 << 62);
    private static readonly AssetCode Usd = AssetCode.Parse("USD");

    private static void Say(Figures figures, string name, Action work)
    {
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        work();
        var nanoseconds = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalNanoseconds / Commands;
        Figures.Say($"{name}: {nanoseconds:F0} ns");
        figures.Add(name, nanoseconds);
    }

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
