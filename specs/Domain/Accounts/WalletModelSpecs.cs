using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>
/// Many credits, payments and pauses of a handful of wallets, side by side with a model that keeps every payment in a
/// list and knows of windows only that a part counts whole.
/// </summary>
public sealed class WalletModelSpecs
{
    private const int Window = 16_000, Part = Window / 16, Emptied = 86_400;
    private const int Least = 100, PerEntry = 4_000, PerWindow = 9_000, Most = 20_000;

    private static readonly char[] Keys = ['v', 'w', 'x', 'y'];

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void Wallets_do_what_a_naive_model_says(int seed)
    {
        var random = new Random(seed);
        var book = LedgerSpec.Given(
            new RegisterAsset(AssetCode.Parse("PTS"), 2, "Points"),
            Open("vault", AccountClass.Memorandum, Unlimited, "PTS"),
            LimitWords.Rule(Window, Emptied, "PTS 1.00 40.00 90.00 200.00")).Book;
        var model = Keys.ToDictionary(key => key, _ => new Wallet());
        var (accepted, closed) = (0, 0);
        for (var i = 0; i < 1_500; i++)
        {
            var pause = random.Next(8) == 0 ? random.Next(Emptied * 4) : random.Next(Part / 2);
            book.MoveTo(book.Now.AddSeconds(pause));
            foreach (var wallet in model.Values) closed += wallet.Close(book.Now.Microseconds / 1_000_000) ? 1 : 0;
            var key = Keys[random.Next(Keys.Length)];
            var other = random.Next(3) == 0 ? Keys[random.Next(Keys.Length)] : '-';
            var isCredit = random.Next(3) == 0;
            var cents = !isCredit && random.Next(3) == 0 ? model[key].Balance : random.Next(1, random.Next(4) == 0 ? 6_000 : 200);
            if (cents == 0 || other == key) continue;
            var code = isCredit ? Credit(book, key, cents) : Pay(book, model, key, other, cents);
            var expected = isCredit
                ? model[key].Receive(cents) : Paid(model[key], other == '-' ? null : model[other], book.Now, cents);
            code.Should().Be(expected, $"seed {seed}, step {i}, {key} {(isCredit ? "gets" : $"pays {other}")} {cents} at {book.Now}");
            accepted += code is null ? 1 : 0;
        }
        (accepted, closed).Should().Match<(int, int)>(seen => seen.Item1 > 200 && seen.Item2 > 3, $"seed {seed}");
        foreach (var key in Keys)
        {
            book.Bank.Knows(AuthorityWords.Key(key)).Should().Be(model[key].IsOpen);
            if (model[key].WasOpen) book.BalanceOf(LimitWords.WalletOf(key), "PTS").Net.Should().Be(model[key].Balance);
        }
        book.ShouldBalance();
        book.ShouldReplay();
    }

    private static string? Credit(SpecBook book, char key, int cents) =>
        book.Send(Words.Pay("vault", LimitWords.WalletOf(key), Points(cents))).Rejection?.Code;

    private static string? Pay(SpecBook book, Dictionary<char, Wallet> model, char key, char other, int cents)
    {
        var payee = model.ContainsKey(other) ? LimitWords.WalletOf(other) : "vault";
        var wallet = LimitWords.WalletOf(key);
        return book.Sign(Words.Pay(wallet, payee, Points(cents)), $"{wallet}@active", $"{key}").Rejection?.Code;
    }

    /// <summary>What the model says of a payment; the payee's own guard is asked where its account stands first.</summary>
    private static string? Paid(Wallet payer, Wallet? payee, Instant now, int cents)
    {
        if (!payer.WasOpen) return "transfer.debit_account_not_found";
        if (!payer.IsOpen) return "account.closed";
        if (payer.Balance < cents) return "limit.insufficient_funds";
        if (payer.Refuses(now, cents) is { } no) return no;
        if (payee?.RefusesCredit(cents) is { } nor) return nor;
        payer.Spend(now, cents);
        payee?.Receive(cents);
        return null;
    }

    private static string Points(int cents) => $"{cents / 100}.{cents % 100:00} PTS";

    private sealed class Wallet
    {
        private readonly List<(long At, int Cents)> _spent = [];
        private long _emptySince = long.MaxValue;

        public int Balance { get; private set; }
        public bool IsOpen { get; private set; }
        public bool WasOpen { get; private set; }

        public bool Close(long now)
        {
            if (!IsOpen || _emptySince == long.MaxValue || now < _emptySince + Emptied) return false;
            (IsOpen, _emptySince) = (false, long.MaxValue);
            _spent.Clear();
            return true;
        }

        public string? RefusesCredit(int cents) =>
            Balance + cents > Most ? "wallet.max_balance"
            : !IsOpen && cents < Least ? "wallet.below_opening_minimum" : null;

        public string? Receive(int cents)
        {
            if (RefusesCredit(cents) is { } no) return no;
            (IsOpen, WasOpen, Balance, _emptySince) = (true, true, Balance + cents, long.MaxValue);
            return null;
        }

        public string? Refuses(Instant now, int cents)
        {
            if (cents > PerEntry) return "limit.per_transaction";
            var second = now.Microseconds / 1_000_000;
            var counted = _spent.Where(s => (s.At / Part + 1) * Part > second - Window).Sum(s => s.Cents);
            return counted + cents > PerWindow ? "limit.per_window" : null;
        }

        public void Spend(Instant now, int cents)
        {
            var second = now.Microseconds / 1_000_000;
            _spent.Add((second, cents));
            Balance -= cents;
            if (Balance == 0) _emptySince = second;
        }
    }
}
