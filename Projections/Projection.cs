using System.Collections.Immutable;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Projections;

/// <summary>An event that a projection could not take; it takes no further one.</summary>
/// <param name="Position">Of the event.</param>
public sealed record ProjectionFault(long Position, string Reason);

/// <summary>Why a projection could not be built anew; the one that was to be replaced goes on as it is.</summary>
/// <param name="At">By the host's own clock.</param>
public sealed record RebuildFailure(Instant At, string Reason);

/// <summary>Where a projection stands.</summary>
/// <param name="Position">Last event whose rows are in.</param>
/// <param name="Durable">Last event there is.</param>
/// <param name="BehindSince">Engine time of the last event that is in, while others wait; null when it is
/// level.</param>
/// <param name="Fault">Null while it goes on.</param>
/// <param name="Rebuilding">Last event that is in the one built anew beside it; null when none is.</param>
/// <param name="LastError">Why its store could not be written to the last time; null since it could.</param>
/// <param name="RebuildFailed">Of the last rebuild that this host was asked for; null when it succeeded.</param>
public sealed record ProjectionLag(
    string Name, int Version, long Position, long Durable, Instant? BehindSince, ProjectionFault? Fault,
    long? Rebuilding = null, string? LastError = null, RebuildFailure? RebuildFailed = null);

/// <summary>A question to a projection that has stopped.</summary>
public sealed class ProjectionStoppedException(string name, ProjectionFault fault)
    : Exception($"The projection {name} stopped at position {fault.Position}: {fault.Reason}")
{
    public ProjectionFault Fault { get; } = fault;
}

/// <summary>
/// A read model: rows that are a pure function of the events up to <see cref="Position"/>. One thread feeds it, block
/// by block; any thread asks, and sees the rows of whole events.
/// </summary>
/// <param name="name">Stable; names it on the wire and in stores.</param>
/// <param name="version">Raised when the same events give other rows: what an older version stored is built
/// anew.</param>
public abstract class Projection(string name, int version)
{
    private readonly Lock _rows = new();
    private ProjectionFault? _fault;
    private long _position;

    public string Name { get; } = name;

    public int Version { get; } = version;

    /// <summary>Last event whose rows are in.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>Engine time of that event.</summary>
    public Instant At { get; private set; }

    /// <summary>Set when an event could not be taken: what was half done must not be shown, so every question
    /// throws.</summary>
    public ProjectionFault? Fault => Volatile.Read(ref _fault);

    /// <summary>An empty one of the same kind, to be built anew beside this one.</summary>
    public abstract Projection Fresh();

    /// <summary>A hash of all rows, found by visiting them: equal for equal rows, whenever they were built.</summary>
    public abstract UInt128 Digest();

    /// <summary>The position and the digest of the rows at it, of one moment.</summary>
    /// <exception cref="ProjectionStoppedException">An event could not be taken.</exception>
    public (long Position, UInt128 Digest) Fingerprint()
    {
        using var held = Reading();
        return (Position, Digest());
    }

    /// <summary>Takes the events of a block that are still to come. Stops for good at one that fails.</summary>
    /// <param name="through">Last position to take.</param>
    public void Feed(ParsedBlock block, long through = long.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(block);
        if (_fault is not null) return;
        lock (_rows)
        {
            var next = _position + 1;
            try
            {
                foreach (ref readonly var item in block.Events)
                {
                    if (item.Head.Position < next) continue;
                    if (item.Head.Position > through) return;
                    if (item.Head.Position > next) throw new InvalidOperationException($"Position {next} is missing.");
                    Apply(item.Head, item.Recorded.Event, item.Recorded.Legs);
                    At = item.Head.At;
                    Volatile.Write(ref _position, next++);
                }
            }
#pragma warning disable CA1031 // Whatever is wrong with one read model, the bank and the other models go on.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                Stop(new(next, $"{fault.GetType().Name}: {fault.Message}"));
            }
        }
    }

    internal void Stop(ProjectionFault fault) => Volatile.Write(ref _fault, fault);

    /// <summary>Turns one event into rows. Pure: no clock, no chance, nothing but the event and earlier rows.</summary>
    /// <param name="head">Position, time, caller and command.</param>
    /// <param name="legs">What stands beside the data; see <see cref="PostedLegs"/>.</param>
    protected abstract void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs);

    /// <summary>Holds the rows still while a question is answered; keep it short, the feed waits.</summary>
    /// <exception cref="ProjectionStoppedException">An event could not be taken.</exception>
    protected Lock.Scope Reading()
    {
        var held = _rows.EnterScope();
        if (_fault is not { } fault) return held;
        held.Dispose();
        throw new ProjectionStoppedException(Name, fault);
    }
}
