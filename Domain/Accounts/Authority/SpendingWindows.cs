using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>A part of a window in which an asset was spent under a permission.</summary>
/// <param name="Until">Its end, exclusive.</param>
/// <remarks>Ninety-six bytes without padding.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct SpentKey(AssetCode Asset, Level Level, Instant Until, long Filler) : IComparable<SpentKey>
{
    public SpentKey(Level level, AssetCode asset, Instant until) : this(asset, level, until, 0) { }

    public int CompareTo(SpentKey other) =>
        Level != other.Level ? Level.CompareTo(other.Level)
        : Asset != other.Asset ? Asset.CompareTo(other.Asset) : Until.CompareTo(other.Until);
}

[StructLayout(LayoutKind.Sequential)]
public readonly record struct SpentRow(Int128 Minor, SpentKey Key) : IRow<SpentRow, SpentKey>;

/// <summary>
/// What was spent in rolling windows. A window is counted in sixteen parts of equal length, of which each counts whole
/// until it has left the window: so no window of that length, wherever it begins, ever holds more than the limit, and
/// what was spent is free again after the window and at most a sixteenth of it.
/// </summary>
public sealed class SpendingWindows
{
    /// <summary>Parts of a window; with the one that is leaving it, seventeen rows are looked at.</summary>
    public const int Parts = 16;

    /// <summary>366 days.</summary>
    public const int MaxWindowSeconds = 31_622_400;

    public SpendingWindows(Tables tables)
    {
        Rows = new(tables, "accounts.spent");
        InOrder = Rows.Ordered(static (in SpentRow r, out SpentKey k) => { k = r.Key; return true; }, unique: true);
    }

    public Table<SpentKey, SpentRow> Rows { get; }
    public OrderedIndex<SpentRow, SpentKey> InOrder { get; }

    /// <summary>What counts of the window that ends now.</summary>
    public Int128 SpentIn(Level level, AssetCode asset, int windowSeconds, Instant now) =>
        Counted(level, asset, windowSeconds, now).Spent;

    /// <summary>The same, and when the last part of it will have left the window; now where nothing counts.</summary>
    public (Int128 Spent, Instant WholeFrom) Counted(Level level, AssetCode asset, int windowSeconds, Instant now)
    {
        Int128 sum = 0;
        var (begin, wholeFrom) = (Begin(windowSeconds, now), now);
        foreach (var (key, row) in InOrder.From(new(level, asset, begin)))
        {
            if (key.Level != level || key.Asset != asset) break;
            // A part that ends just when the window begins has left it.
            if (key.Until <= begin) continue;
            sum += Rows[row].Minor;
            wholeFrom = key.Until.AddSeconds(windowSeconds);
        }
        return (sum, wholeFrom);
    }

    /// <summary>
    /// First instant at which an amount fits the window, if nothing else is spent; none when it never does.
    /// </summary>
    public Instant? FitsFrom(Level level, in Amount amount, in Amount limit, int windowSeconds, Instant now)
    {
        if (amount > limit) return null;
        var spent = SpentIn(level, amount.Asset.Code, windowSeconds, now);
        if (spent + amount.Minor <= limit.Minor) return now;
        foreach (var (key, row) in InOrder.From(new(level, amount.Asset.Code, Begin(windowSeconds, now))))
        {
            if (key.Level != level || key.Asset != amount.Asset.Code) break;
            if (key.Until <= Begin(windowSeconds, now)) continue;
            spent -= Rows[row].Minor;
            if (spent + amount.Minor <= limit.Minor) return key.Until.AddSeconds(windowSeconds);
        }
        return null;
    }

    /// <summary>What is to be noted of an amount that is spent now.</summary>
    public static SpendingEvent.Spent Note(Level level, in Amount amount, int windowSeconds, Instant now)
    {
        var part = windowSeconds * (Instant.MicrosecondsPerSecond / Parts);
        var until = new Instant((now.Microseconds / part + 1) * part);
        return new(level.Account, level.Permission, amount, until, Begin(windowSeconds, now));
    }

    public void Evolve(SpendingEvent.Spent e)
    {
        var level = new Level(e.Account, e.Permission);
        Forget(level, e.Amount.Asset.Code, e.Since);
        var key = new SpentKey(level, e.Amount.Asset.Code, e.Until);
        var row = Rows.Find(key);
        if (row < 0) Rows.Insert(new(e.Amount.Minor, key));
        else Rows.Update(row, new(Rows[row].Minor + e.Amount.Minor, key));
    }

    /// <summary>Forgets the parts that ended by then.</summary>
    public void Forget(Level level, AssetCode asset, Instant until)
    {
        foreach (var (key, row) in InOrder.From(new(level, asset, Instant.First)))
        {
            if (key.Level != level || key.Asset != asset || key.Until > until) break;
            Rows.Delete(row);
        }
    }

    /// <summary>Forgets all that was spent under a permission, of every asset.</summary>
    public void Forget(Level level)
    {
        foreach (var (key, row) in InOrder.From(new(level, default, Instant.First)))
        {
            if (key.Level != level) break;
            Rows.Delete(row);
        }
    }

    private static Instant Begin(int windowSeconds, Instant now) =>
        now.TryAdd(-windowSeconds * Instant.MicrosecondsPerSecond, out var begin) ? begin : Instant.First;
}
