using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Specs.Engine.Tree;

/// <summary>
/// A checkpoint is checked by a tool that everybody has. Where openssl is missing there is nothing to ask.
/// </summary>
public sealed class OpensslSpecs : IDisposable
{
    private const string Name = "book-main";

    private readonly string folder = Directory.CreateTempSubdirectory("openssl-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Openssl_verifies_a_checkpoint_and_refuses_it_changed()
    {
        if (!Has("openssl")) return;
        using var signer = CheckpointSigner.Create(Name);
        var at = DateTimeOffset.Parse("2026-01-05T12:00:00Z", CultureInfo.InvariantCulture);
        var text = signer.Sign(new(Name, 20_852_163, TreeHash.OfLeaf([1]), at));
        var body = text[..(text.IndexOf("\n\n", StringComparison.Ordinal) + 1)];
        var signature = Convert.FromBase64String(text.TrimEnd().Split(' ')[^1])[4..];
        File.WriteAllText(In("key.pem"), PemEncoding.WriteString("PUBLIC KEY", signer.SubjectPublicKeyInfo));
        File.WriteAllBytes(In("signature.der"), signature);
        File.WriteAllText(In("body"), body);
        Verify().Should().Be("Verified OK");
        File.WriteAllText(In("body"), body.Replace("20852163", "20852164", StringComparison.Ordinal));
        Verify().Should().Be("Verification failure");
    }

    private string In(string name) => Path.Combine(folder, name);

    private string Verify() => Run("openssl", "dgst", "-sha256", "-verify", In("key.pem"), "-signature",
        In("signature.der"), In("body")).Split('\n')[0].Trim();

    private static bool Has(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator).Any(place => File.Exists(Path.Combine(place, program)));

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return said;
    }
}
