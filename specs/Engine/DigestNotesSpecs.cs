using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine;

public sealed class DigestNotesSpecs
{
    /// <summary>
    /// Replay stopped at a sound journal: the digest had been taken with half of the next command in it.
    /// </summary>
    [Fact]
    public async Task A_block_that_fills_in_the_middle_of_a_batch_is_noted_with_whole_commands_only()
    {
        using var book = await TestBook.FoundAsync();
        await book.Send(new OpenAccount(
            Account("a"), AccountClass.Asset, Tag.Of("1000"), default, AccountFlags.None, [AssetCode.Parse("EUR")]));
        await book.Send(new OpenAccount(
            Account("b"), AccountClass.Liability, Tag.Of("2100"), default, AccountFlags.None,
                [AssetCode.Parse("EUR")]));
        var pay = new MakeTransfer(Account("a"), Account("b"), Eur("1"), Particulars.None);
        book.Engine.Dispose();

        var journal = FileJournal.Open(book.Folder, new(TestBook.Identity), DiskFileLayer.Instance);
        using (var engine = new BookEngine(
            Recovery.Open(journal, book.Folder, _ => { }), book.Time, new(DigestEvery: 1), book.Faults.Add,
                (fault, _) => book.Faults.Add(fault)))
        {
            var batch = Enumerable.Range(0, JournalLimits.BlockEvents + 500)
                .Select(_ => (new Envelope(book.NextId(), 0, 0), (Command)pay, "transfer.make")).ToList();
            await engine.SendAsync(batch);
        }

        // Recovery compares with every note.
        book.Reopen();
        book.Faults.Should().BeEmpty();
    }
}
