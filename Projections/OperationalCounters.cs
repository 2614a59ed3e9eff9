using System.Collections.Immutable;
using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Projections;

/// <summary>How often commands of one kind ended in one way.</summary>
/// <param name="Kind">
/// What was asked for, by the wire name of the first event of a command that was accepted, and of the command where
/// it was refused.
/// </param>
/// <param name="Outcome"><c>accepted</c>, <c>faulted</c>, or the code of the refusal.</param>
public readonly record struct CommandCount(string Kind, string Outcome, long Count);

/// <summary>Transfers and entries of one accounting date in one asset.</summary>
/// <param name="Postings">Events that posted in this asset.</param>
/// <param name="Volume">Sum of the debits, minor units; the credits are the same.</param>
public readonly record struct DayVolume(BusinessDate BookedOn, Asset Asset, long Postings, Int128 Volume);

/// <summary>All counters at one position.</summary>
public sealed record CounterReport(
    long Position, IReadOnlyList<CommandCount> Commands, IReadOnlyList<(string Type, long Count)> Events,
    IReadOnlyList<DayVolume> Volumes);

/// <summary>What operators watch: commands by kind and outcome, events by type, volumes by date and asset.</summary>
/// <remarks>A few hundred bytes a kind, and 100 for a date with business in an asset. What the edge refuses never
/// reaches the book, and is not counted.</remarks>
public sealed class OperationalCounters : Projection
{
    private readonly EventSums _sums = new();

    public OperationalCounters() : base("operational_counters", version: 1) { }

    public override Projection Fresh() => new OperationalCounters();

    public override UInt128 Digest()
    {
        var report = Report();
        var hash = UInt128.Zero;
        foreach (var (kind, outcome, count) in report.Commands) Mix($"{kind} {outcome} {count}");
        foreach (var (type, count) in report.Events) Mix($"{type} {count}");
        foreach (var (on, asset, postings, volume) in report.Volumes) Mix($"{on} {asset} {postings} {volume}");
        return hash;

        void Mix(string row) => hash = unchecked(hash * 31 + Hash128.Of(1, Encoding.ASCII.GetBytes(row)));
    }

    /// <summary>All counters, each kind in order.</summary>
    public CounterReport Report()
    {
        using var held = Reading();
        return new(
            Position,
            [.. _sums.Commands.OrderBy(row => row.Kind, StringComparer.Ordinal)
                .ThenBy(row => row.Outcome, StringComparer.Ordinal)],
            [.. _sums.Events.OrderBy(row => row.Type, StringComparer.Ordinal)],
            [.. _sums.Volumes.OrderBy(row => row.BookedOn).ThenBy(row => row.Asset.Code)]);
    }

    protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs) =>
        _sums.Take(head, @event, legs);
}

/// <summary>What events add to the counters: all of a journal in memory, a batch of them on its way into
/// tables.</summary>
internal sealed class EventSums
{
    private readonly Dictionary<Type, long> _accepted = [];
    private readonly Dictionary<(string Kind, string Outcome), long> _refused = [];
    private readonly Dictionary<Type, long> _events = [];
    private readonly Dictionary<(BusinessDate On, AssetCode Asset), DayVolume> _volumes = [];
    private readonly List<Leg> _legs = [];

    public IEnumerable<CommandCount> Commands => _refused
        .Select(pair => new CommandCount(pair.Key.Kind, pair.Key.Outcome, pair.Value))
        .Concat(_accepted.Select(pair => new CommandCount(EventCatalogue.NameOf(pair.Key), "accepted", pair.Value)));

    public IEnumerable<(string Type, long Count)> Events =>
        _events.Select(pair => (EventCatalogue.NameOf(pair.Key), pair.Value));

    public IEnumerable<DayVolume> Volumes => _volumes.Values;

    public void Take(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        Count(_events, @event.GetType());
        switch (@event)
        {
            case CommandEvent.Refused e: Count(_refused, (e.Asked, e.Code)); break;
            case CommandEvent.Faulted e: Count(_refused, (e.Asked, "faulted")); break;
            case var _ when head.Part <= 1: Count(_accepted, @event.GetType()); break;
            default: break;
        }
        PostedLegs.Gather(@event, legs, _legs);
        if (_legs.Count > 0) Add(PostedLegs.Dates(@event).BookedOn);
    }

    public void Clear()
    {
        _accepted.Clear();
        _refused.Clear();
        _events.Clear();
        _volumes.Clear();
    }

    private void Add(BusinessDate on)
    {
        for (var i = 0; i < _legs.Count; i++)
        {
            var leg = _legs[i];
            if (leg.Side == Side.Credit) continue;
            var key = (on, leg.Amount.Asset.Code);
            var sum = _volumes.GetValueOrDefault(key, new(on, leg.Amount.Asset, 0, 0));
            _volumes[key] = sum with
            {
                Postings = sum.Postings + (IsFirst(i) ? 1 : 0),
                Volume = sum.Volume + leg.Amount.Minor,
            };
        }
    }

    /// <summary>Whether no debit before this one is of its asset.</summary>
    private bool IsFirst(int at)
    {
        for (var i = 0; i < at; i++)
        {
            if (_legs[i].Side == Side.Debit && _legs[i].Amount.Asset == _legs[at].Amount.Asset) return false;
        }
        return true;
    }

    private static void Count<TKey>(Dictionary<TKey, long> counts, TKey key) where TKey : notnull =>
        System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(counts, key, out _)++;
}
