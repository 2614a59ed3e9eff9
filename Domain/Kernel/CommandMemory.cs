using System.Runtime.InteropServices;

namespace BankingEngine.Domain.Kernel;

/// <summary>Who asks, under which id, and what exactly: what makes a command the same command.</summary>
/// <param name="Caller">
/// Row of the caller's key; −1 for the engine itself, whose commands are not remembered; −2 for who signs without one.
/// </param>
/// <param name="Fingerprint">
/// Of the content as the channel sent it, personal parts as keyed tokens; of a signed command, the first half of the
/// SHA-256 of the signed bytes.
/// </param>
/// <param name="Proof">What was signed; null when nothing was.</param>
public readonly record struct Envelope(CommandId Id, int Caller, UInt128 Fingerprint, Proof? Proof = null)
{
    public const int Engine = -1, Signer = -2;
}

/// <summary>
/// The record of every "no" and fault, so that a repeat gets the same answer after restart and take-over.
/// </summary>
public abstract record CommandEvent : Event
{
    private CommandEvent() { }

    /// <param name="Asked">Wire name of the command.</param>
    /// <param name="Link">The link of a chain that broke it, from 1; 0 when the command stood alone.</param>
    public sealed record Refused(string Asked, string Code, string Why, RejectionKind Kind, int Link) : CommandEvent;

    /// <summary>
    /// The engine failed on this content; the command was undone, and its content is refused from now on.
    /// </summary>
    /// <param name="Fault">Names the fault in the logs.</param>
    public sealed record Faulted(string Asked, string Fault) : CommandEvent;
}

/// <summary>48 bytes; one per remembered command.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct MemoryRow(UInt128 Id, UInt128 Fingerprint, long Position, int Caller, int Parts)
    : IRow<MemoryRow, UInt128>
{
    public UInt128 Key => Id;
}

[StructLayout(LayoutKind.Sequential)]
public readonly record struct FaultyRow(UInt128 Fingerprint) : IRow<FaultyRow, UInt128>
{
    public UInt128 Key => Fingerprint;
}

/// <summary>Where the memory stands.</summary>
/// <param name="Oldest">Row that is forgotten next, once the memory is full.</param>
/// <param name="HorizonMilliseconds">Ids made at this time or before may have been forgotten: they are refused.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct MemoryMark(long Oldest, long HorizonMilliseconds) : IRow<MemoryMark, long>
{
    public long Key => 0;
}

/// <summary>
/// The last commands by id, so that nothing happens twice. An id is remembered with its caller and content; when the
/// memory is full the oldest is forgotten, and from then on no time-ordered id as old as that is taken.
/// </summary>
public sealed class CommandMemory
{
    /// <summary>How far a time-ordered id may run ahead of the engine's clock.</summary>
    public const long MaxAheadMilliseconds = 300_000;

    public static readonly Rejection
        Reused = new("command.id_reused", "This id was used by another command of yours with other content."),
        Taken = new("command.id_taken", "This id was used by another caller.", RejectionKind.Conflict),
        TooOld = new("command.id_too_old", "The id is older than the memory of ids: take a new one."),
        FromFuture = new("command.id_from_future", "The id was made with a clock far ahead of the book's.");

    private readonly Table<UInt128, MemoryRow> _rows;
    private readonly Table<long, MemoryMark> _mark;
    private readonly Table<UInt128, FaultyRow> _faulty;

    public CommandMemory(Tables tables)
    {
        _rows = new(tables, "kernel.command_memory");
        _mark = new(tables, "kernel.command_memory_mark");
        _faulty = new(tables, "kernel.faulty_content");
    }

    public int Count => _rows.Count;

    public bool TryFind(CommandId id, out MemoryRow row) => _rows.TryGet(id.Value, out row);

    public bool IsFaulty(UInt128 fingerprint) => _faulty.Count > 0 && _faulty.Find(fingerprint) >= 0;

    /// <summary>Whether an id that is not remembered may be new.</summary>
    public Rejection? Check(CommandId id, Instant now)
    {
        if (id.Version != 7) return null;
        var made = id.UnixMilliseconds;
        if (_mark.Count > 0 && made <= _mark[0].HorizonMilliseconds) return TooOld;
        return made > now.Microseconds / 1_000 + MaxAheadMilliseconds ? FromFuture : null;
    }

    public void Remember(in MemoryRow row, int capacity)
    {
        if (_rows.Count >= capacity) Forget(capacity);
        _rows.Insert(row);
    }

    /// <summary>How many events a command's answer has, once all its links have run.</summary>
    public void SetParts(CommandId id, int parts)
    {
        var row = _rows.Find(id.Value);
        _rows.Update(row, _rows[row] with { Parts = parts });
    }

    /// <summary>
    /// Content that made the engine fail. Its own commands have no fingerprint: they are parked instead.
    /// </summary>
    public void RememberFaulty(UInt128 fingerprint)
    {
        if (fingerprint != 0 && _faulty.Find(fingerprint) < 0) _faulty.Insert(new(fingerprint));
    }

    /// <summary>Rows are filled in order and freed one at a time, so the oldest row moves round the table.</summary>
    private void Forget(int capacity)
    {
        if (_mark.Count == 0) _mark.Insert(new(0, 0));
        var mark = _mark[0];
        ref readonly var oldest = ref _rows[(int)mark.Oldest];
        var id = new CommandId(oldest.Id);
        var made = id.Version == 7 ? id.UnixMilliseconds : 0;
        var horizon = long.Max(mark.HorizonMilliseconds, made);
        _rows.Delete((int)mark.Oldest);
        _mark.Update(0, new((mark.Oldest + 1) % capacity, horizon));
    }
}
