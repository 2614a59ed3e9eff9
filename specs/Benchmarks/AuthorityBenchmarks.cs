using System.Diagnostics;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Benchmarks;

/// <summary>What asking "may they?" costs a transfer, one thread: signatures themselves are checked off the writer.</summary>
public static class AuthorityBenchmarks
{
    private const int Accounts = 200_000, Rounds = 1_000_000, Depth = Authority.MaxDepth;

    private static readonly Tag Bench = Tag.Of("bench");
    private static readonly Instant Now = Instant.Parse("2023-11-15T00:00:00Z");
    private static readonly AssetCode Usd = AssetCode.Parse("USD");
    private static readonly KeyBindingRow Channel = new(Bench, Permissions.Channel, Permissions.BankChannel);

    public static void Run()
    {
        var figures = new Figures("authority");
        var plain = Open(Accounts);
        Measure(figures, "channel_nobody_has_permissions", plain, Named("cust", Accounts), ByChannel);
        var bank = Open(Accounts);
        GivePermissions(figures, bank);
        Measure(figures, "channel_account_without_permissions", bank, Named("cust", Accounts), ByChannel);
        Measure(figures, "channel_account_with_permissions", bank, Named("own", Accounts), ByChannel);
        Measure(figures, "one_signature", bank, Named("own", Accounts), i => BySignature($"own:{i:D8}", Key(i)));
        GrowTree(bank);
        Measure(figures, "tree_of_depth_6", bank, [AccountId.Parse($"deep:{Depth}")], _ => BySignature($"deep:{Depth}", Key(1)));
        figures.Print();
    }

    private static void Measure(Figures figures, string name, Bank bank, AccountId[] debits, Func<int, Asking> asking)
    {
        var random = new Random(1);
        var picks = Enumerable.Range(0, 65_536).Select(_ => random.Next(debits.Length)).ToArray();
        var asked = picks.Select(asking).ToArray();
        var commands = picks.Select(pick => new MakeTransfer(
            debits[pick], AccountId.Parse("cust:00000000"), new(Usd, 100, 2), Particulars.None)).ToArray();
        var needs = new List<Need>();
        long ticks = 0;
        for (var round = -picks.Length; round < Rounds; round++)
        {
            var i = round & (picks.Length - 1);
            var started = Stopwatch.GetTimestamp();
            needs.Clear();
            Needs.Of(bank, commands[i], 0, needs);
            var no = bank.Authorisation.Judge(asked[i], needs);
            if (round >= 0) ticks += Stopwatch.GetTimestamp() - started;
            if (no is not null) throw new InvalidOperationException($"{name}: {no.Code}");
        }
        var nanoseconds = ticks * 1e9 / Stopwatch.Frequency / Rounds;
        Figures.Say($"{name}: {nanoseconds:F0} ns");
        figures.Add(name + "_ns", nanoseconds);
    }

    private static Asking ByChannel(int account) => new(Channel, [], Credentials.None, Now);

    private static Asking BySignature(string account, SigningKey key) =>
        new(null, [new(AccountId.Parse(account), Permissions.Active)], new([key], []), Now);

    private static AccountId[] Named(string prefix, int count) =>
        [.. Enumerable.Range(0, count).Select(i => AccountId.Parse($"{prefix}:{i:D8}"))];

    private static SigningKey Key(int number)
    {
        Span<byte> point = stackalloc byte[SigningKey.PointBytes];
        point[0] = 2;
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(point[^4..], number);
        return new(KeyKind.P256, point);
    }

    private static Bank Open(int accounts)
    {
        var bank = new Bank();
        var genesis = new Genesis(
            Bench, BookMode.Sandbox, "529900TESTBANK00TE42", Usd, Tag.Of("utc"), Tag.Of("daily"), Tag.Of("de"), 86_400,
            Genesis.DefaultIdMemory);
        bank.Evolve(1, 0, new BookEvent.Opened(genesis, new(2023, 11, 15), [.. Iso4217.All.Select(c => c.Asset)]));
        bank.Evolve(1, 0, new KeyEvent.Issued(Bench, 0, 0, Scopes.All, null));
        foreach (var name in Named("cust", accounts)) OpenAccount(bank, name);
        return bank;
    }

    private static void OpenAccount(Bank bank, AccountId name) => bank.Evolve(1, 0, new AccountEvent.Opened(
        name, AccountClass.Liability, Tag.Of("2100"), default, AccountFlags.DebitsMustNotExceedCredits, [Usd]));

    private static void GivePermissions(Figures figures, Bank bank)
    {
        foreach (var name in Named("own", Accounts)) OpenAccount(bank, name);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < Accounts; i++)
        {
            var authority = Authority.Of(Key(i));
            bank.Evolve(1, 0, new PermissionEvent.Created(AccountId.Parse($"own:{i:D8}"), authority, authority, Channel: true));
        }
        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)Accounts;
        Figures.Say($"permissions of its own, with channel and links: {bytes:F0} bytes an account");
        figures.Add("own_permissions_bytes", bytes);
    }

    private static void GrowTree(Bank bank)
    {
        for (var i = 0; i <= Depth; i++)
        {
            var name = AccountId.Parse($"deep:{i}");
            OpenAccount(bank, name);
            var authority = i == 0
                ? Authority.Of(Key(1))
                : Authority.Of(new Level(AccountId.Parse($"deep:{i - 1}"), Permissions.Active));
            bank.Evolve(1, 0, new PermissionEvent.Created(name, authority, authority, Channel: false));
        }
    }
}
