using System.Collections.Immutable;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation.Model;

/// <summary>One command of a stream, at one instant.</summary>
/// <param name="Faulty">Whether the engine is made to fail on it, should it come to its postings.</param>
public sealed record Step(Instant Now, Envelope Envelope, Command Command, bool Faulty);

/// <summary>What a stream may know of the past in order to ask for something that is really there.</summary>
/// <param name="Posted">Positions and legs of recent postings.</param>
public sealed record StreamView(ModelState State, IReadOnlyList<(long Position, ImmutableArray<Leg> Legs)> Posted);

/// <summary>
/// Random commands by seed: few accounts, so that they meet; amounts at the edges; ids and names that were used, never
/// existed or lie in the future; reservations that are just running out; time that creeps and leaps.
/// </summary>
public sealed partial class CommandStream(int seed)
{
    private static readonly string[] Names =
    [
        "alice", "bob", "carol", "dave", "bank:cash", "bank:loans", "bank:fees", "bank:costs", "bank:cash",
        "alice", "bob", "agent:vault", "bank:suspense", "bank:retained-earnings", "agent:pledge", "nobody",
        "pos:fx:usd", "eqv:fx:usd",
    ];

    private static readonly string[] Codes =
        ["EUR", "EUR", "EUR", "EUR", "USD", "USD", "BTC", "JPY", "CHF", "KWD", "XQX", "A."];

    private readonly Random _random = new(seed);
    private readonly List<(Envelope Envelope, Command Command)> _recent = [];
    private readonly Queue<Command> _opening = new(Openings());
    private ulong _counter;

    /// <summary>Whether the engine is made to fail on some commands.</summary>
    public bool WithFaults { get; init; } = true;

    /// <summary>The next command; its instant is at or after <paramref name="now"/>.</summary>
    public Step Next(StreamView view, Instant now)
    {
        if (_opening.TryDequeue(out var opening)) return new(now, Fresh(now, caller: 0), opening, Faulty: false);
        now = Later(view.State, now);
        if (_recent.Count > 0 && Chance(4)) return Again(now);
        var command = Chance(4) ? ChainOf(view, now) : One(view, now);
        var envelope = Fresh(now, Chance(6) ? _random.Next(2) + _random.Next(2) : 0);
        if (_recent.Count < 1_500) _recent.Add((envelope, command));
        else _recent[_random.Next(_recent.Count)] = (envelope, command);
        return new(now, envelope, command, Faulty: WithFaults && _random.Next(150) == 0);
    }

    /// <summary>Accounts of every class and limit, so that a stream has something to move from its start.</summary>
    private static IEnumerable<Command> Openings()
    {
        yield return new RegisterAsset(AssetCode.Parse("BTC"), 8, "Bitcoin");
        foreach (var name in new[] { "alice", "bob", "carol" })
            yield return Opening(name, AccountClass.Liability, AccountFlags.DebitsMustNotExceedCredits, "EUR",
                "USD", "BTC");
        yield return Opening("dave", AccountClass.Liability, AccountFlags.None, "EUR", "JPY");
        yield return Opening("bank:cash", AccountClass.Asset, AccountFlags.AnyAsset);
        yield return Opening("bank:loans", AccountClass.Asset, AccountFlags.CreditsMustNotExceedDebits, "EUR", "USD");
        yield return Opening("bank:fees", AccountClass.Income, AccountFlags.None, "EUR", "USD");
        yield return Opening("bank:costs", AccountClass.Expense, AccountFlags.None, "EUR");
        yield return Opening("agent:vault", AccountClass.Memorandum, AccountFlags.None, "BTC", "EUR");
        yield return Opening("agent:pledge", AccountClass.Memorandum, AccountFlags.DebitsMustNotExceedCredits,
            "BTC", "EUR");
    }

    private static OpenAccount Opening(string name, AccountClass @class, AccountFlags flags, params string[] assets) =>
        new(AccountId.Parse(name), @class, Tag.Of("1000"), default, flags,
            [.. assets.Select(code => AssetCode.Parse(code))]);

    /// <summary>
    /// Mostly creeps; at times to the very instant at which something falls due, or a day or half a year on.
    /// </summary>
    private Instant Later(ModelState state, Instant now)
    {
        var pick = _random.Next(4_000);
        if (pick == 0) return now.AddSeconds(_random.Next(86_400, 200 * 86_400));
        if (pick < 12) return now.AddSeconds(_random.Next(3_600, 2 * 86_400));
        if (pick < 120 && Due(state) is { } due && due >= now && due < now.AddSeconds(86_400))
            return due.AddMicroseconds(due > now ? _random.Next(-1, 2) : 0);
        return pick < 2_000 ? now : now.AddMicroseconds(_random.NextInt64(2_000_000));
    }

    private Instant? Due(ModelState state)
    {
        var dues = state.Reservations.Values.Select(row => row.Expires)
            .Concat(state.Restraints.Values.Select(row => row.Until))
            .Concat(state.Restraints.Values.Select(row => (Instant?)row.From))
            .Append(state.CutOff).Where(at => at is not null).Order().ToList();
        return dues.Count == 0 ? null : dues[_random.Next(Math.Min(4, dues.Count))];
    }

    /// <summary>Something that was sent before: the same, with other content, or by another caller.</summary>
    private Step Again(Instant now)
    {
        var (envelope, command) = _recent[_random.Next(_recent.Count)];
        envelope = _random.Next(5) switch
        {
            0 => envelope with { Fingerprint = envelope.Fingerprint + 1 },
            1 => envelope with { Caller = (envelope.Caller + 1) % 3 },
            2 => Fresh(now, envelope.Caller) with { Fingerprint = envelope.Fingerprint },
            _ => envelope,
        };
        return new(now, envelope, command, Faulty: false);
    }

    private Envelope Fresh(Instant now, int caller)
    {
        _counter++;
        // Fingerprints are even, so that the next odd one is always other content.
        var print = ((UInt128)(uint)seed << 64 | _counter) << 1;
        var id = _random.Next(12) == 0 ? FreeText(_counter) : TimeOrdered(now, _random.Next(100) switch
        {
            0 => 300_001,
            1 => 300_000,
            2 => -_random.Next(1, 4_000_000),
            _ => 0,
        });
        return new(new(id), caller, print);
    }

    private UInt128 TimeOrdered(Instant now, long offset)
    {
        var milliseconds = Math.Max(0, now.Microseconds / 1_000 + offset);
        return (UInt128)(ulong)milliseconds << 80 | (UInt128)7 << 76 | (UInt128)2 << 62 | _counter;
    }

    private static UInt128 FreeText(ulong counter) =>
        (UInt128)(counter * 7_919 % (1UL << 48)) << 80 | (UInt128)8 << 76 | (UInt128)2 << 62 | counter;

    private Chain ChainOf(StreamView view, Instant now)
    {
        var length = _random.Next(30) switch { 0 => 0, 1 => 1, 2 => 40, _ => _random.Next(2, 6) };
        var links = ImmutableArray.CreateBuilder<Command>(length);
        for (var i = 0; i < length; i++) links.Add(One(view, now));
        if (length > 1 && Chance(1)) links[0] = new Chain([links[0]]);
        // Links that each open a desk's positions: the engine's follow-ups have an end.
        if (length == 40 && Chance(40))
            return new([.. Enumerable.Range(0, 16).Select(_ => (Command)Exchange(view, now))]);
        return new(links.ToImmutable());
    }

    private bool Chance(int percent) => _random.Next(100) < percent;

    private T Any<T>(IReadOnlyList<T> of) => of[_random.Next(of.Count)];
}
