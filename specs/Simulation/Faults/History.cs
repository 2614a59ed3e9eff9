using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation;

/// <summary>One request, which is sent again as it is when its outcome is not known.</summary>
public sealed record Asked(CommandId Id, string Path, string Body, Command Command)
{
    /// <summary>Transfers among few accounts, so that many are refused; reservations, some of which expire.</summary>
    /// <param name="reserved">Reservations of the same caller.</param>
    public static Asked Next(Random random, List<CommandId> reserved)
    {
        var id = CommandId.Parse(Guid.CreateVersion7().ToString());
        if (reserved.Count > 0 && random.Next(3) == 0)
        {
            var open = reserved[random.Next(reserved.Count)];
            return random.Next(2) == 0
                ? new(id, $"/v1/transfers/{open}/cancel", "{}", new CancelTransfer(new(open.Value)))
                : new(id, $"/v1/transfers/{open}/post", """{"final":true}""",
                    new PostTransfer(new(open.Value), null, IsFinal: true, Particulars.None));
        }
        string[] names = ["bank:cash", "customers:alice", "customers:bob", "bank:fees"];
        var from = random.Next(3);
        var (debit, credit) = (names[from], names[(from + random.Next(1, 4)) % 4]);
        var cents = random.Next(1, 60_000);
        var amount = new StatedAmount(AssetCode.Parse("EUR"), cents, 2);
        var text = string.Create(CultureInfo.InvariantCulture, $"{cents / 100}.{cents % 100:D2}");
        var body = $$"""{"debit":"{{debit}}","credit":"{{credit}}","amount":{"asset":"EUR","amount":"{{text}}"}""";
        if (random.Next(4) != 0)
            return new(id, "/v1/transfers", body + "}",
                new MakeTransfer(AccountId.Parse(debit), AccountId.Parse(credit), amount, Particulars.None));
        var seconds = random.Next(1, 4);
        return new(id, "/v1/transfers", string.Create(CultureInfo.InvariantCulture,
            $$"""{{body}},"pending":true,"timeout_seconds":{{seconds}}}"""),
            new ReserveTransfer(AccountId.Parse(debit), AccountId.Parse(credit), amount, seconds, Particulars.None));
    }
}

/// <summary>What a caller was told of a command.</summary>
/// <param name="Body">Without the sentence for people of a refusal: what became of a reservation stands in it only
/// where the report that knows is level.</param>
/// <param name="Again">Whether the server says that this is the answer to an earlier request.</param>
/// <param name="By">The process that answered.</param>
/// <param name="Position">Of the command's first event.</param>
/// <param name="Code">Of a refusal.</param>
public sealed partial record Told(int Status, string Body, bool Again, string By, long Position, string? Code)
{
    public bool IsRefusal => Status >= 400;

    /// <exception cref="InvalidOperationException">An answer without a position: nothing of what is asked here gets
    /// one.</exception>
    public static Told Of(int status, string body, bool again, string by)
    {
        using var json = JsonDocument.Parse(body);
        if (!json.RootElement.TryGetProperty("position", out var position))
            throw new InvalidOperationException($"{by} answers {status} without a position: {body}");
        var code = status >= 400 ? json.RootElement.GetProperty("code").GetString() : null;
        return new(status, Detail().Replace(body, ""), again, by, position.GetInt64(), code);
    }

    [GeneratedRegex("""
        "detail":"(?:[^"\\]|\\.)*",
        """)]
    private static partial Regex Detail();
}

/// <summary>What a reader was told of an account in euros, as of a position.</summary>
/// <param name="Follows">Whether the host that answered said that it follows.</param>
public sealed record Seen(long Position, string Account, long Posted, long PendingDebits, string By, bool Follows);

/// <summary>
/// What callers asked and were told, in real time: who asks now must not be told less than anyone was told before.
/// </summary>
internal sealed class History
{
    private long _told;

    /// <summary>Everything that was ever sent.</summary>
    public ConcurrentDictionary<CommandId, Asked> Sent { get; } = new();

    /// <summary>The first answer to each.</summary>
    public ConcurrentDictionary<CommandId, Told> Answered { get; } = new();

    /// <summary>Answers that were not held against the journal yet.</summary>
    public ConcurrentQueue<(CommandId Id, Told Told)> NewAnswers { get; } = new();

    /// <summary>Reads that were not held against the model yet.</summary>
    public ConcurrentQueue<Seen> NewReads { get; } = new();

    /// <summary>Told of each command that is answered for the first time, and not as a repeat.</summary>
    public Action<Told>? OnDecided { get; set; }

    /// <summary>The highest position that anybody was told.</summary>
    public long Floor => Volatile.Read(ref _told);

    /// <summary>Keeps an answer to a command.</summary>
    /// <param name="floor">As it was before the request was sent.</param>
    /// <exception cref="InvalidOperationException">It was decided before what was known when it was asked, or differs
    /// from the first answer.</exception>
    public void Keep(CommandId id, Told told, long floor)
    {
        if (!Answered.TryAdd(id, told))
        {
            if (told.Status != Answered[id].Status || told.Body != Answered[id].Body)
                throw new InvalidOperationException($"{id} was answered {Answered[id]} and now {told}.");
            return;
        }
        if (!told.Again && told.Position <= floor)
            throw new InvalidOperationException(
                $"{id} was decided at {told.Position} though {floor} was told before it was sent.");
        NewAnswers.Enqueue((id, told));
        if (!told.Again) OnDecided?.Invoke(told);
        Raise(told.Position);
    }

    /// <summary>Keeps an answer to a question.</summary>
    /// <param name="floor">As it was before the question was sent; of a host that follows, what was asked for.</param>
    /// <exception cref="InvalidOperationException">It is older than what was told before it was sent.</exception>
    public void Keep(Seen seen, long floor)
    {
        if (seen.Position < floor)
            throw new InvalidOperationException($"A reader was told {seen} though {floor} was told before it asked.");
        NewReads.Enqueue(seen);
        Raise(seen.Position);
    }

    private void Raise(long position)
    {
        for (var known = Floor; known < position;)
            known = Interlocked.CompareExchange(ref _told, position, known) is var was && was == known ? position : was;
    }
}

/// <summary>Waits for the first command that another host decides after one was lost.</summary>
/// <param name="kind">What was lost, for people.</param>
/// <param name="without">The process that was lost; null where any may answer.</param>
internal sealed class TakeOver(string kind, string? without)
{
    private readonly TaskCompletionSource<long> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _detectable;

    public string Kind => kind;

    /// <summary>From the loss being detectable to the first answer; zero where the answer was faster.</summary>
    public TimeSpan Took
    {
        get
        {
            var ticks = _first.Task.Result - Volatile.Read(ref _detectable);
            return ticks < 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(0, ticks);
        }
    }

    /// <param name="after">From now until the store or another host can know.</param>
    public void DetectableIn(TimeSpan after) =>
        Volatile.Write(ref _detectable, Stopwatch.GetTimestamp() + (long)(after.TotalSeconds * Stopwatch.Frequency));

    public void Hear(Told decided)
    {
        if (decided.By != without && Volatile.Read(ref _detectable) != 0) _first.TrySetResult(Stopwatch.GetTimestamp());
    }

    /// <exception cref="TimeoutException">Nobody decided anything.</exception>
    public Task WaitAsync(TimeSpan longest) => _first.Task.WaitAsync(longest);
}
