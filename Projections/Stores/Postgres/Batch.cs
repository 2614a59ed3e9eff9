using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>Feeds a model from the journal, a bounded number of events at a time.</summary>
internal sealed class Batch(IJournal journal, TableModel model, long position) : IDisposable
{
    private readonly BlockParser _blocks = new(journal, position + 1, ahead: false);
    private ParsedBlock? _block;

    /// <summary>The last event that the model took.</summary>
    public long Position { get; private set; } = position;

    /// <summary>Engine time of that event.</summary>
    public Instant At { get; private set; }

    /// <summary>The journal's root at the position; empty where it lies within a block.</summary>
    public byte[] Root { get; private set; } = [];

    /// <summary>Lets the model take what comes next.</summary>
    /// <param name="limit">Most events.</param>
    /// <returns>How many it took; 0 where nothing further is durable now.</returns>
    /// <exception cref="PoisonException">The model cannot take an event: it has to forget what it took.</exception>
    public int Take(long limit)
    {
        var taken = 0;
        while (taken < limit)
        {
            if (_block is null || _block.LastPosition <= Position) _block = Next();
            if (_block is null) break;
            foreach (ref readonly var item in _block.Events[(int)(Position + 1 - _block.FirstPosition)..])
            {
                if (taken == limit) break;
                Take(item.Head, item.Recorded);
                taken++;
            }
            Root = Position == _block.LastPosition ? _block.Root.ToArray() : [];
        }
        return taken;
    }

    public void Dispose() => _blocks.Dispose();

    private ParsedBlock? Next()
    {
        try
        {
            return _blocks.Next();
        }
        catch (System.Text.Json.JsonException unknown)
        {
            throw new PoisonException(Position + 1, $"{nameof(System.Text.Json.JsonException)}: {unknown.Message}");
        }
    }

    private void Take(in LineHead head, in Domain.Recorded recorded)
    {
        if (head.Position != Position + 1)
            throw new PoisonException(Position + 1, $"Position {Position + 1} is missing.");
        try
        {
            model.Take(head, recorded.Event, recorded.Legs);
        }
#pragma warning disable CA1031 // Whatever is wrong with one read model, the bank and the other models go on.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            throw new PoisonException(head.Position, $"{fault.GetType().Name}: {fault.Message}");
        }
        (Position, At) = (head.Position, head.At);
    }
}
