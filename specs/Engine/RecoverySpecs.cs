using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine;

/// <summary>Caches beside a journal whose end was given up, and which went on differently.</summary>
public sealed class RecoverySpecs
{
    [Fact]
    public async Task A_snapshot_and_a_digest_of_events_that_were_given_up_are_not_used_when_others_came_in_their_place()
    {
        using var book = await TestBook.FoundAsync();
        await book.Send(Opening("bank:cash"));
        var kept = book.Engine.DurablePosition;
        await book.Send(Opening("lost:one"));
        var lost = book.Engine.DurablePosition;
        book.Engine.Dispose();
        KeepCaches(book.Folder);

        FileJournal.Repair(book.Folder, kept + 1, default, DiskFileLayer.Instance);
        book.Reopen();
        await book.Send(Opening("new:one"));
        await book.Send(Opening("new:two"));
        book.Engine.DurablePosition.Should().BeGreaterThan(lost);
        var live = await book.Digest();
        book.Reopen();

        (await book.Digest()).Should().Be(live, "replay equals live");
        (await book.Engine.ReadAsync((bank, _) => bank.Ledger.Tables.Accounts.Find(Account("lost:one")))).Should().Be(-1);
    }

    /// <summary>What a host leaves behind when it ends.</summary>
    private static void KeepCaches(string folder)
    {
        using var journal = FileJournal.Open(folder, new(TestBook.Identity), DiskFileLayer.Instance);
        var execution = new Execution(new Bank());
        var at = Replay.Run(journal, execution, frontier: null, new());
        execution.Resume(execution.Position);
        Snapshots.Save(folder, execution, at, journal);
        using var notes = new DigestNotes(folder, DigestNotes.SchemaOf(execution.Bank.Tables));
        notes.Add(journal.Tail.Block, execution.Position, execution.Bank.Tables.Digest);
    }

    private static OpenAccount Opening(string name) =>
        new(Account(name), AccountClass.Asset, Tag.Of("1000"), default, AccountFlags.None, [AssetCode.Parse("EUR")]);
}
