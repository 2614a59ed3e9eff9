using System.CommandLine;
using System.Text.Json.Nodes;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Application.Journal.Verification;

namespace BankingEngine.Host.Cli;

/// <summary><c>proof</c>: what an auditor is handed, made of the journal alone.</summary>
internal static class ProofCommand
{
    private const string About = """
        Makes proofs that the journal holds an event, or that it was only appended to. Reads only, trusts no cache and
        hashes every event anew, so it works beside a running server and takes as long as a check with --hashes. To be
        worth anything a proof is held against a signed checkpoint of the same size, from /v1/audit/checkpoint: see
        verify.
        """;

    private const string InclusionAbout = """
        Shows that one event line is in the book.

          proof inclusion --data bank-data/demo --position 4711 --size 157815 --out event.proof

        Exit codes: 3 the journal is damaged; 5 no journal, or no such position.
        """;

    private const string ConsistencyAbout = """
        Shows that the book of a size begins with the same book of a smaller size: nothing in between was changed.

          proof consistency --data bank-data/demo --from 100000 --to 157815 --out history.proof

        Exit codes: 3 the journal is damaged; 5 no journal, or no such position.
        """;

    private static readonly Option<string> Data = Common.Data();
    private static readonly Option<long>
        Position = Common.Required<long>("--position", "Of the event, from 1."),
        From = Common.Required<long>("--from", "The smaller size: that of the checkpoint that was kept.");
    private static readonly Option<long?>
        Size = Common.Optional<long?>("--size", "Events that the proof is about; default: all there are."),
        To = Common.Optional<long?>("--to", "The larger size; default: all events there are.");
    private static readonly Option<string?> Out =
        Common.Optional<string?>("--out", "File to write; default: standard output.");

    public static Command Build() => new TaughtCommand("proof", About)
    {
        new TaughtCommand("inclusion", InclusionAbout) { Data, Position, Size, Out }.AtPlace().Does((parsed, terminal) =>
        {
            var position = parsed.GetValue(Position);
            return Make(parsed, terminal, parsed.GetValue(Size), position, (tree, journal, origin, size) =>
                ProofFile.Write(InclusionProof.Make(tree, journal, origin, position, size)));
        }),
        new TaughtCommand("consistency", ConsistencyAbout) { Data, From, To, Out }.AtPlace().Does((parsed, terminal) =>
        {
            var from = parsed.GetValue(From);
            return Make(parsed, terminal, parsed.GetValue(To), from, (tree, _, origin, size) =>
                ProofFile.Write(ConsistencyProof.Make(tree, origin, from, size)));
        }),
    };

    private static int Make(
        ParseResult parsed, Terminal terminal, long? asked, long within,
        Func<TreeStore, IJournal, string, long, string> make)
    {
        using var journal = Common.PlaceOf(parsed, Data).OpenToRead();
        var size = BookFolder.Through(journal, asked);
        if (within < 1 || within > size)
            throw new CommandFailure(
                ExitCodes.NotFound, "position.beyond_end", $"{within} does not lie within 1 to {size}.");
        var folder = Directory.CreateTempSubdirectory("bank-tree-").FullName;
        string proof;
        try
        {
            using var tree = TreeStore.Open(folder);
            var frontier = new MerkleFrontier();
            terminal.Progress("Hashing", journal.Tail.Position, progress =>
            {
                BlockHashes.Walk(journal, leaves => tree.Append(frontier, leaves.Span), frontier.Root, progress);
                return size;
            });
            proof = make(tree, journal, Checkpoint.OriginOf(journal.Identity.Book), size);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        var path = parsed.GetValue(Out);
        if (path is not null) File.WriteAllText(path, proof);
        else if (!terminal.IsJson) Console.Out.Write(proof);
        return terminal.Done(new()
        {
            ["book"] = journal.Identity.Book,
            ["size"] = size,
            ["file"] = path is null ? null : Path.GetFullPath(path),
            ["proof"] = JsonNode.Parse(proof),
        });
    }
}

/// <summary>The leaf hashes of a journal, computed anew and held against every block's root.</summary>
internal static class BlockHashes
{
    /// <param name="append">Takes a block's leaf hashes, 32 bytes each, into a tree.</param>
    /// <param name="root">The root of that tree now.</param>
    /// <param name="progress">Told the last position after each block.</param>
    /// <exception cref="Application.Engine.ReplayMismatchException">A block's root is not that of its
    /// events.</exception>
    public static void Walk(
        IJournal journal, Action<ReadOnlyMemory<byte>> append, Func<TreeHash> root, IProgress<long>? progress)
    {
        var slices = new Slice[JournalLimits.BlockEvents];
        var leaves = new byte[JournalLimits.BlockEvents * Sha256Lanes.HashBytes];
        using var reader = journal.Read(1);
        while (reader.MoveNext())
        {
            var block = reader.Current;
            for (var i = 0; i < block.Events; i++)
                slices[i] = new(block.Starts[i], block.Starts[i + 1] - 1 - block.Starts[i]);
            var hashes = leaves.AsMemory(0, block.Events * Sha256Lanes.HashBytes);
            Sha256Lanes.HashLeaves(block.Lines.Span, slices.AsSpan(0, block.Events), hashes.Span);
            append(hashes);
            if (root() != TreeHash.From(block.Root))
                throw new Application.Engine.ReplayMismatchException(
                    $"The root of block {block.Number} is not that of its events.");
            progress?.Report(block.LastPosition);
        }
    }
}
