using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Engine;

/// <summary>Time that moves when a spec says so.</summary>
public sealed class ManualTime(string start) : ITimeSource
{
    private long _now = Instant.Parse(start).Microseconds;

    public long WallMicroseconds() => Volatile.Read(ref _now);
    public long MonotonicMicroseconds() => Volatile.Read(ref _now);
    public void Advance(long seconds) => Interlocked.Add(ref _now, seconds * Instant.MicrosecondsPerSecond);
}

/// <summary>A sandbox book on a real file journal in a temporary folder.</summary>
public sealed class TestBook : IDisposable
{
    public static readonly JournalIdentity Identity = new("test", new byte[32]);
    private static readonly Genesis Genesis = new(
        Tag.Of("test"), BookMode.Sandbox, "529900TESTBANK00TE42", AssetCode.Parse("EUR"), Tag.Of("utc"), Tag.Of("daily"),
        Tag.Of("de"), 86_400, 100_000);

    private UInt128 _nextId = 1;

    private TestBook(string folder, ManualTime time)
    {
        (Folder, Time) = (folder, time);
        Engine = Start();
    }

    public string Folder { get; }
    public ManualTime Time { get; }
    public BookEngine Engine { get; private set; }
    public List<Exception> Faults { get; } = [];

    public static async Task<TestBook> FoundAsync(Genesis? genesis = null)
    {
        var folder = Directory.CreateTempSubdirectory("bank-spec-").FullName;
        FileJournal.Create(folder, new(Identity), DiskFileLayer.Instance).Dispose();
        var book = new TestBook(folder, new("2026-01-05T12:00:00.000000Z"));
        await Founding.FoundAsync(
            book.Engine, genesis ?? Genesis, BusinessDate.Parse("2026-01-05"), [], new([], []), Tag.Of("first"));
        return book;
    }

    /// <summary>Closes the book and opens it again from what is on the disk.</summary>
    public void Reopen()
    {
        Engine.Dispose();
        Engine = Start();
    }

    /// <summary>Sends a command as the first key, under a new time-ordered id.</summary>
    public Task<Answer> Send(Command command, CommandId? id = null, UInt128 print = default) =>
        Engine.SendAsync(new(id ?? NextId(), 0, print), command, command.GetType().Name);

    /// <summary>A UUIDv7 of this instant.</summary>
    public CommandId NextId()
    {
        var milliseconds = (UInt128)(ulong)(Time.WallMicroseconds() / 1_000);
        return new((milliseconds << 80) | ((UInt128)7 << 76) | ((UInt128)2 << 62) | _nextId++);
    }

    public Task<UInt128> Digest() => Engine.ReadAsync((bank, _) => bank.Tables.Digest);

    public void Dispose()
    {
        Engine.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private BookEngine Start()
    {
        var journal = FileJournal.Open(Folder, new(Identity), DiskFileLayer.Instance);
        return new(Recovery.Open(journal, Folder, _ => { }), Time, new(), Faults.Add, (fault, _) => Faults.Add(fault));
    }
}

internal static class Named
{
    public static AccountId Account(string name) => AccountId.Parse(name);

    public static StatedAmount Eur(string amount) =>
        StatedAmount.TryParse(System.Text.Encoding.ASCII.GetBytes(amount), AssetCode.Parse("EUR"), out var stated) == NumberText.Read
            ? stated
            : throw new FormatException(amount);
}
