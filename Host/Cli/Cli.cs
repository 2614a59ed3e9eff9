using System.Buffers;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace BankingEngine.Host.Cli;

/// <summary>The command line: one program that serves a book, and that founds, fills, replays and proves one.</summary>
public static class Cli
{
    private const string Summary = "A bank in one deterministic state machine: commands in, immutable events out.";

    private const string Details = """
        Without a command it serves the book of the data folder. A first walk:

          init --name demo --data bank-data/demo --entity 529900T8BM49AURSDO55 --functional EUR --jurisdiction de \
               --mode sandbox
          serve --data bank-data/demo
          replay --data bank-data/demo --verify
          journal export --data bank-data/demo --format hledger --out book.journal

        Each command has a page of its own: init --help.

        Exit codes: 0 done; 1 wrong usage, a typing error in an address too; 2 refused; 3 damage or mismatch found; 4 in
        use by another process; 5 not found; 70 failed inside. With --json the last line of standard output is one JSON
        object, and all else goes to standard error.
        """;

    /// <summary>All commands, ready to parse.</summary>
    public static RootCommand Build()
    {
        var root = new RootCommand(Summary)
        {
            Common.Json,
            ServeCommand.Build(),
            InitCommand.Build(),
            ImportCommand.Build(),
            ReplayCommand.Build(),
            JournalCommand.Build(),
            SnapshotCommand.Build(),
            ProjectionsCommand.Build(),
            KeysCommand.Build(),
            SignCommand.Build(),
            ProofCommand.Build(),
            VerifyCommand.Build(),
        };
        ServeCommand.MakeDefault(root);
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new TeachingHelp((HelpAction)help.Action!, Details);
        return root;
    }

    /// <summary>Parses and runs.</summary>
    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(string[] args)
    {
        // What begins with an @ names a file of an option's own, not one of further arguments.
        var parsed = Build().Parse(args, new() { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            var why = string.Join(" ", parsed.Errors.Select(error => error.Message).Distinct());
            return WrongUsage(parsed, $"{Secrets.Mask(why, args)} See --help.");
        }
        if (Secrets.Misplaced(parsed) is { } option)
            return WrongUsage(parsed, $"{option.Name} does not take the address of a store. See --help.");
        return parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false });
    }

    private static Task<int> WrongUsage(ParseResult parsed, string why) =>
        Task.FromResult(new Terminal(parsed.GetValue(Common.Json)).Fail(new(ExitCodes.Usage, "usage", why)));
}

/// <summary>What a process says when it ends. Stable: scripts depend on them.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>The command line itself is wrong; nothing was tried.</summary>
    public const int Usage = 1;

    /// <summary>The rules of the book, or of the command, say no; nothing changed.</summary>
    public const int Refused = 2;

    /// <summary>Something is damaged, or does not say what it should.</summary>
    public const int Mismatch = 3;

    /// <summary>Another process has the book open for writing.</summary>
    public const int InUse = 4;

    public const int NotFound = 5;

    /// <summary>The program or the machine failed (EX_SOFTWARE of sysexits.h).</summary>
    public const int Internal = 70;
}

/// <summary>A command that ends without having done what was asked.</summary>
/// <param name="exit">One of <see cref="ExitCodes"/>.</param>
/// <param name="code">Stable name of the reason, <c>subject.reason</c>.</param>
internal sealed class CommandFailure(int exit, string code, string why) : Exception(why)
{
    public int Exit { get; } = exit;

    public string Code { get; } = code;
}

/// <summary>
/// A command that is summed up in one sentence where commands are listed, and explained on its own page.
/// </summary>
/// <param name="about">The summary, to the end of its first sentence; then all the rest.</param>
internal sealed class TaughtCommand(string name, string about)
    : Command(name, about[..EndOfSentence(about)].ReplaceLineEndings(" "))
{
    private static readonly SearchValues<string> Ends = SearchValues.Create([". ", ".\n"], StringComparison.Ordinal);

    public string Details { get; } = about[EndOfSentence(about)..].TrimStart();

    private static int EndOfSentence(string about)
    {
        var end = about.AsSpan().IndexOfAny(Ends);
        return end < 0 ? about.Length : end + 1;
    }
}

/// <summary>Help as the library writes it, and under it what the command has to teach.</summary>
internal sealed class TeachingHelp(HelpAction usual, string root) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        var result = usual.Invoke(parseResult);
        var details = parseResult.CommandResult.Command switch
        {
            TaughtCommand taught => taught.Details,
            RootCommand => root,
            _ => "",
        };
        if (details.Length > 0) parseResult.InvocationConfiguration.Output.WriteLine(details + Environment.NewLine);
        return result;
    }
}
