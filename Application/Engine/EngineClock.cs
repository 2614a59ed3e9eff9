using System.Diagnostics;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Engine;

/// <summary>Where the engine's time comes from; specs bring their own.</summary>
public interface ITimeSource
{
    /// <summary>Microseconds since 1970 by the machine's clock, which people and daemons set.</summary>
    long WallMicroseconds();

    /// <summary>Microseconds by a clock that only runs forward.</summary>
    long MonotonicMicroseconds();
}

public sealed class MachineTime : ITimeSource
{
    public static MachineTime Instance { get; } = new();

    public long WallMicroseconds() => (DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public long MonotonicMicroseconds() => (long)(Stopwatch.GetTimestamp() * (1_000_000.0 / Stopwatch.Frequency));
}

/// <summary>
/// Engine time: never goes back, follows the monotonic clock, and is drawn to the wall clock slowly. A step of the
/// wall clock that no drift explains holds the book until an operator accepts it.
/// </summary>
public sealed class EngineClock
{
    /// <summary>A difference to the wall clock beyond this is a step, not drift.</summary>
    public const long SuspiciousMicroseconds = 10_000_000;

    /// <summary>Of every this many microseconds that pass, one may be added or left out to close a difference.</summary>
    private const long SlewDivisor = 200;

    private readonly ITimeSource _source;
    private long _now;
    private long _lastMonotonic;
    private long _offset;
    private long _unslewed;

    /// <param name="last">Engine time of the last event in the journal.</param>
    /// <param name="offset">What a sandbox book advanced its clock by, in microseconds.</param>
    public EngineClock(ITimeSource source, Instant last, long offset)
    {
        _source = source;
        Begin(last, offset);
    }

    /// <summary>Counts anew from an event: what a host does that followed and now decides.</summary>
    public void Begin(Instant last, long offset)
    {
        var source = _source;
        _offset = offset;
        _lastMonotonic = source.MonotonicMicroseconds();
        var wall = source.WallMicroseconds() + offset;
        _now = long.Max(wall, last.Microseconds);
        Step = last.Microseconds - wall > SuspiciousMicroseconds ? wall - last.Microseconds : 0;
    }

    /// <summary>The step that is not trusted, in microseconds: negative when the wall clock fell behind; 0 when none.</summary>
    public long Step { get; private set; }

    public bool IsHeld => Step != 0;

    /// <summary>The last reading; any thread.</summary>
    public Instant Last => new(Volatile.Read(ref _now));

    public Instant Now()
    {
        var monotonic = _source.MonotonicMicroseconds();
        var passed = long.Max(0, monotonic - _lastMonotonic);
        _lastMonotonic = monotonic;
        var behind = _source.WallMicroseconds() + _offset - (_now + passed);
        if (Step == 0 && long.Abs(behind) > SuspiciousMicroseconds) Step = behind;
        _unslewed += passed;
        var most = _unslewed / SlewDivisor;
        _unslewed %= SlewDivisor;
        var slew = IsHeld ? 0 : long.Clamp(behind, -most, most);
        _now += passed + slew;
        return new(_now);
    }

    /// <summary>The operator's word: the wall clock is right. Time jumps ahead to it, or waits for it by running on.</summary>
    public void Accept()
    {
        var wall = _source.WallMicroseconds() + _offset;
        if (wall >= _now) _now = wall;
        else _offset += _now - wall;
        Step = 0;
    }

    /// <summary>A sandbox book's clock is advanced.</summary>
    public void Advance(long seconds)
    {
        _offset += seconds * Instant.MicrosecondsPerSecond;
        _now += seconds * Instant.MicrosecondsPerSecond;
    }
}
