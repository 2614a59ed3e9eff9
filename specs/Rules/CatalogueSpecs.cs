using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Rules;

/// <summary>What is declared anywhere is known everywhere it has to be.</summary>
public sealed partial class CatalogueSpecs
{
    /// <summary>The engine's own, which no key may send.</summary>
    private static readonly Type[] EngineOnly =
        [typeof(ExpireTransfer), typeof(LapseRestraint), typeof(AdvanceDay), typeof(CarryYear), typeof(OpenBook),
            typeof(AnnounceCheckpointKey), typeof(ParkTimer), typeof(TakeLead), typeof(OpenWallet), typeof(CloseWallet), typeof(RecordAccess),
            typeof(ExpireProposal), typeof(NoteOverdueReview)];

    private static readonly Type[] Types = typeof(Bank).Assembly.GetTypes();

    public static IEnumerable<Type> Events() => Types.Where(t => typeof(Event).IsAssignableFrom(t) && !t.IsAbstract);

    public static IEnumerable<Type> Commands() => Types.Where(t => typeof(Command).IsAssignableFrom(t) && !t.IsAbstract);

    [Fact]
    public void Every_event_is_sealed_and_nested_in_its_closed_family() =>
        Events().Where(t => !t.IsSealed || t.DeclaringType != t.BaseType || !t.BaseType!.IsAbstract
            || t.BaseType.GetConstructors(BindingFlags.Instance | BindingFlags.Public).Length > 0).Should().BeEmpty();

    [Fact]
    public void Every_event_and_command_is_immutable() =>
        Events().Concat(Commands()).SelectMany(t => t.GetProperties()).Where(p => p.SetMethod is { } set
            && !set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit))).Should().BeEmpty();

    [Fact]
    public void Every_event_has_a_wire_name_and_every_wire_name_an_event() =>
        EventCatalogue.All.Select(w => w.Type).Should().BeEquivalentTo(Events());

    [Fact]
    public void Wire_names_are_unique_and_well_formed()
    {
        EventCatalogue.All.Select(w => w.Name).Should().OnlyHaveUniqueItems();
        EventCatalogue.All.Select(w => w.Name).Should().OnlyContain(name => WireName().IsMatch(name));
    }

    [Fact]
    public void Every_event_is_evolved_by_the_bank() =>
        Events().Where(t => IsUnknownTo(() => new Bank().Evolve(1, 0, (Event)Blank(t)), t)).Should().BeEmpty();

    [Fact]
    public void Every_command_is_decided_by_the_bank_or_is_a_chain() =>
        Commands().Where(t => t != typeof(Chain)
                && IsUnknownTo(() => new Bank().Decide(new(default, default, 1, default, Scopes.All), Envelope.Engine, (Command)Blank(t)), t))
            .Should().BeEmpty();

    [Fact]
    public void Every_command_needs_a_scope_or_is_the_engines_own()
    {
        foreach (var type in Commands())
        {
            var scope = Record.Exception(() => Bank.NeededFor((Command)Blank(type)));
            (scope is null).Should().Be(!EngineOnly.Contains(type), $"{type.Name} is either");
            if (scope is null && type != typeof(Chain)) Bank.NeededFor((Command)Blank(type)).Should().NotBe(Scopes.None, type.Name);
        }
    }

    [Fact]
    public void Rejections_have_unique_well_formed_codes_and_a_sentence()
    {
        var rejections = typeof(Bank).Assembly.GetTypes().Concat(typeof(EventCatalogue).Assembly.GetTypes())
            .SelectMany(t => t.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(f => f.FieldType == typeof(Rejection)).Select(f => (Rejection)f.GetValue(null)!).ToList();
        rejections.Should().HaveCountGreaterThan(80);
        rejections.Select(r => r.Code).Should().OnlyHaveUniqueItems().And.OnlyContain(code => RejectionCode().IsMatch(code));
        rejections.Should().OnlyContain(r => r.Why.EndsWith('.') && r.Link == 0);
    }

    [Fact]
    public void Numbers_that_are_stored_never_change_their_meaning()
    {
        Pinned<AccountClass>("Asset=1 Liability=2 Equity=3 Income=4 Expense=5 Memorandum=6");
        Pinned<AccountFlags>("None=0 DebitsMustNotExceedCredits=1 CreditsMustNotExceedDebits=2 Closed=4 AnyAsset=8 System=16");
        Pinned<RestraintScope>("Debits=1 Credits=2 Both=3 Amount=4");
        Pinned<BookMode>("Live=1 Sandbox=2");
        Pinned<Side>("Debit=0 Credit=1");
        Pinned<RejectionKind>("Refused=0 NotFound=1 Conflict=2 Forbidden=3");
        Pinned<PartyKind>("Person=1 Firm=2 Bank=3 Agent=4");
        Pinned<Standing>("Verified=1 Unverified=2 Limited=3 Suspended=4 Blocked=5");
        Pinned<RoleKind>("Holder=1 Signatory=2 Attorney=3 Guardian=4 Executor=5 Trustee=6 Beneficiary=7");
        Pinned<HolderMode>("Several=1 Joint=2");
        Pinned<IdentifierKind>("Iban=1 VirtualIban=2 Alias=3 CardToken=4 ChainAddress=5");
        Pinned<Scopes>("None=0 Accounts=1 Restraints=2 Transfers=4 Adjust=8 Import=16 Read=32 Audit=64 Reference=128 Periods=256 "
            + "Keys=512 Operate=1024 Sandbox=2048 Parties=4096 Authority=8192 Proposals=16384 All=32767");
    }

    [Fact]
    public void A_chart_names_the_classes_that_accounts_have() =>
        ChartLine.Classes.Should().Equal(Enum.GetNames<AccountClass>().Select(n => n.ToLowerInvariant()));

    private static void Pinned<T>(string expected) where T : struct, Enum =>
        string.Join(' ', Enum.GetValues<T>().Select(v => $"{v}={Convert.ToUInt32(v)}")).Should().Be(expected, typeof(T).Name);

    private static object Blank(Type type) => RuntimeHelpers.GetUninitializedObject(type);

    /// <summary>A blank one may fail anywhere but in the catalogue's own default arm, which names its type.</summary>
    private static bool IsUnknownTo(Action action, Type type) =>
        Record.Exception(action) is System.Diagnostics.UnreachableException e && e.Message == type.Name;

    [GeneratedRegex(@"^[a-z]+(\.[a-z_]+)+\.v[1-9][0-9]*$")]
    private static partial Regex WireName();

    [GeneratedRegex(@"^[a-z]+(\.[a-z_0-9]+)+$")]
    private static partial Regex RejectionCode();
}
