using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Application.Journal.Verification;
using BankingEngine.Specs.Engine.Audit;

namespace BankingEngine.Specs.Contracts;

/// <summary>What FORMAT.md tells outsiders to do is done here, as it stands there.</summary>
public sealed partial class FormatPageSpecs : IDisposable
{
    private static readonly string Page =
        File.ReadAllText(Path.Combine(EventContractSpecs.Repository(), "Application", "Journal", "FORMAT.md"));

    private static readonly string[] Tools = ["sh", "openssl", "jq", "python3"];

    private readonly string folder = Directory.CreateTempSubdirectory("format-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void The_example_line_is_an_event_and_has_the_leaf_that_the_page_states()
    {
        var line = Encoding.UTF8.GetBytes(Block("json"));
        EventLine.Read(line).Head.Position.Should().Be(7);
        var stated = StatedLeaf().Match(Page).Groups[1].Value;
        stated.Should().Be(Convert.ToBase64String(SHA256.HashData([0, .. line])));
        stated.Should().Be(TreeHash.OfLeaf(line).ToBase64());
    }

    [Fact]
    public void The_table_names_every_member_of_a_line_in_the_order_they_are_written()
    {
        var table = Page[Page.IndexOf("## Event lines", StringComparison.Ordinal)..];
        var members = TableMember().Matches(table[..table.IndexOf("Every wire name", StringComparison.Ordinal)])
            .Select(match => match.Groups[1].Value).Where(name => name != "member").ToList();
        foreach (var line in EventExamples.All.Select(example =>
            EventContractSpecs.Written(example.Head, example.Recorded)))
        {
            using var json = System.Text.Json.JsonDocument.Parse(line);
            var written = json.RootElement.EnumerateObject().Select(member => member.Name).ToList();
            members.Where(written.Contains).Should().Equal(written);
        }
    }

    [Fact]
    public async Task The_steps_of_the_page_verify_a_proof_with_nothing_but_common_tools()
    {
        if (OperatingSystem.IsWindows() || !Tools.All(Has)) return;
        using var book = await AuditedBook.PaidAsync(payments: 9);
        var size = book.Lines.Length;
        var proof = book.Inclusion(size - 4, size);
        File.WriteAllText(In("checkpoint"), book.Checkpoint(size));
        File.WriteAllText(In("proof.json"), ProofFile.Write(proof));
        File.WriteAllText(In("key.pem"), PemEncoding.WriteString("PUBLIC KEY", book.Key.SubjectPublicKeyInfo));
        Run("sh", Block("sh")).Should().Be((0, $"Verified OK\n{proof.Leaf}\n"));
        Run("python3", Block("python")).Should().Be((0, $"position {size - 4} is in {AuditedBook.Origin}\n"));

        var changed = proof with { Line = proof.Line.Replace("12.34", "92.34", StringComparison.Ordinal) };
        File.WriteAllText(In("proof.json"), ProofFile.Write(changed));
        Run("python3", Block("python")).Code.Should().NotBe(0);
    }

    [GeneratedRegex(@"is `([A-Za-z0-9+/=]{44})`: SHA-256")]
    private static partial Regex StatedLeaf();

    [GeneratedRegex(@"^\| ([a-z]+) \|", RegexOptions.Multiline)]
    private static partial Regex TableMember();

    /// <summary>The block of that language below "By hand".</summary>
    private static string Block(string language)
    {
        var start = Page.IndexOf($"```{language}\n", Page.IndexOf("**By hand.**", StringComparison.Ordinal),
            StringComparison.Ordinal);
        start += language.Length + 4;
        return Page[start..Page.IndexOf("\n```", start, StringComparison.Ordinal)];
    }

    private string In(string name) => Path.Combine(folder, name);

    private static bool Has(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator).Any(place => File.Exists(Path.Combine(place, program)));

    private (int Code, string Said) Run(string program, string script)
    {
        var start = new ProcessStartInfo(program, ["-c", script])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, said);
    }
}
