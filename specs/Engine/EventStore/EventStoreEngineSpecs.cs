using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals.EventStore;
using BankingEngine.Specs.Simulation;
using static BankingEngine.Specs.Engine.EventStore.EventStoreJournalSpecs;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.EventStore;

/// <summary>Two whole engines on one stream.</summary>
public sealed class EventStoreEngineSpecs
{
    [Fact]
    public async Task A_standby_follows_takes_over_and_the_one_before_neither_writes_nor_answers()
    {
        await using var store = await StoreFixture.StartAsync();
        using var one = new EngineHost(store.Create());
        var lead = await one.LeadAsync("one");
        await one.FoundAsync();
        using var two = new EngineHost(store.Open());
        var id = one.NextId();
        var paid = await one.Send(Pay("5.00"), id, print: 1);
        await two.Engine.WaitBeyondAsync(paid.Ended.Position - 1, CancellationToken.None);
        two.Engine.IsLeading.Should().BeFalse();
        (await two.Digest()).Should().Be(await one.Digest());

        // From here on the first host gives no sign of life, as one that SIGSTOP holds.
        using var taken = await two.LeadAsync("two");
        var asked = () => one.Engine.ReadAsync((bank, _) => bank.Tables.Digest);
        await asked.Should().ThrowAsync<EngineUnavailableException>("the first read after waking is refused");
        var sent = () => one.Send(Pay("7.00"));
        await sent.Should().ThrowAsync<EngineUnavailableException>();
        one.Failures.Should().ContainSingle().Which.Should().BeOfType<JournalException>()
            .Which.Kind.Should().Be(JournalFault.Fenced);

        var repeated = await two.Send(Pay("5.00"), id, print: 1);
        repeated.Ended.Ending.Should().Be(Ending.Repeated);
        repeated.Ended.Position.Should().Be(paid.Ended.Position);
        var more = await two.Send(Pay("1.00"));
        (await two.Balance("alice")).Should().Be((Int128)6_00);

        lead.Dispose();
        one.Restart();
        await one.Engine.WaitBeyondAsync(more.Ended.Position - 1, CancellationToken.None);
        (await one.Digest()).Should().Be(await two.Digest());
        one.Failures.Should().HaveCount(1);
    }

    [Fact]
    public async Task What_is_sent_while_the_store_restarts_has_one_effect()
    {
        await using var store = await StoreFixture.StartAsync();
        using var host = new EngineHost(EventStoreJournal.Create(store.At, SampleBlocks.Book));
        using var lead = await host.LeadAsync("one");
        await host.FoundAsync();
        var paying = Task.Run(async () =>
        {
            for (var payment = 0; payment < 60; payment++)
                (await host.Send(Pay("1.00"))).Ended.Ending.Should().Be(Ending.Accepted);
        });
        await store.RestartAsync();
        store.Server.Cut();
        await paying;

        (await host.Balance("alice")).Should().Be((Int128)60_00);
        using var auditor = new EngineHost(store.Open());
        (await auditor.Digest()).Should().Be(await host.Digest());
    }

    private static MakeTransfer Pay(string euros) =>
        new(Account("bank:cash"), Account("alice"), Eur(euros), Particulars.None);

    private sealed class EngineHost : IDisposable
    {
        private static readonly Genesis Genesis = new(
            Tag.Of("sample"), BookMode.Sandbox, "529900TESTBANK00TE42", AssetCode.Parse("EUR"), Tag.Of("utc"),
            Tag.Of("daily"), Tag.Of("de"), 86_400, 100_000);

        private static long _ids;
        private readonly EventStoreJournal _journal;
        private readonly JournalFeed _feed;
        private readonly ManualTime _time = new("2026-01-05T12:00:00.000000Z");
        private readonly string _folder = Directory.CreateTempSubdirectory("bank-spec-").FullName;

        public EngineHost(EventStoreJournal journal)
        {
            (_journal, _feed) = (journal, new(journal));
            Engine = Start();
        }

        public BookEngine Engine { get; private set; }

        public List<Exception> Failures { get; } = [];

        public async Task<ILead> LeadAsync(string name)
        {
            ILead? lead = null;
            Eventually(() => (lead = _journal.TryLead(name)) is not null);
            await Engine.LeadAsync(lead!, name);
            return lead!;
        }

        public async Task FoundAsync()
        {
            await Founding.FoundAsync(
                Engine, Genesis, BusinessDate.Parse("2026-01-05"), [], new([], []), Tag.Of("first"));
            await Send(new OpenAccount(
                Account("bank:cash"), AccountClass.Asset, Tag.Of("1000"), default, AccountFlags.None, [AssetCode.Parse("EUR")]));
            await Send(new OpenAccount(
                Account("alice"), AccountClass.Liability, Tag.Of("2100"), default, AccountFlags.None, [AssetCode.Parse("EUR")]));
        }

        public Task<Answer> Send(Command command, CommandId? id = null, UInt128 print = default) =>
            Engine.SendAsync(new(id ?? NextId(), 0, print), command, command.GetType().Name);

        public CommandId NextId()
        {
            var milliseconds = (UInt128)(ulong)(_time.WallMicroseconds() / 1_000);
            return new((milliseconds << 80) | ((UInt128)7 << 76) | ((UInt128)2 << 62) | (ulong)Interlocked.Increment(ref _ids));
        }

        public Task<UInt128> Digest() => Engine.ReadAsync((bank, _) => bank.Tables.Digest);

        public Task<Int128> Balance(string name) => Engine.ReadAsync((bank, _) =>
        {
            var t = bank.Ledger.Tables;
            return t.Balances[t.FindBalance(t.Accounts.Find(Account(name)), t.Assets.Find(AssetCode.Parse("EUR")))].Net;
        });

        public void Restart()
        {
            Engine.Dispose();
            Engine = Start();
        }

        public void Dispose()
        {
            Engine.Dispose();
            _journal.Dispose();
            Directory.Delete(_folder, recursive: true);
        }

        private BookEngine Start() => new(
            Recovery.Open(_feed, _folder, _ => { }), _time, new(Following: true), Failures.Add, (fault, _) => Failures.Add(fault));
    }
}
