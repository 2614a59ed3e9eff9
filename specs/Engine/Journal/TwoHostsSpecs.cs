using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Journal;

/// <summary>Two engines on one journal: one leads, the other follows and takes over.</summary>
public sealed class TwoHostsSpecs
{
    private static readonly AssetCode Euro = AssetCode.Parse("EUR");
    private static readonly ManualTime Time = new("2026-01-05T12:00:00.000000Z");

    public static TheoryData<string> Shared => JournalStore.Shared;

    [Theory]
    [MemberData(nameof(Shared))]
    public async Task A_follower_applies_takes_over_and_a_repeated_command_has_one_effect(string name)
    {
        using var store = JournalStore.Of(name);
        using var one = new Node(store.CreateShared());
        var lead = SharedJournalSpecs.Lead(one.Journal, "one");
        await one.Engine.LeadAsync(lead, "one");
        await FoundAsync(one.Engine, store.Identity.Book);
        using var other = new Node(store.OpenShared());
        var pay = new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("5"), Particulars.None);
        var id = IdOf(7);
        var first = await Send(one.Engine, pay, id);

        await other.ReachedAsync(first.Ended.Position);
        (await DigestOf(other)).Should().Be(await DigestOf(one));
        (await Balance(other)).Should().Be((Int128)5_00);
        await other.Engine.Invoking(e => Send(e, pay, IdOf(8))).Should().ThrowAsync<EngineUnavailableException>();

        lead.Dispose();
        using var next = SharedJournalSpecs.Lead(other.Journal, "other");
        await other.Engine.LeadAsync(next, "other");
        other.Engine.IsLeading.Should().BeTrue();
        await one.Engine.Invoking(e => Send(e, pay, IdOf(9))).Should().ThrowAsync<EngineUnavailableException>();
        var again = await Send(other.Engine, pay, id);
        again.Ended.Ending.Should().Be(Ending.Repeated);
        again.Ended.Position.Should().Be(first.Ended.Position);
        (await Send(other.Engine, pay, IdOf(9))).Ended.Ending.Should().Be(Ending.Accepted);
        (await Balance(other)).Should().Be((Int128)10_00, "what the old leader could not make durable has no effect");

        using var third = new Node(store.OpenShared());
        (await DigestOf(third)).Should().Be(await DigestOf(other));
    }

    private static async Task FoundAsync(BookEngine engine, string book)
    {
        var genesis = new Genesis(
            Tag.Of(book), BookMode.Sandbox, "529900TESTBANK00TE42", Euro, Tag.Of("utc"), Tag.Of("daily"), Tag.Of("de"),
            86_400, 100_000);
        await Founding.FoundAsync(engine, genesis, BusinessDate.Parse("2026-01-05"), [], new([], []), Tag.Of("first"));
        await Send(engine, Opening("bank:cash", AccountClass.Asset, AccountFlags.None), IdOf(1));
        await Send(engine, Opening("alice", AccountClass.Liability, AccountFlags.DebitsMustNotExceedCredits), IdOf(2));
    }

    private static OpenAccount Opening(string name, AccountClass kind, AccountFlags flags) =>
        new(Account(name), kind, Tag.Of("1000"), default, flags, [Euro]);

    private static Task<Answer> Send(BookEngine engine, Command command, CommandId id) =>
        engine.SendAsync(new(id, 0, 1), command, command.GetType().Name);

    private static CommandId IdOf(ulong number)
    {
        var milliseconds = (UInt128)(ulong)(Time.WallMicroseconds() / 1_000);
        return new((milliseconds << 80) | ((UInt128)7 << 76) | ((UInt128)2 << 62) | number);
    }

    private static Task<UInt128> DigestOf(Node node) => node.Engine.ReadAsync((bank, _) => bank.Tables.Digest);

    private static Task<Int128> Balance(Node node) => node.Engine.ReadAsync((bank, _) =>
    {
        var t = bank.Ledger.Tables;
        return t.Balances[t.FindBalance(t.Accounts.Find(Account("alice")), t.Assets.Find(Euro))].Net;
    });

    /// <summary>A host's part of a book: its journal, and an engine that begins by following.</summary>
    private sealed class Node : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("bank-node-").FullName;

        public Node(ISharedJournal journal)
        {
            Journal = journal;
            var opened = Recovery.Open(new JournalFeed(journal), _folder, _ => { });
            Engine = new(opened, Time, new(Following: true), _ => { }, (_, _) => { });
        }

        public ISharedJournal Journal { get; }

        public BookEngine Engine { get; }

        public Task ReachedAsync(long position) => Engine.Feed.WaitBeyondAsync(position - 1, CancellationToken.None)
            .WaitAsync(TimeSpan.FromSeconds(20));

        public void Dispose()
        {
            Engine.Dispose();
            Journal.Dispose();
            Directory.Delete(_folder, recursive: true);
        }
    }
}
