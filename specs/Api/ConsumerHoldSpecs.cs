using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;

namespace BankingEngine.Specs.Api;

/// <summary>Who reads a group where the store of positions is slow to answer who holds its name.</summary>
public sealed class ConsumerHoldSpecs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Of_two_who_take_a_group_over_at_once_the_last_one_reads_on()
    {
        await using var host = await AuditHost.StartAsync(payments: 1);
        var store = new SlowHolds(host.Book.Positions);
        host.Book.Positions = store;
        using var client = await host.Client();
        Task<HttpResponseMessage> TakeOver() => client.GetAsync(
            "/v1/events?consumer=ledger&takeover=true", HttpCompletionOption.ResponseHeadersRead);

        var answered = new TaskCompletionSource();
        store.Answers = _ => answered.Task;
        var first = TakeOver();
        await store.Held.WaitAsync(Patience);
        store.Answers = null;
        var second = TakeOver();
        // The second, if it can, is faster than the first one's answer.
        await Task.WhenAny(second, Task.Delay(TimeSpan.FromSeconds(1)));
        store.LosesReleases = true;
        answered.SetResult();

        using var reading = await second.WaitAsync(Patience);
        using var reader = new StreamReader(await reading.Content.ReadAsStreamAsync());
        await store.Renewed.WaitAsync(Patience);
        await host.Pay("9.99");
        var last = $"id: {host.Book.Engine.DurablePosition}";
        string? line;
        do line = await reader.ReadLineAsync().WaitAsync(Patience); while (line is not null && line != last);
        line.Should().Be(last, "it holds the name, here and in the store");
        await Task.WhenAny(first).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_reader_that_leaves_before_the_store_answered_holds_nothing_up()
    {
        await using var host = await AuditHost.StartAsync(payments: 1);
        var store = new SlowHolds(host.Book.Positions);
        host.Book.Positions = store;
        var consumers = new Consumers(host.Book);
        using var leaving = new CancellationTokenSource();
        store.Answers = cancellation => Task.Delay(Timeout.Infinite, cancellation);
        var entering = consumers.EnterAsync(Tag.Of("ledger"), takeover: false, leaving.Token);
        await store.Held.WaitAsync(Patience);
        await leaving.CancelAsync();
        await entering.WaitAsync(Patience).Invoking(e => e).Should().ThrowAsync<OperationCanceledException>();
        store.Answers = null;

        (await host.Book.Positions.HeldAsync("consumer:", default)).Should().BeEmpty();
        await using var next = await consumers.EnterAsync(Tag.Of("ledger"), takeover: false, default);
        next.Should().NotBeNull("nobody reads");
    }

    [Fact]
    public async Task Who_does_not_wait_for_his_turn_any_longer_leaves_it_to_the_next()
    {
        var turns = new Turns<Tag>();
        using var leaving = new CancellationTokenSource();
        var first = await turns.TakeAsync(Tag.Of("ledger"), default);
        var second = turns.TakeAsync(Tag.Of("ledger"), leaving.Token);
        var third = turns.TakeAsync(Tag.Of("ledger"), default);
        (await turns.TakeAsync(Tag.Of("other"), default))!.Dispose();
        await leaving.CancelAsync();
        await second.WaitAsync(Patience).Invoking(s => s).Should().ThrowAsync<OperationCanceledException>();
        third.IsCompleted.Should().BeFalse("it is the first one's turn");
        first!.Dispose();
        (await third.WaitAsync(Patience))!.Dispose();
        (await turns.TakeAsync(Tag.Of("ledger"), default).WaitAsync(Patience))!.Dispose();
        var goneBefore = () => turns.TakeAsync(Tag.Of("ledger"), leaving.Token);
        await goneBefore.Should().ThrowAsync<OperationCanceledException>();
        (await turns.TakeAsync(Tag.Of("ledger"), default).WaitAsync(Patience))!.Dispose();
    }

    /// <summary>A store that holds a name at once, and says so later.</summary>
    private sealed class SlowHolds(IPositions store) : IPositions
    {
        private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously),
            _renewed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly HashSet<Guid> _holders = [];

        /// <summary>What an answer waits for; null: nothing.</summary>
        public Func<CancellationToken, Task>? Answers { get; set; }

        /// <summary>Whether nobody's hold ends before its time.</summary>
        public bool LosesReleases { get; set; }

        /// <summary>Completes when a name is held.</summary>
        public Task Held => _held.Task;

        /// <summary>Completes when whoever held the name last has asked for it again.</summary>
        public Task Renewed => _renewed.Task;

        public async Task<bool> HoldAsync(string name, Guid holder, bool takeover, CancellationToken cancellation)
        {
            var answers = Answers;
            var isHeld = await store.HoldAsync(name, holder, takeover, cancellation);
            lock (_holders)
            {
                if (!_holders.Add(holder)) _renewed.TrySetResult();
            }
            _held.TrySetResult();
            if (answers is not null) await answers(cancellation);
            return isHeld;
        }

        public Task ReleaseAsync(string name, Guid holder, CancellationToken cancellation) => LosesReleases
            ? throw new PositionsUnavailableException("Lost.") : store.ReleaseAsync(name, holder, cancellation);

        public Task<StoredPosition?> FindAsync(string name, CancellationToken cancellation) =>
            store.FindAsync(name, cancellation);

        public Task<StoredPosition> AdvanceAsync(StoredPosition to, CancellationToken cancellation) =>
            store.AdvanceAsync(to, cancellation);

        public Task ResetAsync(StoredPosition to, CancellationToken cancellation) => store.ResetAsync(to, cancellation);

        public Task<IReadOnlyList<StoredPosition>> ListAsync(string prefix, CancellationToken cancellation) =>
            store.ListAsync(prefix, cancellation);

        public Task<bool> RemoveAsync(string name, CancellationToken cancellation) => store.RemoveAsync(name, cancellation);

        public Task<IReadOnlySet<string>> HeldAsync(string prefix, CancellationToken cancellation) =>
            store.HeldAsync(prefix, cancellation);
    }
}
