namespace BankingEngine.Specs.Simulation;

/// <summary>What a fault can reach.</summary>
/// <param name="Leader">Number of the host that leads.</param>
/// <param name="Watch">Has the first command measured that is decided after a loss.</param>
/// <param name="ReadAfterPause">Asks a host that stands still, and lets it go on.</param>
internal sealed record Stage(
    FightHosts Hosts, StoreBook Book, StoreUnderTest Store, int Leader, Random Random,
    Func<TakeOver, TakeOver> Watch, Func<BankProcess, Action, Task> ReadAfterPause)
{
    public int Follower => (Leader + 1) % Hosts.Count;

    /// <summary>Has the first command measured that another host than the leader decides.</summary>
    public TakeOver WatchOther(string kind) => Watch(new(kind, Hosts[Leader]!.Name));
}

/// <summary>Something bad that happens.</summary>
/// <param name="IsOfStore">Whether it is one of the store's own.</param>
internal sealed record Fault(string Name, Func<Stage, Task> Suffer, bool IsOfStore = false);

/// <summary>Everything bad that can happen to hosts, wires and store.</summary>
internal static class Adversary
{
    /// <summary>After so long without a sign of life the place of a leader may be taken.</summary>
    private static readonly TimeSpan Silence = Application.Journal.JournalTimes.Silence;

    /// <summary>A pause longer than this ends a lead for sure.</summary>
    private const int SurelyLostMilliseconds = 3_500;

    public static IReadOnlyList<Fault> All(StoreUnderTest store) =>
    [
        new("the leader killed", KillLeaderAsync),
        new("the follower killed", KillFollowerAsync),
        new("both killed", KillBothAsync),
        new("the leader ended", EndLeaderAsync),
        new("the leader stopped for long", stage => PauseLeaderAsync(stage, SurelyLostMilliseconds, 6_000)),
        new("the leader stopped for short", stage => PauseLeaderAsync(stage, 500, SurelyLostMilliseconds)),
        new("the follower stopped", PauseFollowerAsync),
        new("the leader's wire cut", stage => CutAsync(stage, stage.Leader)),
        new("the follower's wire cut", stage => CutAsync(stage, stage.Follower)),
        new("the leader's wire silent", stage => HangAsync(stage, stage.Leader, towards: true, back: true)),
        new("the leader's wire silent one way", stage =>
        {
            var towards = stage.Random.Next(2) == 0;
            return HangAsync(stage, stage.Leader, towards, back: !towards);
        }),
        new("the follower's wire silent", stage => HangAsync(stage, stage.Follower, towards: true, back: true)),
        new("the leader's wire half closed", HalfCloseAsync),
        .. store.Faults.Select(fault => new Fault(fault.Name, stage => StoreAsync(stage, fault), IsOfStore: true)),
    ];

    private static async Task KillLeaderAsync(Stage stage)
    {
        var watch = stage.WatchOther("leader killed");
        await stage.Hosts.KillAsync(stage.Leader).ConfigureAwait(false);
        watch.DetectableIn(TimeSpan.Zero);
        await Task.Delay(stage.Random.Next(0, 1_000)).ConfigureAwait(false);
        await stage.Hosts.StartAsync(stage.Leader).ConfigureAwait(false);
    }

    private static async Task KillFollowerAsync(Stage stage)
    {
        await stage.Hosts.KillAsync(stage.Follower).ConfigureAwait(false);
        await Task.Delay(stage.Random.Next(0, 500)).ConfigureAwait(false);
        await stage.Hosts.StartAsync(stage.Follower).ConfigureAwait(false);
    }

    private static async Task KillBothAsync(Stage stage)
    {
        await Task.WhenAll(stage.Hosts.KillAsync(stage.Leader), stage.Hosts.KillAsync(stage.Follower))
            .ConfigureAwait(false);
        await stage.Hosts.StartMissingAsync().ConfigureAwait(false);
    }

    private static async Task EndLeaderAsync(Stage stage)
    {
        var watch = stage.WatchOther("leader ended in order");
        watch.DetectableIn(TimeSpan.Zero);
        await stage.Hosts.EndAsync(stage.Leader).ConfigureAwait(false);
        await stage.Hosts.StartAsync(stage.Leader).ConfigureAwait(false);
    }

    private static async Task PauseLeaderAsync(Stage stage, int least, int most)
    {
        var milliseconds = stage.Random.Next(least, most);
        var paused = stage.Hosts[stage.Leader]!;
        var isLong = milliseconds >= SurelyLostMilliseconds;
        var watch = isLong ? stage.WatchOther("leader stopped") : null;
        paused.Pause();
        try
        {
            watch?.DetectableIn(Silence);
            await Task.Delay(milliseconds).ConfigureAwait(false);
            // It goes on when another has decided, so that it meets a world that is newer than it knows.
            if (watch is not null && stage.Random.Next(2) == 0)
                await watch.WaitAsync(TimeSpan.FromSeconds(20)).ConfigureAwait(false);
        }
        finally
        {
            await stage.ReadAfterPause(paused, paused.Resume).ConfigureAwait(false);
        }
    }

    private static async Task PauseFollowerAsync(Stage stage)
    {
        var paused = stage.Hosts[stage.Follower]!;
        paused.Pause();
        try
        {
            await Task.Delay(stage.Random.Next(500, 4_000)).ConfigureAwait(false);
        }
        finally
        {
            await stage.ReadAfterPause(paused, paused.Resume).ConfigureAwait(false);
        }
    }

    private static async Task CutAsync(Stage stage, int host)
    {
        var milliseconds = stage.Random.Next(100, 4_500);
        var isLost = host == stage.Leader && milliseconds >= SurelyLostMilliseconds;
        var watch = isLost ? stage.WatchOther("leader's wire cut") : null;
        stage.Book.WireOf(host)!.Cut();
        watch?.DetectableIn(TimeSpan.Zero);
        await Task.Delay(milliseconds).ConfigureAwait(false);
        stage.Book.WireOf(host)!.Mend();
    }

    private static async Task HangAsync(Stage stage, int host, bool towards, bool back)
    {
        var milliseconds = stage.Random.Next(300, 6_500);
        var isLost = host == stage.Leader && milliseconds >= SurelyLostMilliseconds;
        var watch = isLost ? stage.WatchOther("leader's wire silent") : null;
        stage.Book.WireOf(host)!.Hang(towards, back);
        watch?.DetectableIn(Silence);
        await Task.Delay(milliseconds).ConfigureAwait(false);
        stage.Book.WireOf(host)!.Mend();
    }

    private static async Task HalfCloseAsync(Stage stage)
    {
        stage.Book.WireOf(stage.Leader)!.HalfClose(towardsStore: stage.Random.Next(2) == 0);
        await Task.Delay(stage.Random.Next(100, 1_000)).ConfigureAwait(false);
    }

    private static async Task StoreAsync(Stage stage, StoreFault fault)
    {
        var watch = stage.Watch(new(fault.Name, without: null));
        await fault.Suffer(stage.Leader, stage.Random).ConfigureAwait(false);
        watch.DetectableIn(TimeSpan.Zero);
    }
}
