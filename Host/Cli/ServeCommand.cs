using System.CommandLine;
using BankingEngine.Host.Api;

namespace BankingEngine.Host.Cli;

/// <summary><c>serve</c>, which is also what the program does when nothing is said.</summary>
internal static class ServeCommand
{
    private const string About = """
        Serves the book of a folder over HTTP until it is stopped.

        A folder without a book gets a sandbox with a small demo. It listens on the loopback address alone unless told
        otherwise; certificates and all else of the web server are set as for any ASP.NET Core host.

          serve
          serve --data bank-data/demo --urls http://127.0.0.1:8080

        Exit codes: 3 the journal is damaged; 4 the book is open elsewhere; 70 the journal failed while serving.
        """;

    private static readonly Option<string> Data = Common.Data();
    private static readonly Option<string?> Urls = new("--urls")
    {
        Description =
            $"Addresses to listen on, with ';' between them; default: ASPNETCORE_URLS, else {Serve.DefaultUrl}.",
    };

    public static Command Build() => Fill(new TaughtCommand("serve", About));

    public static void MakeDefault(RootCommand root) => Fill(root);

    private static Command Fill(Command command)
    {
        command.Options.Add(Data);
        command.Options.Add(Urls);
        return command.Does(async (parsed, _, cancellation) =>
        {
            var urls = parsed.GetValue(Urls);
            string[] arguments = urls is null ? [] : ["--urls", urls];
            return await Serve.RunAsync(new(parsed.GetValue(Data), arguments) { Stop = cancellation })
                .ConfigureAwait(false);
        });
    }
}
