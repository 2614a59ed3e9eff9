using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Accounts.WalletRejections;

namespace BankingEngine.Domain.Accounts;

/// <summary>A wallet that is open.</summary>
/// <param name="Closes">
/// When it is closed, having been empty until then; the last instant while it holds something.
/// </param>
/// <param name="IsFresh">1 until its first credit, which has to reach the opening minimum.</param>
/// <param name="Asked">1 when it has asked to be verified.</param>
/// <param name="Parked">1 when its closing failed inside the engine.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct WalletRow(AccountId Id, Instant Closes, int IsFresh, int Asked, int Parked, int Filler)
    : IRow<WalletRow, AccountId>
{
    public AccountId Key => Id;
}

/// <summary>
/// Accounts named after a key: they need no party and no API key, the signature is enough. What one that nobody has
/// verified (tier 0) may hold and do is a rule of the book's jurisdiction, <see cref="RuleName"/>; while none is in
/// force it receives nothing and pays out only to accounts of the bank's for withdrawals. Whatever the rule, it holds
/// client property only, never deposits or fiat money.
/// </summary>
public sealed class Wallets
{
    /// <summary>A wallet emptied while no rule is in force is closed after 90 days.</summary>
    public const int DefaultEmptiedSeconds = 7_776_000;

    /// <summary>The reference data that says what wallets may.</summary>
    public static readonly Tag RuleName = Tag.Of("wallet-rule");

    /// <summary>The permission that the rule's windows are counted under; nobody can make one of this name.</summary>
    public static readonly Tag Tier0 = Tag.Of("bank.tier0");

    /// <summary>The chart code that wallets are opened with.</summary>
    public static readonly Tag Chart = Tag.Of("9100");

    /// <summary>Where a wallet may always pay out to, by the beginning of the name.</summary>
    private static readonly Counterparty Withdrawals = Counterparty.Parse("withdrawal:");

    private const int NameBytes = 20, BitsPerLetter = 5, NameLength = 2 + NameBytes * 8 / BitsPerLetter;

    // No name that begins with the prefix lies outside these: after a colon stands a letter or digit, 0 the lowest.
    private static readonly AccountId
        Lowest = AccountId.Parse("w:0"), Highest = AccountId.Parse("w:" + new string('z', 38));

    private readonly SpendingLimits _limits;

    public Wallets(Tables tables, SpendingLimits limits)
    {
        _limits = limits;
        Rows = new(tables, "accounts.wallets");
        ByClosing = Rows.Ordered(
            static (in WalletRow r, out Instant k) =>
            {
                k = r.Closes;
                return r.Closes < Instant.Last && r.Parked == 0;
            },
            unique: false);
    }

    public Table<AccountId, WalletRow> Rows { get; }
    public OrderedIndex<WalletRow, Instant> ByClosing { get; }

    private static ReadOnlySpan<byte> Letters => "abcdefghijklmnopqrstuvwxyz234567"u8;

    /// <summary>
    /// The wallet of a key: <c>w:</c> and the first 20 bytes of the SHA-256 of the key's text in base32 (RFC 4648 §6),
    /// lower case.
    /// </summary>
    public static AccountId NameOf(in SigningKey key)
    {
        Span<byte> text = stackalloc byte[SigningKey.MaxTextLength], hash = stackalloc byte[SHA256.HashSizeInBytes];
        key.TryFormat(text, out var length);
        SHA256.HashData(text[..length], hash);
        Span<byte> name = stackalloc byte[NameLength];
        "w:"u8.CopyTo(name);
        var (bits, held, at) = (0, 0, 2);
        foreach (var next in hash[..NameBytes])
        {
            (bits, held) = (bits << 8 | next, held + 8);
            while (held >= BitsPerLetter)
            {
                held -= BitsPerLetter;
                name[at++] = Letters[bits >> held & 31];
            }
            bits &= (1 << held) - 1;
        }
        return AccountId.TryParse(name, out var id) ? id : throw new UnreachableException();
    }

    public static bool IsWallet(AccountId account) => account >= Lowest && account <= Highest;

    /// <summary>Whether a name can be that of a key.</summary>
    public static bool IsWellFormed(AccountId account)
    {
        Span<byte> name = stackalloc byte[AccountId.MaxTextLength];
        name = name[..account.CopyTo(name)];
        if (name.Length != NameLength || !IsWallet(account)) return false;
        foreach (var letter in name[2..])
        {
            if (!Letters.Contains(letter)) return false;
        }
        return true;
    }

    /// <summary>The rule in force; none when none is.</summary>
    public static ReferenceContent.WalletRule? RuleOf(BookTables book, BusinessDate date) =>
        book.References.InForce(RuleName, date)?.Content as ReferenceContent.WalletRule;

    /// <summary>
    /// What has to be opened before a wallet can be credited in an asset: the wallet, or the asset; null when nothing,
    /// or when the credit is to be refused as to any other account.
    /// </summary>
    public OpenWallet? Opening(LedgerView ledger, AccountId credited, AssetCode asset)
    {
        if (!IsWallet(credited)) return null;
        var t = ledger.Tables;
        var known = t.Assets.Find(asset);
        if (known < 0) return null;
        var account = t.Accounts.Find(credited);
        if (account >= 0)
        {
            var isOpen = Rows.Find(credited) >= 0;
            if (isOpen && t.Accounts[account].Has(AccountFlags.Closed)) return null;
            var balance = t.FindBalance(account, known);
            if (isOpen && balance >= 0 && t.Balances[balance].Has(BalanceFlags.Opened)) return null;
        }
        return new(credited, asset);
    }

    /// <summary>The openings that the credits of an entry need, each once.</summary>
    public ReadOnlySpan<OpenWallet> Openings(LedgerView ledger, PostEntry c)
    {
        if (c.Legs.Length > Movements.MaxLegs) return [];
        List<OpenWallet>? openings = null;
        foreach (var leg in c.Legs)
        {
            if (leg.Side != Side.Credit || Opening(ledger, leg.Account, leg.Amount.Asset) is not { } opening) continue;
            openings ??= [];
            if (!openings.Contains(opening)) openings.Add(opening);
        }
        return CollectionsMarshal.AsSpan(openings);
    }

    public Decision Decide(LedgerView ledger, in Moment at, OpenWallet c)
    {
        var t = ledger.Tables;
        if (!IsWellFormed(c.Id)) return NameMalformed;
        if (RuleOf(ledger.Book, at.Today) is not { } rule) return NoRule;
        var asset = t.Assets.Find(c.Asset);
        if (asset < 0) return LedgerRejections.AssetUnknown;
        if (TermsOf(rule, c.Asset) is null) return AssetNotAllowed;
        if (t.Assets[asset].Retired != 0) return LedgerRejections.AssetRetired;
        var account = t.Accounts.Find(c.Id);
        if (account < 0)
        {
            return Decision.Accept(
            [
                new AccountEvent.Opened(
                    c.Id, AccountClass.Memorandum, Chart, default, AccountFlags.DebitsMustNotExceedCredits, [c.Asset]),
                new WalletEvent.Opened(c.Id),
            ]);
        }
        var happened = new List<Event>();
        if (t.Accounts[account].Has(AccountFlags.Closed))
            happened.Add(new AccountEvent.Reopened(c.Id, "The wallet is credited again."));
        var balance = t.FindBalance(account, asset);
        if (balance < 0 || !t.Balances[balance].Has(BalanceFlags.Opened))
            happened.Add(new AccountEvent.AssetAdded(c.Id, c.Asset));
        if (Rows.Find(c.Id) < 0) happened.Add(new WalletEvent.Opened(c.Id));
        return Decision.Accept(CollectionsMarshal.AsSpan(happened));
    }

    /// <summary>A wallet may be opened for an asset without a credit, if the rule lists it.</summary>
    public Decision Decide(LedgerView ledger, in Moment at, AddAsset c) =>
        Rows.Find(c.Id) < 0 ? NotFound : Decide(ledger, at, new OpenWallet(c.Id, c.Asset));

    public Decision Decide(LedgerView ledger, in Moment at, CloseWallet c)
    {
        if (!Rows.TryGet(c.Id, out var row)) return NotFound;
        if (row.Closes > at.Now) return NotEmptied;
        var accounts = ledger.Tables.Accounts;
        if (accounts[accounts.Find(c.Id)].Has(AccountFlags.Closed)) return new WalletEvent.Closed(c.Id);
        return Decision.Accept(new WalletEvent.Closed(c.Id)).Then(new CloseAccount(c.Id, "The wallet was empty."));
    }

    public Decision Decide(RequestVerification c)
    {
        if (!Rows.TryGet(c.Wallet, out var row)) return NotFound;
        return row.Asked != 0 ? AlreadyAsked : new WalletEvent.VerificationRequested(c.Wallet, c.Statement);
    }

    /// <summary>
    /// Whether an entry that is asked for leaves every wallet within the rule; holds for entries of every kind.
    /// </summary>
    /// <param name="spent">Gets what is to be noted of windows when the entry is made.</param>
    public Rejection? Judge(
        LedgerView ledger, in Moment at, Movements movements, List<SpendingEvent.Spent> spent)
    {
        if (Rows.Count == 0) return null;
        for (var i = 0; i < movements.Count; i++)
        {
            var account = ledger.NameOf(movements[i].Account);
            if (!IsWallet(account)) continue;
            if (ledger.Tables.Accounts[movements[i].Account].Class != AccountClass.Memorandum) return AssetNotAllowed;
            var effect = EffectOf(movements[i]);
            if (effect == 0) continue;
            var rule = RuleOf(ledger.Book, at.Today);
            var no = effect > 0
                ? Receives(ledger, movements, i, account, effect, rule)
                : Pays(ledger, at, movements, i, new(-effect, ledger.AssetAt(movements[i].Asset)), rule, spent);
            if (no is not null) return no;
        }
        return null;
    }

    /// <summary>
    /// Notes which wallets an entry filled and which it emptied: an emptied one closes after the time that the rule in
    /// force then states.
    /// </summary>
    public void Follow(LedgerView ledger, Movements movements, Instant now)
    {
        if (Rows.Count == 0) return;
        for (var i = 0; i < movements.Count; i++)
        {
            var id = ledger.NameOf(movements[i].Account);
            if (!IsWallet(id)) continue;
            var row = Rows.Find(id);
            if (row < 0) continue;
            var closes = Instant.Last;
            if (IsEmpty(ledger.Tables, movements[i].Account))
            {
                var rule = RuleOf(ledger.Book, ledger.Book.Day.Today);
                closes = now.AddSeconds(rule?.EmptiedSeconds ?? DefaultEmptiedSeconds);
            }
            var next = Rows[row] with { Closes = closes, IsFresh = 0, Parked = 0 };
            if (next != Rows[row]) Rows.Update(row, next);
        }
    }

    public void Evolve(WalletEvent @event)
    {
        switch (@event)
        {
            case WalletEvent.Opened e: Rows.Insert(new(e.Wallet, Instant.Last, 1, 0, 0, 0)); break;
            case WalletEvent.VerificationRequested e:
                var row = Rows.Find(e.Wallet);
                Rows.Update(row, Rows[row] with { Asked = 1 });
                break;
            case WalletEvent.Closed e:
                Rows.Delete(Rows.Find(e.Wallet));
                _limits.Windows.Forget(new Level(e.Wallet, Tier0));
                break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    /// <summary>A closing that failed waits for a person, or for the wallet's next credit.</summary>
    public void Park(string wallet)
    {
        var row = Rows.Find(AccountId.Parse(wallet));
        if (row >= 0) Rows.Update(row, Rows[row] with { Parked = 1 });
    }

    private Rejection? Receives(
        LedgerView ledger, Movements movements, int index, AccountId account, Int128 amount,
        ReferenceContent.WalletRule? rule)
    {
        if (rule is null) return NoRule;
        ref readonly var m = ref movements[index];
        var asset = ledger.AssetAt(m.Asset);
        if (TermsOf(rule, asset.Code) is not { } terms) return AssetNotAllowed;
        var balance = m.Balance < 0 ? default : ledger.Tables.Balances[m.Balance];
        if (balance.Net + balance.CreditsPending + amount > terms.MaxBalance.Minor)
            return MaxBalance with { Why = $"A wallet may hold {terms.MaxBalance}, and {account} would hold more." };
        if (!Rows.TryGet(account, out var row) || row.IsFresh == 0 || amount >= terms.OpeningMinimum.Minor) return null;
        return BelowMinimum with { Why = $"A wallet is opened by a credit of {terms.OpeningMinimum} or more." };
    }

    private Rejection? Pays(
        LedgerView ledger, in Moment at, Movements movements, int index, in Amount amount,
        ReferenceContent.WalletRule? rule, List<SpendingEvent.Spent> spent)
    {
        var terms = rule is null ? null : TermsOf(rule, amount.Asset.Code);
        if (terms is null)
        {
            if (OnlyWithdraws(ledger, movements, movements[index].Asset)) return null;
            return rule is null ? NoRule : AssetNotAllowed;
        }
        if (amount > terms.PerTransaction)
        {
            return SpendingRejections.PerTransaction with
            {
                Why = $"A wallet may spend {terms.PerTransaction} by one entry, and this spends {amount}.",
            };
        }
        var level = new Level(ledger.NameOf(movements[index].Account), Tier0);
        var counted = _limits.Windows.SpentIn(level, amount.Asset.Code, rule!.WindowSeconds, at.Now);
        if (counted + amount.Minor > terms.PerWindow.Minor)
            return _limits.TooMuch(level, amount, terms.PerWindow, rule.WindowSeconds, at.Now);
        spent.Add(SpendingWindows.Note(level, amount, rule.WindowSeconds, at.Now));
        return null;
    }

    private static bool OnlyWithdraws(LedgerView ledger, Movements movements, int asset)
    {
        for (var i = 0; i < movements.Count; i++)
        {
            if (movements[i].Asset == asset && EffectOf(movements[i]) > 0
                && !Withdrawals.Includes(ledger.NameOf(movements[i].Account)))
                return false;
        }
        return true;
    }

    /// <summary>
    /// What an entry newly brings an account, less what it newly takes: what was reserved before was judged then.
    /// </summary>
    private static Int128 EffectOf(in Movement m) =>
        Int128.Max(0, m.CreditsPosted + m.CreditsPending) - Int128.Max(0, m.DebitsPosted + m.DebitsPending);

    private static bool IsEmpty(LedgerTables t, int account)
    {
        for (var b = t.Accounts[account].FirstBalance; b >= 0; b = t.Balances[b].Next)
        {
            ref readonly var balance = ref t.Balances[b];
            if (balance.Net != 0 || balance.DebitsPending != 0 || balance.CreditsPending != 0) return false;
        }
        return true;
    }

    /// <summary>What a rule says of an asset; fiat money is never listed.</summary>
    private static WalletAsset? TermsOf(ReferenceContent.WalletRule rule, AssetCode asset)
    {
        foreach (var terms in rule.Assets)
        {
            if (terms.Asset == asset) return terms;
        }
        return null;
    }
}
