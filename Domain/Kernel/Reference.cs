using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace BankingEngine.Domain.Kernel;

/// <summary>What a piece of reference data says. Adding a kind adds a case here.</summary>
public abstract record ReferenceContent
{
    private ReferenceContent() { }

    /// <summary>A chart of accounts.</summary>
    public sealed record Chart(ImmutableArray<ChartLine> Lines) : ReferenceContent
    {
        public bool Equals(Chart? other) => other is not null && Lines.AsSpan().SequenceEqual(other.Lines.AsSpan());
        public override int GetHashCode() => Lines.Length;
    }

    /// <summary>Days without business.</summary>
    /// <param name="Weekend">ISO numbers of the weekly days off: 6 and 7 in most of the world.</param>
    public sealed record Calendar(ImmutableArray<int> Weekend, ImmutableArray<BusinessDate> Holidays) : ReferenceContent
    {
        public bool Equals(Calendar? other) => other is not null
            && Weekend.AsSpan().SequenceEqual(other.Weekend.AsSpan())
            && Holidays.AsSpan().SequenceEqual(other.Holidays.AsSpan());

        public override int GetHashCode() => HashCode.Combine(Weekend.Length, Holidays.Length);
    }

    /// <summary>A time zone as its offsets from UTC, first to last.</summary>
    public sealed record Zone(ImmutableArray<ZoneTransition> Transitions) : ReferenceContent
    {
        public bool Equals(Zone? other) =>
            other is not null && Transitions.AsSpan().SequenceEqual(other.Transitions.AsSpan());

        public override int GetHashCode() => Transitions.Length;
    }

    /// <summary>What wallets that nobody verified may hold and spend.</summary>
    /// <param name="WindowSeconds">Of every amount per window.</param>
    /// <param name="EmptiedSeconds">After which an empty wallet is closed.</param>
    public sealed record WalletRule(ImmutableArray<WalletAsset> Assets, int WindowSeconds, int EmptiedSeconds)
        : ReferenceContent
    {
        public bool Equals(WalletRule? other) => other is not null && WindowSeconds == other.WindowSeconds
            && EmptiedSeconds == other.EmptiedSeconds && Assets.AsSpan().SequenceEqual(other.Assets.AsSpan());

        public override int GetHashCode() => HashCode.Combine(Assets.Length, WindowSeconds, EmptiedSeconds);
    }

    /// <summary>What assets are worth in the functional currency.</summary>
    public sealed record PriceSet(ImmutableArray<AssetPrice> Prices) : ReferenceContent
    {
        public bool Equals(PriceSet? other) =>
            other is not null && Prices.AsSpan().SequenceEqual(other.Prices.AsSpan());

        public override int GetHashCode() => Prices.Length;
    }

    /// <summary>Anything else that must be provable: a tariff sheet, a rule set, a list; as text.</summary>
    public sealed record Document(string Text) : ReferenceContent;
}

/// <summary>One heading of a chart of accounts.</summary>
/// <param name="Class">
/// The class its accounts have, by name: asset, liability, equity, income, expense, memorandum.
/// </param>
public readonly record struct ChartLine(Tag Code, string Class, string Title)
{
    /// <summary>The names of the classes.</summary>
    public static ImmutableArray<string> Classes { get; } =
        ["asset", "liability", "equity", "income", "expense", "memorandum"];
}

/// <summary>What one whole unit of an asset is worth in the functional currency.</summary>
/// <param name="Price">Zero or more.</param>
public readonly record struct AssetPrice(AssetCode Asset, Rate Price);

/// <summary>What a wallet that nobody verified may hold and spend of an asset; all amounts are of it.</summary>
/// <param name="OpeningMinimum">The least credit that opens a wallet.</param>
/// <param name="PerTransaction">The most that one entry may take, net.</param>
/// <param name="PerWindow">The most that all entries of a window may take.</param>
/// <param name="MaxBalance">The most that it may hold, credits under way included.</param>
public sealed record WalletAsset(Amount OpeningMinimum, Amount PerTransaction, Amount PerWindow, Amount MaxBalance)
{
    /// <summary>Which.</summary>
    internal AssetCode Asset => OpeningMinimum.Asset.Code;
}

/// <summary>Publishes the next version of a piece of reference data.</summary>
/// <param name="InForceFrom">First business date on which it is in force.</param>
public sealed record PublishReference(Tag Name, BusinessDate InForceFrom, ReferenceContent Content, Tag Approver)
    : Command;

public abstract record ReferenceEvent : Event
{
    private ReferenceEvent() { }

    /// <param name="Version">From 1, without gaps, by name.</param>
    /// <param name="Author">The key that published it.</param>
    /// <param name="Approver">Who approved it, as a code of the bank's own.</param>
    public sealed record Published(
        Tag Name, int Version, BusinessDate InForceFrom, ReferenceContent Content, Tag Author, Tag Approver)
        : ReferenceEvent;
}

[StructLayout(LayoutKind.Sequential)]
public readonly record struct ReferenceKey(Tag Name, long Version, long Filler) : IComparable<ReferenceKey>
{
    public ReferenceKey(Tag name, long version) : this(name, version, 0) { }

    public int CompareTo(ReferenceKey other) =>
        Name != other.Name ? Name.CompareTo(other.Name) : Version.CompareTo(other.Version);
}

public readonly record struct ReferenceRow(ReferenceKey Key, ReferenceEvent.Published Published)
    : IRow<ReferenceRow, ReferenceKey>
{
    public static void Write(in ReferenceRow row, ref RowWriter to)
    {
        var p = row.Published;
        to.Value(row.Key);
        to.Value(p.InForceFrom);
        to.Value(p.Author);
        to.Value(p.Approver);
        switch (p.Content)
        {
            case ReferenceContent.Document d:
                to.Value((int)Kind.Document);
                to.Text(d.Text);
                break;
            case ReferenceContent.Calendar c:
                to.Value((int)Kind.Calendar);
                to.Values(c.Weekend.AsSpan());
                to.Values(c.Holidays.AsSpan());
                break;
            case ReferenceContent.Zone z:
                to.Value((int)Kind.Zone);
                to.Values(z.Transitions.Select(t => t.At).ToArray().AsSpan());
                to.Values(z.Transitions.Select(t => t.OffsetSeconds).ToArray().AsSpan());
                break;
            case ReferenceContent.Chart c:
                to.Value((int)Kind.Chart);
                to.Value(c.Lines.Length);
                foreach (var line in c.Lines)
                {
                    to.Value(line.Code);
                    to.Text(line.Class);
                    to.Text(line.Title);
                }
                break;
            case ReferenceContent.WalletRule w:
                to.Value((int)Kind.WalletRule);
                to.Value(w.WindowSeconds);
                to.Value(w.EmptiedSeconds);
                to.Value(w.Assets.Length);
                foreach (var asset in w.Assets)
                {
                    to.Value(asset.OpeningMinimum);
                    to.Value(asset.PerTransaction);
                    to.Value(asset.PerWindow);
                    to.Value(asset.MaxBalance);
                }
                break;
            case ReferenceContent.PriceSet s:
                to.Value((int)Kind.PriceSet);
                to.Value(s.Prices.Length);
                foreach (var price in s.Prices)
                {
                    to.Value(price.Asset);
                    to.Value(price.Price.Parts);
                }
                break;
            default: throw new System.Diagnostics.UnreachableException(p.Content.GetType().Name);
        }
    }

    public static ReferenceRow Read(ref RowReader from)
    {
        var key = from.Value<ReferenceKey>();
        var inForce = from.Value<BusinessDate>();
        var author = from.Value<Tag>();
        var approver = from.Value<Tag>();
        ReferenceContent content = (Kind)from.Value<int>() switch
        {
            Kind.Document => new ReferenceContent.Document(from.Text()),
            Kind.Calendar => new ReferenceContent.Calendar([.. from.Values<int>()], [.. from.Values<BusinessDate>()]),
            Kind.Zone => new ReferenceContent.Zone(
                [.. from.Values<Instant>().Zip(from.Values<int>(), (at, offset) => new ZoneTransition(at, offset))]),
            Kind.Chart => new ReferenceContent.Chart(LinesOf(ref from)),
            Kind.WalletRule => WalletRuleOf(ref from),
            Kind.PriceSet => PriceSetOf(ref from),
            var kind => throw new SnapshotRefusedException($"No reference content of kind {kind}."),
        };
        return new(key, new(key.Name, (int)key.Version, inForce, content, author, approver));
    }

    private static ImmutableArray<ChartLine> LinesOf(ref RowReader from)
    {
        var lines = new ChartLine[from.Value<int>()];
        for (var i = 0; i < lines.Length; i++) lines[i] = new(from.Value<Tag>(), from.Text(), from.Text());
        return [.. lines];
    }

    private static ReferenceContent.WalletRule WalletRuleOf(ref RowReader from)
    {
        var (window, emptied) = (from.Value<int>(), from.Value<int>());
        var assets = new WalletAsset[from.Value<int>()];
        for (var i = 0; i < assets.Length; i++)
        {
            assets[i] = new(
                from.Value<Amount>(), from.Value<Amount>(), from.Value<Amount>(), from.Value<Amount>());
        }
        return new([.. assets], window, emptied);
    }

    private static ReferenceContent.PriceSet PriceSetOf(ref RowReader from)
    {
        var prices = new AssetPrice[from.Value<int>()];
        for (var i = 0; i < prices.Length; i++) prices[i] = new(from.Value<AssetCode>(), new(from.Value<Int128>()));
        return new([.. prices]);
    }

    private enum Kind
    {
        Document = 1,
        Calendar,
        Zone,
        Chart,
        WalletRule,
        PriceSet,
    }
}

/// <summary>
/// All that is configured and must be provable: name, version, in force from, content, author, approver.
/// </summary>
public sealed class References
{
    public const int MaxDocumentLength = 65_536;
    public const int MaxChartLines = 2_000, MaxPrices = 1_000;

    public static readonly Rejection
        TooLarge = new(
            "reference.too_large",
            "A document has at most 65,536 characters, a chart 2,000 lines, a price set 1,000."),
        Malformed = new(
            "reference.malformed", "The content does not make sense: dates or transitions out of order, or empty."),
        KindDiffers = new("reference.kind_differs", "A name of reference data keeps the kind of its first version."),
        InForceInPast = new("reference.in_force_in_past", "Reference data comes into force today or later.");

    public References(Tables tables)
    {
        Rows = new(tables, "kernel.references");
        InOrder = Rows.Ordered(static (in ReferenceRow r, out ReferenceKey k) => { k = r.Key; return true; },
            unique: true);
    }

    public Table<ReferenceKey, ReferenceRow> Rows { get; }

    public OrderedIndex<ReferenceRow, ReferenceKey> InOrder { get; }

    public Decision Decide(in Moment at, PublishReference c, Tag author)
    {
        if (c.InForceFrom < at.Today) return InForceInPast;
        if (Check(c.Content) is { } no) return no;
        var latest = LatestVersion(c.Name);
        if (latest > 0 && Rows[Rows.Find(new(c.Name, latest))].Published.Content.GetType() != c.Content.GetType())
            return KindDiffers;
        return new ReferenceEvent.Published(c.Name, latest + 1, c.InForceFrom, c.Content, author, c.Approver);
    }

    public void Evolve(ReferenceEvent @event)
    {
        if (@event is not ReferenceEvent.Published e)
            throw new System.Diagnostics.UnreachableException(@event.GetType().Name);
        Rows.Insert(new(new(e.Name, e.Version), e));
    }

    /// <summary>The version in force on a date: the newest of those that had begun; null when none had.</summary>
    public ReferenceEvent.Published? InForce(Tag name, BusinessDate date)
    {
        ReferenceEvent.Published? found = null;
        foreach (var (key, row) in InOrder.From(new(name, 0)))
        {
            if (key.Name != name) break;
            if (Rows[row].Published.InForceFrom <= date) found = Rows[row].Published;
        }
        return found;
    }

    public int LatestVersion(Tag name)
    {
        var latest = 0;
        foreach (var (key, _) in InOrder.From(new(name, 0)))
        {
            if (key.Name != name) break;
            latest = (int)key.Version;
        }
        return latest;
    }

    private static Rejection? Check(ReferenceContent content) => content switch
    {
        ReferenceContent.Document d => d.Text.Length is 0 or > MaxDocumentLength ? TooLarge : null,
        ReferenceContent.Chart { Lines.Length: 0 or > MaxChartLines } => TooLarge,
        ReferenceContent.Chart c => IsChart(c.Lines) ? null : Malformed,
        ReferenceContent.Calendar c => IsAscending(c.Holidays) && c.Weekend.Length < 7
            && c.Holidays.Length <= BusinessCalendar.MaxHolidays && c.Weekend.All(d => d is >= 1 and <= 7)
            && !IsClosedTooLong(c)
                ? null : Malformed,
        ReferenceContent.Zone z =>
            IsAscending(z.Transitions) && z.Transitions[0].At == Instant.First ? null : Malformed,
        ReferenceContent.PriceSet { Prices.Length: 0 or > MaxPrices } => TooLarge,
        ReferenceContent.PriceSet s => IsPriceSet(s.Prices) ? null : Malformed,
        // Its own capability checks it, which knows the book's assets.
        ReferenceContent.WalletRule => null,
        _ => throw new System.Diagnostics.UnreachableException(content.GetType().Name),
    };

    /// <summary>A business date must find the next: no run of free days is longer than calendars search.</summary>
    private static bool IsClosedTooLong(ReferenceContent.Calendar c)
    {
        const int week = 7;
        var weekend = c.Weekend.Aggregate(0, (days, day) => days | 1 << day);
        var closed = 0;
        for (var i = 0; i < c.Holidays.Length; i++)
        {
            var from = i == 0 ? c.Holidays[0].Day : c.Holidays[i - 1].Day + 1;
            for (var day = int.Max(from, c.Holidays[i].Day - week); day < c.Holidays[i].Day; day++)
                closed = (weekend & 1 << (int)new BusinessDate(day).Weekday) != 0 ? closed + 1 : 0;
            if (++closed > BusinessCalendar.MaxClosedDays - week) return true;
        }
        return false;
    }

    private static bool IsChart(ImmutableArray<ChartLine> lines)
    {
        var codes = new HashSet<Tag>();
        foreach (var line in lines)
        {
            if (line.Code.IsNone || !ChartLine.Classes.Contains(line.Class) || !codes.Add(line.Code)) return false;
        }
        return true;
    }

    /// <summary>Each asset once, none below zero.</summary>
    private static bool IsPriceSet(ImmutableArray<AssetPrice> prices)
    {
        var assets = new HashSet<AssetCode>();
        foreach (var price in prices)
        {
            if (price.Asset.IsNone || price.Price.Parts < 0 || !assets.Add(price.Asset)) return false;
        }
        return true;
    }

    private static bool IsAscending(ImmutableArray<BusinessDate> dates)
    {
        for (var i = 1; i < dates.Length; i++)
        {
            if (dates[i] <= dates[i - 1]) return false;
        }
        return true;
    }

    private static bool IsAscending(ImmutableArray<ZoneTransition> transitions)
    {
        if (transitions.Length is 0 or > ZoneRule.MaxTransitions) return false;
        for (var i = 0; i < transitions.Length; i++)
        {
            if (int.Abs(transitions[i].OffsetSeconds) > ZoneRule.MaxOffsetSeconds) return false;
            if (i > 0 && transitions[i].At <= transitions[i - 1].At) return false;
        }
        return true;
    }
}
