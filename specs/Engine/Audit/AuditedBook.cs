using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Application.Journal.Verification;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Engine.Tree;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Audit;

/// <summary>A book with some payments, its lines as they stand, and a key to sign its checkpoints with.</summary>
internal sealed class AuditedBook : IDisposable
{
    public const string Origin = "book-test";

    private readonly CheckpointSigner signer = CheckpointSigner.Create(Origin);

    private AuditedBook(TestBook book, string[] lines)
    {
        (Book, Lines) = (book, lines);
        Key = KeyOf(signer);
    }

    public TestBook Book { get; }

    /// <summary>Line <c>i</c> is the event at position <c>i + 1</c>.</summary>
    public string[] Lines { get; }

    public VerificationKey Key { get; }

    public static async Task<AuditedBook> PaidAsync(int payments)
    {
        var book = await TestBook.FoundAsync();
        await book.Send(new OpenAccount(Account("cash"), AccountClass.Asset, Tag.Of("1000"), default, AccountFlags.None,
            [AssetCode.Parse("EUR")]));
        await book.Send(new OpenAccount(Account("alice"), AccountClass.Liability, Tag.Of("2100"), default,
            AccountFlags.None, [AssetCode.Parse("EUR")]));
        for (var i = 0; i < payments; i++)
            await book.Send(new MakeTransfer(Account("cash"), Account("alice"), Eur("12.34"),
                Particulars.None with { Reference = $"RF {i}" }));
        return new(book, LinesOf(book));
    }

    public static VerificationKey KeyOf(CheckpointSigner signer)
    {
        VerificationKey.TryParse(Convert.ToBase64String(signer.SubjectPublicKeyInfo), out var key).Should().BeTrue();
        return key!;
    }

    /// <summary>Signed over what the naive tree makes of the lines, not over what the engine says.</summary>
    public string Checkpoint(int size) => Checkpoint(size, Lines);

    public string Checkpoint(int size, IEnumerable<string> lines) =>
        signer.Sign(new(Origin, size, TreeHash.From(NaiveTree.Root(Leaves(lines.Take(size))))));

    public InclusionProof Inclusion(long position, long size) =>
        InclusionProof.Make(Book.Engine.Tree!, Book.Engine.Journal, Origin, position, size);

    public ConsistencyProof Consistency(long from, long to) =>
        ConsistencyProof.Make(Book.Engine.Tree!, Origin, from, to);

    public static byte[][] Leaves(IEnumerable<string> lines) =>
        [.. lines.Select(line => SHA256.HashData([0, .. Encoding.UTF8.GetBytes(line)]))];

    public VerificationReport VerifyExport(IEnumerable<string> lines, params string[] checkpoints)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n"))));
        return Verifier.Export(stream, "export", checkpoints, Key);
    }

    public VerificationReport VerifyFolder(params string[] checkpoints) =>
        Verifier.Journal(Book.Folder, checkpoints, Key);

    /// <summary>Rewrites the only segment behind the journal's back.</summary>
    public void Tamper(Func<string[], IEnumerable<string>> change)
    {
        var path = Path.Combine(Book.Folder, "journal", "0000000001.ndjson");
        var lines = File.ReadAllLines(path);
        File.WriteAllText(path, string.Concat(change(lines).Select(line => line + "\n")));
    }

    public void Dispose()
    {
        signer.Dispose();
        Book.Dispose();
    }

    private static string[] LinesOf(TestBook book)
    {
        var lines = new List<string>();
        for (var position = 1L; ; position++)
        {
            var line = new ArrayBufferWriter<byte>();
            if (!book.Engine.Journal.TryReadEvent(position, line)) return [.. lines];
            lines.Add(Encoding.UTF8.GetString(line.WrittenSpan));
        }
    }
}
