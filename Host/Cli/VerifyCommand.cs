using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using BankingEngine.Application.Journal.Verification;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Cli;

/// <summary><c>verify</c>: the auditor's side. Needs files alone, no book and no server.</summary>
internal static class VerifyCommand
{
    private const string About = """
        Checks what a bank says of itself with nothing but what an auditor holds: a signed checkpoint, the public key,
        and what is to be checked. Trusts no cache, needs no server, and says where the first difference lies.

          verify --key bank.key --checkpoint now.checkpoint
          verify --key bank.key --checkpoint now.checkpoint --proof event.proof
          verify --key bank.key --checkpoint now.checkpoint --earlier kept.checkpoint --proof history.proof
          verify --key bank.key --checkpoint now.checkpoint --earlier kept.checkpoint --journal bank-data/demo
          verify --key bank.key --checkpoint now.checkpoint --export lines.jsonl
          verify --journal bank-data/demo
          verify --journal "postgres:Host=db;Username=bank;Database=bank" --book demo

        Without --proof, --journal and --export the signature alone is checked; a journal can be checked against its own
        seals without a checkpoint. Signatures of commands in a journal or export are repeated from the lines alone.

        The key is a PEM file, a verifier key as /v1/audit/keys gives it, or the base64 of the public_key in the event
        book.checkpoint_key_announced.v1. Ask the bank for it once, by a way you trust, and keep it. A first walk, with
        a key of the scope audit in KEY and the server's address in URL:

          AUTH="Authorization: Bearer $KEY"
          curl -s -H "$AUTH" $URL/v1/audit/checkpoint > now.checkpoint
          curl -s -H "$AUTH" $URL/v1/audit/keys | jq -r '.keys[-1].verifier_key' > bank.key
          curl -s -H "$AUTH" "$URL/v1/audit/proofs/inclusion?position=4&size=$(sed -n 2p now.checkpoint)" > event.proof
          verify --key bank.key --checkpoint now.checkpoint --proof event.proof

        Exit codes: 1 the files given do not go together, or the key is none; 3 something does not hold; 5 a file is
        missing.
        """;

    private static readonly Option<string?>
        Key = Common.Optional<string?>("--key", "File of the public key."),
        Signed = Common.Optional<string?>("--checkpoint", "File of the signed checkpoint."),
        Earlier = Common.Optional<string?>("--earlier", "File of a signed checkpoint that was kept from before."),
        Proof = Common.Optional<string?>("--proof", "Proof file, of inclusion or consistency."),
        Journal = new AddressOption("--journal")
        {
            Description = "Folder of a whole book, or address of its journal.",
        },
        Book = Common.Optional<string?>(
            "--book", $"Name of the book in a store of several; default: {BookPlace.DefaultBook}."),
        Export = Common.Optional<string?>(
            "--export", "File of event lines, from position 1 on (journal export --format jsonl).");

    public static Command Build() =>
        new TaughtCommand("verify", About) { Key, Signed, Earlier, Proof, Journal, Book, Export }.Does(Run);

    private static int Run(ParseResult parsed, Terminal terminal)
    {
        var (proof, journal, export) = (parsed.GetValue(Proof), parsed.GetValue(Journal), parsed.GetValue(Export));
        if (new[] { proof, journal, export }.Count(subject => subject is not null) > 1)
            throw Usage("Say one of --proof, --journal and --export.");
        var (signed, earlier) = (TextOf(parsed.GetValue(Signed)), TextOf(parsed.GetValue(Earlier)));
        if (signed is null && (earlier is not null || journal is null))
            throw Usage("Say --checkpoint: without one only a journal can be checked.");
        if (earlier is not null && proof is null && journal is null && export is null)
            throw Usage("--earlier goes with --proof, --journal or --export.");
        var store = SharedOf(journal);
        if (journal is not null && store is null) BackupArchive.DemandNone(journal);
        if (journal is not null && store is null && !Directory.Exists(journal))
            throw new DirectoryNotFoundException($"There is no folder {journal}.");
        var key = KeyOf(parsed.GetValue(Key), isNeeded: signed is not null);
        string[] checkpoints = [.. new[] { earlier, signed }.OfType<string>()];
        if (store is not null)
        {
            using var opened = SharedStores.Open(store, parsed.GetValue(Book) ?? BookPlace.DefaultBook);
            return Tell(terminal, terminal.Progress("Verifying", opened.Tail.Position, progress =>
                Verifier.Journal(opened, checkpoints, key, progress)));
        }
        var report = terminal.Progress("Verifying", LengthOf(journal, export), progress =>
        {
            if (proof is not null) return Verifier.Proof(File.ReadAllText(proof), signed, key!, earlier);
            if (journal is not null) return Verifier.Journal(journal, checkpoints, key, progress);
            if (export is null) return Verifier.Signature(signed, key!);
            using var lines = File.OpenRead(export);
            return Verifier.Export(lines, Path.GetFileName(export), checkpoints, key, progress);
        });
        return Tell(terminal, report);
    }

    /// <returns>Null of what is a folder.</returns>
    private static JournalAddress? SharedOf(string? journal)
    {
        try
        {
            var address = JournalAddress.Parse(journal);
            address.Check();
            return address.IsShared ? address : null;
        }
        catch (FormatException wrong)
        {
            var isAddress = journal!.StartsWith("postgres:", StringComparison.Ordinal)
                || journal.Contains("://", StringComparison.Ordinal);
            return !isAddress ? null : throw new CommandFailure(ExitCodes.Usage, "usage", wrong.Message);
        }
    }

    private static int Tell(Terminal terminal, VerificationReport report)
    {
        foreach (var finding in report.Findings) terminal.Say(finding.ToString());
        if (report.SignedCommands > 0)
            terminal.Say($"{Terminal.Number(report.SignedCommands)} signed commands, of which "
                + $"{Terminal.Number(report.Signatures)} signatures hold.");
        terminal.Say(report.Holds
            ? $"All holds: {report.Origin}, {Terminal.Number(report.Size)} events, root {report.Root}."
            : $"It does not hold: {report.Findings.Count} findings.");
        var said = new JsonObject
        {
            ["origin"] = report.Origin,
            ["size"] = report.Size,
            ["root"] = report.Root?.ToString(),
            ["unsealed_lines"] = report.UnsealedLines,
            ["findings"] = new JsonArray([.. report.Findings.Select(JsonOf)]),
        };
        if (report.SignedCommands > 0)
            (said["signed_commands"], said["signatures"]) = (report.SignedCommands, report.Signatures);
        return terminal.Done(said, report.Holds ? ExitCodes.Done : ExitCodes.Mismatch);
    }

    private static JsonNode JsonOf(Finding finding) => new JsonObject
    {
        ["kind"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(finding.Kind.ToString()),
        ["what"] = finding.What,
        ["file"] = finding.File,
        ["line"] = finding.Line,
        ["from"] = finding.From,
        ["to"] = finding.To,
    };

    private static VerificationKey? KeyOf(string? path, bool isNeeded)
    {
        if (path is null) return isNeeded ? throw Usage("Say --key: a checkpoint means nothing without one.") : null;
        return VerificationKey.TryParse(File.ReadAllText(path), out var key)
            ? key
            : throw Usage($"{path} holds no public key on P-256.");
    }

    private static string? TextOf(string? path) => path is null ? null : File.ReadAllText(path);

    private static long LengthOf(string? journal, string? export) =>
        journal is not null ? BookFolder.BytesOf(journal) : export is not null ? new FileInfo(export).Length : 1;

    private static CommandFailure Usage(string why) => new(ExitCodes.Usage, "usage", why);
}
