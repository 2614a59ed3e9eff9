using System.Collections.Immutable;
using System.Globalization;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>
/// A bank whose treasury needs two of Ann, Ben and Cleo, or one of them and a day's wait; each of them is an account
/// with an API key of its own, and so are the bank's teller and head.
/// </summary>
internal static class ProposalBook
{
    public static readonly Level Ann = Level.Parse("ann@active"), Ben = Level.Parse("ben@active"),
        Cleo = Level.Parse("cleo@active"), Treasury = Level.Parse("treasury@active"),
        Teller = Level.Parse("bank@teller"), Head = Level.Parse("bank@head"),
        Glass = Level.Parse("bank@breakglass");

    public const int AnnKey = 1, BenKey = 2, CleoKey = 3, TellerKey = 4, HeadKey = 5, GlassKey = 6, StrangerKey = 7;

    public const int Day = 86_400;

    public static readonly Instant Tomorrow = Later(Day), NextWeek = Later(7 * Day);

    private static readonly Level[] Owners = [Ann, Ben, Cleo];

    public static SigningKey KeyOf(int number) => new(
        KeyKind.Secp256k1, [0x02, .. Enumerable.Repeat((byte)number, 32)]);

    public static LedgerSpec Given()
    {
        var spec = LedgerSpec.Given(Open("treasury"), Open("ann"), Open("ben"), Open("cleo"), Open("dora"), Fund("treasury", "100"));
        spec.Book.Bank.Proposals.Reader = text => Contents.Find(text);
        var two = new Authority(2, [], [.. Owners.Select(level => new AccountFactor(level, 1))], [new(Day, 1)]);
        foreach (var name in new[] { "ann", "ben", "cleo", "dora" }) spec.And(Own(name));
        spec.And(new CreatePermissions(Account("treasury"), two, two, Channel: false));
        string[] provided = ["ann@active", "ben@active", "cleo@active", "bank@teller", "bank@head", "bank@breakglass", "dora@active"];
        for (var i = 0; i < provided.Length; i++)
        {
            var id = Tag.Of(string.Create(CultureInfo.InvariantCulture, $"key-{i + 1}"));
            var scopes = provided[i] == "bank@teller" ? Scopes.Proposals : Scopes.All;
            spec.And(new IssueKey(id, (UInt128)i + 7, 7, scopes, null));
            Bind(spec, id, Level.Parse(provided[i]));
        }
        return spec;
    }

    public static MakeProposal Propose(params Command[] commands) =>
        new(default, [Treasury], [.. Owners], Contents.Keep(commands), [.. commands], NextWeek);

    public static Hash256 HashOf(MakeProposal proposal) => Hash256.Of(proposal.Content);

    /// <summary>Ann proposes; what it is called.</summary>
    public static CommandId Proposed(this LedgerSpec spec, MakeProposal proposal, int by = AnnKey)
    {
        var id = spec.Book.NextId();
        spec.When(proposal, id, caller: by).ThenAccepted();
        return id;
    }

    public static LedgerSpec Approved(this LedgerSpec spec, CommandId id, params int[] keys)
    {
        foreach (var key in keys) spec.When(Approve(spec, id), caller: key).ThenAccepted();
        return spec;
    }

    public static ApproveProposal Approve(LedgerSpec spec, CommandId id)
    {
        spec.Book.Bank.Proposals.Rows.TryGet(id, out var row).Should().BeTrue();
        return new(default, id, row.Hash);
    }

    public static LedgerSpec WhenExecuted(this LedgerSpec spec, CommandId id, int by = AnnKey) =>
        spec.When(new ExecuteProposal(default, id), caller: by);

    /// <summary>Sends what was signed by keys, under permissions.</summary>
    public static Ended Signed(this LedgerSpec spec, Command command, Level[] @as, params SigningKey[] keys)
    {
        var id = spec.Book.NextId();
        var proof = new Proof([.. @as], [.. keys], spec.Book.Now.AddSeconds(60), "{}");
        return spec.Book.Execution.Run(new(id, Envelope.Signer, id.Value, proof), spec.Book.Now, command, "spec");
    }

    private static CreatePermissions Own(string name)
    {
        var authority = Authority.Of(KeyOf(name[0]));
        return new(Account(name), authority, authority, Channel: false);
    }

    /// <summary>
    /// Staff bind what the bank's own keys stand for; for an account its owner's word is needed besides, as signed.
    /// </summary>
    private static void Bind(LedgerSpec spec, Tag key, Level provides)
    {
        if (provides.Account == Permissions.Bank) spec.And(new BindKey(key, provides, Permissions.Channel));
        else spec.Book.Engine(new BindKey(key, provides, Permissions.Channel)).Ending.Should().Be(Ending.Accepted);
    }

    /// <summary>Stands in for the edge, which writes commands as text and reads them back.</summary>
    private static class Contents
    {
        private static readonly Dictionary<string, ImmutableArray<Command>> Kept = new(StringComparer.Ordinal);

        public static string Keep(Command[] commands)
        {
            lock (Kept)
            {
                var text = string.Create(CultureInfo.InvariantCulture, $"[{Kept.Count}]");
                Kept[text] = [.. commands];
                return text;
            }
        }

        public static ImmutableArray<Command>? Find(string text)
        {
            lock (Kept) return Kept.TryGetValue(text, out var commands) ? commands : null;
        }
    }
}
