namespace BankingEngine.Application.Journal;

/// <summary>Reads a shared journal up to its tail: from memory at the tail, else whole blocks from the store, many at a
/// time. Every block is verified as it is returned.</summary>
/// <remarks>Where the store does not answer, it asks again for at most <see cref="JournalTimes.Settle"/>.</remarks>
/// <param name="most">Blocks fetched at first; as sizes become known, about <see cref="BatchBytes"/>.</param>
internal sealed class SharedJournalReader(SharedJournal journal, long from, int most) : JournalReader
{
    /// <summary>Blocks fetched before their size is known.</summary>
    public const int FirstBlocks = 8;

    /// <summary>Most blocks fetched at once.</summary>
    private const int MostBlocks = 512;

    /// <summary>Bytes that are worth a question.</summary>
    private const int BatchBytes = 4 * 1024 * 1024;

    private readonly StoredBlocks _batch = new();
    private readonly int[] _starts = new int[JournalLimits.BlockEvents + 1];
    private readonly byte[] _root = new byte[JournalLimits.RootBytes];
    private WalkPoint? _next = journal.StartAt(from);
    private int _taken;
    private bool _disposed;

    public override bool MoveNext()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (journal.Tail.Position < from) return false;
        _next ??= SharedJournal.Patiently(() => journal.Locate(from, _batch));
        var at = _next.Value;
        if (at.Block > journal.Tail.Block) return false;
        if (_taken == _batch.Count) Fill(at);

        var stored = _batch.Stored(_taken, out var lines);
        if (BlockShape.Fault(stored.Span, lines, at, _root, _starts, out var seal) is { } fault)
        {
            Empty();
            throw journal.Damaged(at, fault);
        }
        _taken++;
        _next = new WalkPoint(0, at.Block + 1, seal.Size + 1, seal.Crc);
        Current = new(at.Block, at.Position, stored[..lines], _starts.AsMemory(0, (int)seal.Events + 1), _root);
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        if (_disposed) return;
        _disposed = true;
        Current = default;
        _batch.Dispose();
    }

    private void Fill(WalkPoint at)
    {
        if (_batch.Count > 0)
            most = (int)Math.Clamp((long)BatchBytes * _batch.Count / Math.Max(1, _batch.Bytes), 1, MostBlocks);
        Empty();
        if (journal.Recent.TryCopy(at.Block, _batch)) return;
        SharedJournal.Patiently(() =>
        {
            Empty();
            journal.FetchAfter(at.Block - 1, at.Position - 1, most, _batch);
            return true;
        });
        if (_batch.Count == 0)
            throw journal.Damaged(at, $"block {at.Block} is missing, though later ones are durable");
    }

    private void Empty()
    {
        _batch.Clear();
        _taken = 0;
    }
}
