using System.CommandLine;

namespace BankingEngine.Host.Cli;

/// <summary>The command line: one program that serves a book, and that founds, fills, replays and proves one.</summary>
public static class Cli
{
    private const string About = """
        A bank in one deterministic state machine: commands in, immutable events out.

        Without a command it serves the book of the data folder. A first walk:
          init --data bank-data --name demo --entity 529900T8BM49AURSDO55 --functional EUR --jurisdiction de --mode sandbox
          serve --data bank-data
          replay --data bank-data --verify
          journal export --data bank-data --format hledger --out book.journal

        Exit codes: 0 done; 1 wrong usage; 2 refused; 3 damage or mismatch found; 4 in use by another process;
        5 not found; 70 failed inside.
        With --json the last line of standard output is one JSON object, and all else goes to standard error.
        """;

    /// <summary>All commands, ready to parse.</summary>
    public static RootCommand Build()
    {
        var root = new RootCommand(About)
        {
            Common.Json,
            ServeCommand.Build(),
            InitCommand.Build(),
            ImportCommand.Build(),
            ReplayCommand.Build(),
        };
        ServeCommand.MakeDefault(root);
        return root;
    }

    /// <summary>Parses and runs.</summary>
    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(string[] args)
    {
        var parsed = Build().Parse(args);
        if (parsed.Errors.Count > 0 && parsed.GetValue(Common.Json))
        {
            var why = string.Join(" ", parsed.Errors.Select(error => error.Message));
            return Task.FromResult(new Terminal(json: true).Fail(new(ExitCodes.Usage, "usage", why)));
        }
        return parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false });
    }
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
