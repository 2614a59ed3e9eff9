using System.Text;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Domain.Ledger;

/// <summary>The bank's words, so that a spec reads as one sentence.</summary>
internal static class Words
{
    public const AccountFlags Unlimited = AccountFlags.None;
    public const AccountFlags Limited = AccountFlags.DebitsMustNotExceedCredits;
    public const AccountFlags Mirrored = AccountFlags.CreditsMustNotExceedDebits;

    public static readonly Genesis Genesis = new(
        Tag.Of("spec"), BookMode.Sandbox, "529900TESTBANK00TE42", AssetCode.Parse("EUR"), Tag.Of("utc"), Tag.Of("daily"),
        Tag.Of("de"), 86_400, 100_000);

    /// <summary>The business date on which specs begin, and what a posting that says nothing is stored with.</summary>
    public static readonly BusinessDate Today = BusinessDate.Parse("2026-03-10");
    public static readonly Particulars Said = new(BookedOn: Today);

    public static UInt128 TimeOrdered(Instant at, UInt128 number) =>
        ((UInt128)(ulong)(at.Microseconds / 1_000) << 80) | ((UInt128)7 << 76) | ((UInt128)2 << 62) | number;

    /// <summary>A name that a caller gives: a UUIDv7 of the first instant.</summary>
    public static TransferId Name(int number) => new(TimeOrdered(SpecBook.Start, 1_000_000 + (UInt128)number));

    public static RestraintId Order(int number) => new(TimeOrdered(SpecBook.Start, 2_000_000 + (UInt128)number));

    public static AccountId Account(string name) => AccountId.Parse(name);

    public static BusinessDate On(string date) => BusinessDate.Parse(date);

    /// <summary>As a channel states it: <c>12.34 EUR</c>; an asset left out is EUR.</summary>
    public static StatedAmount Stated(string text)
    {
        var parts = text.Split(' ');
        var asset = AssetCode.Parse(parts.Length > 1 ? parts[1] : "EUR");
        return StatedAmount.TryParse(Encoding.ASCII.GetBytes(parts[0]), asset, out var stated) == NumberText.Read
            ? stated
            : throw new FormatException(text);
    }

    /// <summary>As the book holds it; the scale is that of the figures written.</summary>
    public static Amount Money(string text)
    {
        var parts = text.Split(' ');
        var code = AssetCode.Parse(parts.Length > 1 ? parts[1] : "EUR");
        return Amount.TryParseCanonical(Encoding.ASCII.GetBytes(parts[0]), code, out var amount) ? amount : throw new FormatException(text);
    }

    public static OpenAccount Open(
        string name, AccountClass @class = AccountClass.Liability, AccountFlags flags = Limited, params string[] assets) =>
        new(Account(name), @class, Tag.Of("2100"), default, flags,
            [.. (assets.Length == 0 && (flags & AccountFlags.AnyAsset) == 0 ? ["EUR"] : assets).Select(a => AssetCode.Parse(a))]);

    public static MakeTransfer Pay(
        string debit, string credit, string amount, Particulars? said = null, TransferId? id = null,
        Balancing balancing = Balancing.Exact) =>
        new(Account(debit), Account(credit), Stated(amount), said ?? Particulars.None, id, balancing);

    public static MakeTransfer Fund(string account, string amount) => Pay("cash", account, amount);

    public static ReserveTransfer Reserve(
        TransferId? id, string debit, string credit, string amount, int? seconds = null, Balancing balancing = Balancing.Exact) =>
        new(Account(debit), Account(credit), Stated(amount), seconds, Particulars.None, id, balancing);

    public static PostTransfer PostWhole(TransferId id) => new(id, null, IsFinal: true, Particulars.None);

    public static PostTransfer PostPart(TransferId id, string amount) => new(id, Stated(amount), IsFinal: false, Particulars.None);

    public static PostTransfer PostLast(TransferId id, string amount) => new(id, Stated(amount), IsFinal: true, Particulars.None);

    public static StatedLeg Debit(string account, string amount) => new(Account(account), Side.Debit, Stated(amount));

    public static StatedLeg Credit(string account, string amount) => new(Account(account), Side.Credit, Stated(amount));

    public static PostEntry Entry(params StatedLeg[] legs) => new([.. legs], Particulars.None);

    public static AdjustEntry Adjust(params StatedLeg[] legs) => new([.. legs], "correction", Particulars.None);

    public static ReverseEntry Reverse(long original, params Leg[] legs) => new(original, [.. legs], "error", Particulars.None);

    public static Leg Posted(string account, Side side, string amount) => new(Account(account), side, Money(amount));

    public static ImportTransfer Import(string debit, string credit, string amount, Particulars? said = null) =>
        new(Account(debit), Account(credit), Stated(amount), SpecBook.Start.AddSeconds(-86_400), said ?? Particulars.None);

    public static Chain Linked(params Command[] links) => new([.. links]);

    public static ExchangeAssets Exchange(string customer, string sold, string bought, string? equivalent = null, string desk = "fx") =>
        new(Account(customer), Stated(sold), Stated(bought), equivalent is null ? null : Stated(equivalent), Tag.Of(desk),
            Particulars.None);

    public static PlaceRestraint Restrain(
        int order, string account, RestraintScope scope, string? amount = null, string? minimum = null, int rank = 1,
        Instant? from = null, Instant? until = null) =>
        new(Order(order), Account(account), Tag.Of("garnishment"), Tag.Of("court.b-mitte"), rank, scope,
            amount is null ? null : Stated(amount), minimum is null ? null : Stated(minimum), from, until, null);

    public static Seize SeizeFor(int order, string to, string amount) => new(Order(order), Account(to), Stated(amount), Particulars.None);

    public static Instant Later(long seconds) => SpecBook.Start.AddSeconds(seconds);

    public static TransferEvent.Made Made(string debit, string credit, string amount) =>
        new(default, Account(debit), Account(credit), Money(amount), Said);
}
