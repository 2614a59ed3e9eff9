using System.Diagnostics;
using System.Globalization;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Benchmarks;

/// <summary>The engine in process, every command durable: bulk, single callers, one hot account, many accounts.</summary>
public static class EngineBenchmarks
{
    private const int BatchSize = 1_000;

    public static void Run()
    {
        var figures = new Figures("engine");
        foreach (var accounts in new[] { 10_000, 1_000_000 })
        {
            using var book = BenchmarkBook.Create(accounts);
            Bulk(book, accounts, warmUp: true, seconds: 3);
            figures.Add($"bulk_{accounts}", Bulk(book, accounts, warmUp: false, seconds: 8));
            figures.Add($"bulk_hot_{accounts}", Bulk(book, 2, warmUp: false, seconds: 4));
            figures.Add($"callers_256_{accounts}", Callers(book, accounts, 256, seconds: 6));
        }
        figures.Print();
    }

    /// <summary>Batches of 1,000 from two callers, so that one is decided while the other flushes.</summary>
    public static double Bulk(BenchmarkBook book, int accounts, bool warmUp, int seconds)
    {
        var done = 0L;
        var clock = Stopwatch.StartNew();
        Task Caller(int seed) => Task.Run(async () =>
        {
            var random = new Random(seed);
            while (clock.Elapsed.TotalSeconds < seconds)
            {
                var batch = new (Envelope, Command, string)[BatchSize];
                for (var i = 0; i < batch.Length; i++) batch[i] = (book.NewEnvelope(), book.Transfer(random, accounts), "transfer.make");
                var answers = await book.Engine.SendAsync(batch).ConfigureAwait(false);
                foreach (var answer in answers)
                {
                    if (answer.Ended.Ending != Ending.Accepted) throw new InvalidOperationException(answer.Ended.ToString());
                }
                Interlocked.Add(ref done, batch.Length);
            }
        });
        Task.WaitAll(Caller(1), Caller(2), Caller(3));
        var rate = done / clock.Elapsed.TotalSeconds;
        if (!warmUp) Figures.Say($"bulk, {accounts} accounts: {rate:N0} transfers/s");
        return rate;
    }

    public static double Callers(BenchmarkBook book, int accounts, int callers, int seconds)
    {
        var clock = Stopwatch.StartNew();
        var latencies = new List<double>[callers];
        Task.WaitAll([.. Enumerable.Range(0, callers).Select(n => Task.Run(async () =>
        {
            var random = new Random(n);
            var mine = latencies[n] = [];
            while (clock.Elapsed.TotalSeconds < seconds)
            {
                var started = Stopwatch.GetTimestamp();
                await book.Engine.SendAsync(book.NewEnvelope(), book.Transfer(random, accounts), "transfer.make").ConfigureAwait(false);
                mine.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }))]);
        var all = latencies.SelectMany(l => l).Order().ToArray();
        var rate = all.Length / clock.Elapsed.TotalSeconds;
        Figures.Say($"{callers} callers, {accounts} accounts: {rate:N0}/s, p50 {all[all.Length / 2]:F2} ms, p99 {all[all.Length * 99 / 100]:F2} ms, max {all[^1]:F1} ms");
        return rate;
    }
}

/// <summary>Figures by name; the last line printed is one JSON object.</summary>
public sealed class Figures(string name)
{
    private readonly List<(string Name, double Value)> _values = [];

    public void Add(string figure, double value) => _values.Add((figure, value));

    public static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    public void Print() => Console.WriteLine(
        $$"""{"benchmark":"{{name}}",{{string.Join(',', _values.Select(v => $"\"{v.Name}\":{v.Value.ToString("0.###", CultureInfo.InvariantCulture)}"))}}}""");
}

/// <summary>A sandbox book in a temporary folder with funded accounts.</summary>
public sealed class BenchmarkBook : IDisposable
{
    private static readonly AssetCode Usd = AssetCode.Parse("USD");

    /// <summary>What all its accounts hold.</summary>
    public static AssetCode Asset => Usd;

    private static readonly UInt128 Version = ((UInt128)7 << 76) | ((UInt128)2 << 62);
    private readonly AccountId[] _accounts;
    private long _next;

    private BenchmarkBook(string folder, BookEngine engine, AccountId[] accounts) =>
        (Folder, Engine, _accounts) = (folder, engine, accounts);

    public string Folder { get; }

    /// <summary>The first key's token, with every scope.</summary>
    public string Token { get; private init; } = "";
    public BookEngine Engine { get; }
    public IReadOnlyList<AccountId> Accounts => _accounts;

    public static BenchmarkBook Create(int accounts, int idMemory = Genesis.DefaultIdMemory)
    {
        var folder = Directory.CreateTempSubdirectory("bank-bench-").FullName;
        FileJournal.Create(folder, new(Identity), DiskFileLayer.Instance).Dispose();
        return Of(folder, Open(folder), accounts, idMemory);
    }

    /// <summary>On a journal that several hosts reach, under its lead. The journal stays the caller's.</summary>
    public static BenchmarkBook Create(int accounts, ISharedJournal journal, ILead lead)
    {
        var folder = Directory.CreateTempSubdirectory("bank-bench-").FullName;
        var engine = new BookEngine(
            Recovery.Open(new JournalFeed(journal), folder, _ => { }), MachineTime.Instance, new(Following: true),
            fatal => Environment.FailFast("The engine stopped.", fatal), (fault, _) => Console.Error.WriteLine(fault));
        engine.LeadAsync(lead, "bench").GetAwaiter().GetResult();
        return Of(folder, engine, accounts, Genesis.DefaultIdMemory);
    }

    public static JournalIdentity Identity { get; } = new("bench", new byte[32]);

    private static BenchmarkBook Of(string folder, BookEngine engine, int accounts, int idMemory)
    {
        var genesis = new Genesis(Tag.Of("bench"), BookMode.Sandbox, "529900TESTBANK00TE42", Usd, Tag.Of("utc"), Tag.Of("daily"), Tag.Of("de"), 86_400, idMemory);
        var token = Founding.FoundAsync(engine, genesis, new BusinessDate((int)(DateTime.UtcNow - DateTime.UnixEpoch).TotalDays), [], new([], []), Tag.Of("bench")).GetAwaiter().GetResult();
        var names = Enumerable.Range(0, accounts).Select(i => AccountId.Parse($"cust:{i:D8}")).ToArray();
        var book = new BenchmarkBook(folder, engine, names) { Token = token };
        book.Fund();
        return book;
    }

    public static BookEngine Open(string folder)
    {
        var journal = FileJournal.Open(folder, new(Identity), DiskFileLayer.Instance);
        return new(Recovery.Open(journal, folder, _ => { }), MachineTime.Instance, new(),
            fatal => Environment.FailFast("The engine stopped.", fatal), (fault, _) => Console.Error.WriteLine(fault));
    }

    /// <summary>A fresh time-ordered id of the book's first key.</summary>
    public Envelope NewEnvelope()
    {
        var milliseconds = (UInt128)(ulong)((DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMillisecond);
        var id = unchecked((ulong)Interlocked.Increment(ref _next) * 0x9E3779B97F4A7C15) >> 2;
        return new(new((milliseconds << 80) | Version | id), 0, id | 1);
    }

    public MakeTransfer Transfer(Random random, int accounts)
    {
        var debit = random.Next(accounts);
        var credit = random.Next(accounts - 1);
        if (credit >= debit) credit++;
        return new(_accounts[debit], _accounts[credit], new(Usd, random.Next(1, 1_000), 2), Particulars.None);
    }

    public void Dispose()
    {
        Engine.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private void Fund()
    {
        var cash = AccountId.Parse("bank:cash");
        Send([new OpenAccount(cash, AccountClass.Asset, Tag.Of("1000"), default, AccountFlags.None, [Usd])]);
        foreach (var some in _accounts.Chunk(BatchSize))
        {
            Send([.. some.Select(a => new OpenAccount(a, AccountClass.Liability, Tag.Of("2100"), default, AccountFlags.DebitsMustNotExceedCredits, [Usd]))]);
            Send([.. some.Select(a => new MakeTransfer(cash, a, new(Usd, 1_000_000_00, 2), Particulars.None))]);
        }
    }

    private const int BatchSize = 1_000;

    private void Send(Command[] commands)
    {
        var answers = Engine.SendAsync([.. commands.Select(c => (NewEnvelope(), c, c.GetType().Name))]).GetAwaiter().GetResult();
        if (answers.FirstOrDefault(a => a.Ended.Ending != Ending.Accepted) is { Ended.Ending: not Ending.Accepted } no)
            throw new InvalidOperationException(no.Ended.ToString());
    }
}
