using System.Buffers;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Projections;

/// <summary>Random business on a small book, from a seed that is printed when a spec fails.</summary>
internal sealed class Activity(TestBook book, int seed)
{
    public static readonly string[] Customers = ["alice", "bob", "carol"];
    private readonly Random _random = new(seed);
    private readonly List<(TransferId Id, long Position)> _posted = [];
    private readonly List<TransferId> _open = [];

    /// <summary>A sandbox book with a cash account and three customers who may overdraw, and client
    /// property on memorandum accounts.</summary>
    public static async Task<TestBook> FoundAsync()
    {
        var book = await TestBook.FoundAsync();
        await Open(book, "bank:cash", AccountClass.Asset, "1000", AccountFlags.AnyAsset);
        await Open(book, "bank:fees", AccountClass.Income, "4000", AccountFlags.AnyAsset);
        foreach (var name in Customers) await Open(book, name, AccountClass.Liability, "2100", AccountFlags.None);
        await Open(book, "custody:coins", AccountClass.Memorandum, "9000", AccountFlags.None);
        await Open(book, "custody:vault", AccountClass.Memorandum, "9000", AccountFlags.None);
        return book;
    }

    public async Task RunAsync(int commands)
    {
        for (var i = 0; i < commands; i++) await StepAsync();
    }

    public async Task StepAsync()
    {
        var said = new Particulars(
            Tag.Of(_random.Next(2) == 0 ? "card" : "wire"), $"ref-{_random.Next(6)}",
            BookedOn: BusinessDate.Parse("2026-01-05").AddDays(-_random.Next(4)));
        var (from, to) = Pair();
        var answer = _random.Next(8) switch
        {
            0 => await book.Send(new ReserveTransfer(from, to, Some(), null, said)),
            1 when _open.Count > 0 => await book.Send(new PostTransfer(_open[^1], null, _random.Next(2) == 0, said)),
            2 when _open.Count > 0 => await book.Send(new CancelTransfer(_open[^1])),
            3 when _posted.Count > 0 => await Reverse(_posted[_random.Next(_posted.Count)].Position),
            4 => await book.Send(new PostEntry([
                new(from, Side.Debit, Eur("3.00")), new(to, Side.Credit, Eur("2.50")),
                new(Account("bank:fees"), Side.Credit, Eur("0.50"))], said)),
            5 => await book.Send(new MakeTransfer(Account("custody:vault"), Account("custody:coins"), Some(), said)),
            _ => await book.Send(new MakeTransfer(from, to, Some(), said)),
        };
        foreach (var recorded in answer.Events ?? [])
        {
            switch (recorded.Event)
            {
                case TransferEvent.Made e: _posted.Add((e.Id, answer.Ended.Position)); break;
                case TransferEvent.Reserved e: _open.Add(e.Id); break;
                case TransferEvent.Posted { Remaining.IsZero: true } or TransferEvent.Cancelled:
                    _open.RemoveAt(_open.Count - 1);
                    break;
                default: break;
            }
        }
        book.Time.Advance(_random.Next(3));
    }

    private Task<Answer> Reverse(long position)
    {
        var line = new ArrayBufferWriter<byte>();
        book.Engine.Journal.TryReadEvent(position, line).Should().BeTrue();
        var legs = new List<Leg>();
        PostedLegs.Gather(EventLine.Read(line.WrittenSpan).Recorded.Event, [], legs);
        return book.Send(new ReverseEntry(position, [.. legs], "mistake", Particulars.None));
    }

    private (AccountId, AccountId) Pair()
    {
        string[] all = [.. Customers, "bank:cash"];
        var from = _random.Next(all.Length);
        return (Account(all[from]), Account(all[(from + 1 + _random.Next(all.Length - 1)) % all.Length]));
    }

    private StatedAmount Some() => Eur($"{_random.Next(1, 900)}.{_random.Next(100):00}");

    private static Task<Answer> Open(TestBook book, string name, AccountClass @class, string chart,
        AccountFlags flags) => book.Send(
        new OpenAccount(Account(name), @class, Tag.Of(chart), default, flags,
            (flags & AccountFlags.AnyAsset) != 0 ? [] : [AssetCode.Parse("EUR")]));
}
