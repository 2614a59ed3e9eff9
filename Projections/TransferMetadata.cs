using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections.Stores;

namespace BankingEngine.Projections;

/// <summary>A page of transfers that may carry a pair of metadata.</summary>
/// <param name="Next">Where the next page begins; null when there is nothing further.</param>
/// <param name="Position">What the page is true at.</param>
public sealed record MetadataPage(IReadOnlyList<TransferId> Transfers, int? Next, long Position);

/// <summary>Which transfers and entries carry a pair of metadata; the pairs themselves stand in the journal.</summary>
/// <remarks>40 bytes a pair with its index entries; what carries none takes nothing.</remarks>
public sealed class TransferMetadata : Projection
{
    private const int None = -1;
    private const ulong PairSeed = 2;

    private readonly Pages<PairRow> _pairs = new();
    private readonly RowIndex<ulong, PairKeys> _first;
    private readonly RowIndex<PairOf, TransferKeys> _known;

    public TransferMetadata() : base("transfer_metadata", version: 1)
    {
        _first = new(new(_pairs));
        _known = new(new(_pairs));
    }

    public override Projection Fresh() => new TransferMetadata();

    public override UInt128 Digest()
    {
        using var held = Reading();
        return _pairs.Hash(0);
    }

    /// <summary>Transfers that may carry a pair, in the order in which they first did.</summary>
    /// <remarks>Pairs are kept as 64-bit hashes: compare with the events before you show one.</remarks>
    /// <param name="from">Where the page before ended; null: from the first.</param>
    public MetadataPage With(string key, string value, int? from, int limit)
    {
        using var held = Reading();
        var hash = HashOf(key, value);
        var row = from ?? _first.Find(hash);
        // A mark that is not of this pair's list finds nothing.
        if (row >= _pairs.Count || (row >= 0 && _pairs[row].Hash != hash)) row = None;
        var found = new List<TransferId>();
        for (; row >= 0 && found.Count < limit; row = _pairs[row].Next) found.Add(_pairs[row].Transfer);
        return new(found, row < 0 ? null : row, Position);
    }

    /// <summary>Whether metadata has a pair, exactly.</summary>
    public static bool Has(Metadata? metadata, string key, string value)
    {
        if (metadata is null) return false;
        using var pairs = JsonDocument.Parse(metadata.Json);
        return pairs.RootElement.TryGetProperty(key, out var found) && found.ValueEquals(value);
    }

    protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        if (PostedLegs.Said(@event)?.Metadata is not { } metadata) return;
        if (PostedLegs.NameOf(@event) is not { } transfer) return;
        using var pairs = JsonDocument.Parse(metadata.Json);
        foreach (var pair in pairs.RootElement.EnumerateObject())
            Add(HashOf(pair.Name, pair.Value.GetString()!), transfer);
    }

    /// <summary>A part that repeats a pair of its reservation adds nothing.</summary>
    private void Add(ulong hash, TransferId transfer)
    {
        if (_known.Find(new(transfer, hash)) >= 0) return;
        var first = _first.Find(hash);
        var made = _pairs.Add(new(transfer, hash, None, None));
        _known.Add(made);
        if (first < 0)
        {
            _pairs[made].Last = made;
            _first.Add(made);
            return;
        }
        _pairs[_pairs[first].Last].Next = made;
        _pairs[first].Last = made;
    }

    private static ulong HashOf(string key, string value) =>
        Hash128.Hash64(Encoding.UTF8.GetBytes($"{key}\n{value}"), PairSeed);

    /// <param name="Last">On the first row of a pair: its last row.</param>
    [StructLayout(LayoutKind.Sequential)]
    private record struct PairRow(TransferId Transfer, ulong Hash, int Next, int Last);

    private readonly record struct PairOf(TransferId Transfer, ulong Hash);

    private readonly struct PairKeys(Pages<PairRow> rows) : IRowKeys<ulong>
    {
        public ulong HashOf(in ulong key) => key;

        public ulong KeyOf(int row) => rows[row].Hash;
    }

    private readonly struct TransferKeys(Pages<PairRow> rows) : IRowKeys<PairOf>
    {
        public ulong HashOf(in PairOf key) => Hash128.Hash64(BitConverter.GetBytes(key.Transfer.Value), key.Hash);

        public PairOf KeyOf(int row) => new(rows[row].Transfer, rows[row].Hash);
    }
}
