using System.Buffers;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;

namespace BankingEngine.Specs.Engine;

/// <summary>What an engine that follows does when its store does not answer.</summary>
public sealed class FollowingSpecs
{
    [Fact]
    public async Task A_host_whose_store_falls_silent_while_it_takes_the_lead_is_told_and_does_not_wait_for_ever()
    {
        using var founded = await TestBook.FoundAsync();
        founded.Engine.Dispose();
        using var journal = new SilentStore(
            FileJournal.Open(founded.Folder, new(TestBook.Identity), DiskFileLayer.Instance));
        var ended = new TaskCompletionSource<Exception>();
        using var engine = new BookEngine(
            Recovery.Open(journal, founded.Folder, _ => { }), founded.Time, new(Following: true), ended.SetResult,
            (_, _) => { });
        journal.IsSilent = true;
        await engine.Invoking(e => e.LeadAsync(new Granted(), "one").WaitAsync(TimeSpan.FromSeconds(20)))
            .Should().ThrowAsync<EngineUnavailableException>();
        (await ended.Task).Should().BeOfType<JournalException>();
    }

    [Fact]
    public async Task Who_only_asked_is_told_of_no_outcome_where_the_journal_failed()
    {
        using var founded = await TestBook.FoundAsync();
        founded.Engine.Dispose();
        using var journal = new SilentStore(
            FileJournal.Open(founded.Folder, new(TestBook.Identity), DiskFileLayer.Instance));
        var ended = new TaskCompletionSource<Exception>();
        using var engine = new BookEngine(
            Recovery.Open(journal, founded.Folder, _ => { }), founded.Time, new(Following: true), ended.SetResult,
            (_, _) => { });
        engine.Depose("Another one leads.");
        await ended.Task;
        (await engine.Invoking(e => e.ReadAsync((_, _) => 1)).Should().ThrowAsync<EngineUnavailableException>())
            .Which.Code.Should().Be("journal.unavailable");
        (await engine.Invoking(e => e.LeadAsync(new Granted(), "one")).Should().ThrowAsync<EngineUnavailableException>())
            .Which.Code.Should().Be("outcome_unknown");
    }

    /// <summary>A shared journal that stops answering.</summary>
    private sealed class SilentStore(IJournal inner) : ISharedJournal
    {
        public volatile bool IsSilent;

        public JournalIdentity Identity => inner.Identity;
        public JournalTail Tail => inner.Tail;
        public IReadOnlyList<string> Warnings => [];

        public bool Refresh() => IsSilent ? throw new JournalException(JournalFault.Unknown, "No answer.") : false;
        public ILead? TryLead(string leader) => null;
        public void Note(in DigestNote note) { }
        public IReadOnlyList<DigestNote> NotesAfter(long position) => [];
        public void Append(in SealedBlock block) => inner.Append(block);
        public JournalReader Read(long fromPosition) => inner.Read(fromPosition);
        public bool TryReadEvent(long position, IBufferWriter<byte> to) => inner.TryReadEvent(position, to);
        public void Dispose() => inner.Dispose();
    }

    private sealed class Granted : ILead
    {
        public bool IsProven => true;
        public bool Prove() => true;
        public void Dispose() { }
    }
}
