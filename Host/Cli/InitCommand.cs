using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;
using Microsoft.Extensions.Logging.Abstractions;
using Command = System.CommandLine.Command;

namespace BankingEngine.Host.Cli;

/// <summary><c>init</c>: founds a book. What its genesis says holds for ever.</summary>
internal static class InitCommand
{
    private const string About = """
        Founds a book in an empty folder: its genesis, home time zone, home calendar and first key.

        What is said here holds for ever: entity, mode, functional currency, zone, calendar, cut-off and the size of the
        memory of command ids. The token of the first key is shown once; the book keeps only its hash.

          init --data bank-data/demo --name demo --entity 529900T8BM49AURSDO55 --functional EUR \
               --zone Europe/Berlin --calendar weekdays --cut-off 18:30 --jurisdiction de --mode sandbox
          init --journal "postgres:Host=db;Username=bank;Database=bank" --name main …

        Exit codes: 2 a choice is not valid, or the folder is not empty; 4 the folder is in use.
        """;

    private static readonly Tag FirstKey = Tag.Of("first");

    private static readonly Option<string>
        Data = Common.Data(),
        Name = Common.Required<string>("--name", "Name of the book: 1 to 16 of a-z, 0-9, '.' and '-'."),
        Entity = Common.Required<string>(
            "--entity", "LEI of the legal entity (ISO 17442): 20 characters, check digits last."),
        Functional = Common.Required<string>("--functional", "Functional currency, a code of ISO 4217."),
        Jurisdiction = Common.Required<string>("--jurisdiction", "ISO 3166-1 alpha-2 in lower case."),
        Mode = Common.Required<string>("--mode", "live, or sandbox: a book whose clock can be moved."),
        Zone = new("--zone")
        {
            Description = "Home time zone of the IANA database; its changes of the next 30 years go into the book.",
            DefaultValueFactory = _ => "UTC",
        },
        Calendar = new("--calendar")
        {
            Description = "Home calendar: weekdays (Saturday and Sunday are free) or every-day.",
            DefaultValueFactory = _ => "every-day",
        },
        CutOff = new("--cut-off")
        {
            Description = "When a business date ends, by the home zone's clock: 00:01 to 24:00.",
            DefaultValueFactory = _ => "24:00",
        };

    private static readonly Option<int> IdMemory = new("--id-memory")
    {
        Description = "How many command ids are remembered, 64 bytes of memory each.",
        DefaultValueFactory = _ => Genesis.DefaultIdMemory,
    };

    public static Command Build()
    {
        Mode.AcceptOnlyFromAmong("live", "sandbox");
        Calendar.AcceptOnlyFromAmong(HomeTime.Weekdays, HomeTime.EveryDay);
        return new TaughtCommand("init", About)
        {
            Data, Common.Journal, Name, Entity, Functional, Jurisdiction, Mode, Zone, Calendar, CutOff, IdMemory,
        }.Does((parsed, terminal, _) => RunAsync(parsed, terminal));
    }

    private static async Task<int> RunAsync(ParseResult parsed, Terminal terminal)
    {
        var home = HomeTime.Of(parsed.GetValue(Zone)!, parsed.GetValue(Calendar)!, parsed.GetValue(CutOff)!);
        var genesis = GenesisOf(parsed, home);
        var identity =
            new JournalIdentity(genesis.Name.ToString(), RandomNumberGenerator.GetBytes(JournalLimits.RootBytes));
        var place = Common.PlaceOf(
            parsed, parsed.GetValue(Data)!, parsed.GetResult(Data) is { Implicit: false }, genesis.Name.ToString());
        Exception? failure = null;
        var today = home.Today(new(MachineTime.Instance.WallMicroseconds()));
        var token = "";
        using var book = await RunningBook.FoundOnlyAsync(
            place, identity, new(NullLogger.Instance, fatal => failure = fatal), async engine =>
                token = await Founding.FoundAsync(engine, genesis, today, home.Transitions, home.Calendar, FirstKey)
                    .ConfigureAwait(false)).ConfigureAwait(false);
        if (failure is not null) throw failure;

        terminal.Say($"Book {genesis.Name} is founded in {place}; business date {today}.");
        terminal.Say($"First key, with every scope. It is shown now and never again:");
        terminal.Say(terminal.IsJson ? "  (in the JSON object)" : $"  {token}");
        return terminal.Done(new()
        {
            ["book"] = genesis.Name.ToString(),
            ["folder"] = Path.GetFullPath(place.Folder),
            ["genesis_id"] = Convert.ToHexStringLower(identity.Genesis.Span),
            ["business_date"] = today.ToString(),
            ["position"] = book.Engine.DurablePosition,
            ["key_id"] = FirstKey.ToString(),
            ["key"] = token,
        });
    }

    private static Genesis GenesisOf(ParseResult parsed, HomeTime home)
    {
        var name = parsed.GetValue(Name)!;
        var entity = parsed.GetValue(Entity)!;
        var functional = parsed.GetValue(Functional)!;
        var jurisdiction = parsed.GetValue(Jurisdiction)!;
        var memory = parsed.GetValue(IdMemory);
        if (!Tag.TryParse(Encoding.UTF8.GetBytes(name), out var tag) || name.Contains('_') || name[0] is '-' or '.')
            throw Invalid(
                "name", "a book's name is 1 to 16 of a-z, 0-9, '.' and '-', beginning with a letter or digit.");
        if (!Lei.IsValid(entity))
            throw Invalid(
                "entity", $"{entity} is not an LEI: 18 letters and digits, then two check digits (ISO 17442).");
        if (!AssetCode.TryParse(functional, out var currency) || !Iso4217.TryGet(currency, out _))
            throw Invalid("functional", $"{functional} is not a currency of ISO 4217.");
        if (jurisdiction.Length != 2 || !jurisdiction.All(char.IsAsciiLetterLower))
            throw Invalid("jurisdiction", $"{jurisdiction} is not a country of ISO 3166-1 alpha-2 in lower case.");
        if (memory < Genesis.MinIdMemory)
            throw Invalid("id_memory", $"a memory holds {Terminal.Number(Genesis.MinIdMemory)} ids or more.");
        var mode = parsed.GetValue(Mode) == "live" ? BookMode.Live : BookMode.Sandbox;
        return new(
            tag, mode, entity, currency, home.ZoneName, home.CalendarName, Tag.Of(jurisdiction),
            home.CutOffSeconds, memory);
    }

    private static CommandFailure Invalid(string what, string why) =>
        new(ExitCodes.Refused, $"init.{what}_invalid", why);
}

/// <summary>The Legal Entity Identifier.</summary>
internal static class Lei
{
    public const int Length = 20;

    /// <summary>Whether the form is right and the check digits hold.</summary>
    /// <remarks>
    /// Source: ISO 17442-1, whose check digits are those of ISO/IEC 7064 MOD 97-10: with letters as the numbers 10 to
    /// 35 the whole, read as one decimal number, leaves the remainder 1 when divided by 97.
    /// </remarks>
    public static bool IsValid(string text)
    {
        if (text.Length != Length || !char.IsAsciiDigit(text[^1]) || !char.IsAsciiDigit(text[^2])) return false;
        var remainder = 0;
        foreach (var letter in text)
        {
            if (!char.IsAsciiDigit(letter) && !char.IsAsciiLetterUpper(letter)) return false;
            remainder = char.IsAsciiDigit(letter)
                ? (remainder * 10 + (letter - '0')) % 97
                : (remainder * 100 + (letter - 'A' + 10)) % 97;
        }
        return remainder == 1;
    }
}
