using System.Diagnostics;
using System.Text.Json;
using BankingEngine.Host.Journals;

namespace BankingEngine.Specs.Engine.Cli;

/// <summary>What a process of the program said when it ended.</summary>
public sealed record Said(int Exit, string Output, string Error)
{
    /// <summary>The last line of standard output, as the object it is with <c>--json</c>.</summary>
    public JsonElement Json => JsonDocument.Parse(Output.TrimEnd().Split('\n')[^1]).RootElement;

    public string Text(string name) => Json.GetProperty(name).ToString();
}

/// <summary>The program run as a person or a script runs it: as a process, in a folder of its own.</summary>
public sealed class Shell : IDisposable
{
    /// <summary>The program as a schedule would start it.</summary>
    public static readonly ChildProgram Program =
        new("dotnet", Path.Combine(AppContext.BaseDirectory, "BankingEngine.Host.dll"));

    public string Folder { get; } = Directory.CreateTempSubdirectory("bank-cli-").FullName;

    /// <summary>Where the book of <see cref="FoundAsync"/> lies.</summary>
    public string Book => Path.Combine(Folder, "book");

    public Task<Said> RunAsync(params string[] arguments) =>
        RunAsync(Program.Program, [.. Program.Leading, .. arguments], Folder);

    /// <summary>Runs the program with a variable set.</summary>
    public Task<Said> RunWithAsync(string variable, params string[] arguments) =>
        RunAsync("env", [variable, Program.Program, .. Program.Leading, .. arguments], Folder);

    /// <summary>Runs any program to its end; half a minute is enough for all that specs ask of one.</summary>
    public static async Task<Said> RunAsync(string program, string[] arguments, string folder)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        // Whoever does not end would hold for ever what it has locked.
        using var late = limit.Token.Register(() => process.Kill(entireProcessTree: true));
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return new(process.ExitCode, await output, await error);
    }

    public Task<Said> FoundAsync(string entity = "529900T8BM49AURSDO55") => RunAsync(
        "init", "--data", Book, "--name", "spec", "--entity", entity, "--functional", "EUR", "--zone", "Europe/Berlin",
        "--calendar", "weekdays", "--cut-off", "18:30", "--jurisdiction", "de", "--mode", "live", "--id-memory", "2000",
        "--json");

    public Task<Said> ImportAsync(string? from = null) => RunAsync(
        "import", "amlsim", "--data", Book, "--from", from ?? Folder, "--asset", "USD", "--start", "2026-01-01",
        "--json");

    /// <summary>
    /// Three customers; one payment beyond the payer's balance, and one line for each way to be refused.
    /// </summary>
    public void WriteSource()
    {
        File.WriteAllText(
            Path.Combine(Folder, "nodes.csv"),
            "nodeid,isFraud,init_balance,fraudStep\n1,0,100.00,-1\n2,0,50.5,-1\n3,1,0.00,7\n");
        File.WriteAllText(Path.Combine(Folder, "transactions.csv"), """
            sourceNodeId,targetNodeId,value,time
            1,2,30.25,1
            3,1,12.5,1
            2,2,5.00,2
            1,3,0.005,2
            1,9,1.00,3
            1,3,ten,3
            2,3,10.00,4

            """.ReplaceLineEndings("\r\n"));
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

/// <summary>A spec that reads the large data sets, from the folder that the environment names.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DataFactAttribute : FactAttribute
{
    public const string Variable = "BANK_TEST_DATA";

    public DataFactAttribute()
    {
        if (Folder.Length == 0) Skip = $"Set {Variable} to the folder of the data sets.";
    }

    public static string Folder => Environment.GetEnvironmentVariable(Variable) ?? "";
}

/// <summary>A spec that asks hledger, an independent tool for books in plain text.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class HledgerFactAttribute : FactAttribute
{
    public HledgerFactAttribute()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!folders.Any(folder => File.Exists(Path.Combine(folder, "hledger")))) Skip = "hledger is not installed.";
    }
}
