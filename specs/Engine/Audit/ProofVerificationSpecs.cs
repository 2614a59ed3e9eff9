using BankingEngine.Application.Journal.Tree;
using BankingEngine.Application.Journal.Verification;
using BankingEngine.Specs.Engine.Tree;

namespace BankingEngine.Specs.Engine.Audit;

public sealed class ProofVerificationSpecs : IAsyncLifetime
{
    private AuditedBook book = null!;

    private int Size => book.Lines.Length;

    public async Task InitializeAsync() => book = await AuditedBook.PaidAsync(payments: 15);

    public Task DisposeAsync()
    {
        book.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public void Every_event_is_proved_in_the_whole_book_and_its_hashes_are_the_naive_trees()
    {
        var checkpoint = book.Checkpoint(Size);
        for (var position = 1; position <= Size; position++)
        {
            var proof = book.Inclusion(position, Size);
            proof.Line.Should().Be(book.Lines[position - 1]);
            proof.Hashes.Select(Convert.FromBase64String)
                .Should().BeEquivalentTo(NaiveTree.Path(position - 1, AuditedBook.Leaves(book.Lines)), options =>
                    options.WithStrictOrdering());
            Verifier.Proof(ProofFile.Write(proof), checkpoint, book.Key).Findings.Should().BeEmpty();
        }
    }

    [Fact]
    public void Every_smaller_book_is_proved_to_be_the_beginning_of_the_whole()
    {
        var checkpoint = book.Checkpoint(Size);
        for (var from = 1; from <= Size; from++)
        {
            var proof = ProofFile.Write(book.Consistency(from, Size));
            Verifier.Proof(proof, checkpoint, book.Key, book.Checkpoint(from)).Findings.Should().BeEmpty();
            Verifier.Proof(proof, checkpoint, book.Key).Findings.Should().BeEmpty();
        }
    }

    [Fact]
    public void A_proof_of_a_changed_line_does_not_hold()
    {
        var proof = book.Inclusion(12, Size);
        var line = proof.Line.Replace("12.34", "92.34", StringComparison.Ordinal);
        Kinds(proof with { Line = line }).Should().Equal(FindingKind.LeafDiffers, FindingKind.ProofInvalid);
        Kinds(proof with { Line = line, Leaf = TreeHash.OfLeaf(System.Text.Encoding.UTF8.GetBytes(line)).ToBase64() })
            .Should().Equal(FindingKind.ProofInvalid);
    }

    [Fact]
    public void A_proof_holds_for_its_own_position_size_root_and_book_only()
    {
        var proof = book.Inclusion(12, Size);
        Kinds(proof with { Position = 13 }).Should().Equal(FindingKind.LeafDiffers, FindingKind.ProofInvalid);
        Kinds(proof with { Size = Size - 1 }).Should().Equal(FindingKind.SizeDiffers);
        Kinds(proof with { Root = proof.Leaf }).Should().Equal(FindingKind.RootDiffers);
        Kinds(proof with { Origin = "book-other" }).Should().Equal(FindingKind.WrongBook);
        Kinds(proof with { Hashes = proof.Hashes[..^1] }).Should().Equal(FindingKind.ProofInvalid);
        Kinds(proof with { Hashes = [.. proof.Hashes, "AAAA"] }).Should().Equal(FindingKind.ProofInvalid);
        Kinds(proof with { Format = "bankingengine.inclusion.v2" }).Should().Equal(FindingKind.Unreadable);
    }

    [Fact]
    public void History_written_anew_is_not_the_continuation_of_a_checkpoint_that_was_kept()
    {
        string[] forged = [.. book.Lines];
        forged[11] = forged[11].Replace("12.34", "92.34", StringComparison.Ordinal);
        var kept = book.Checkpoint(Size - 3);
        var shown = book.Checkpoint(Size, forged);
        var leaves = AuditedBook.Leaves(forged);
        var proof = book.Consistency(Size - 3, Size) with
        {
            FromRoot = Convert.ToBase64String(NaiveTree.Root(leaves.AsSpan(0, Size - 3))),
            ToRoot = Convert.ToBase64String(NaiveTree.Root(leaves)),
            Hashes = [.. NaiveTree.Subproof(Size - 3, leaves, true).Select(Convert.ToBase64String)],
        };
        Verifier.Proof(ProofFile.Write(proof), shown, book.Key).Holds.Should().BeTrue("the forgery is whole in itself");
        Verifier.Proof(ProofFile.Write(proof), shown, book.Key, kept).Findings.Select(f => f.Kind)
            .Should().Equal(FindingKind.RootDiffers, FindingKind.ProofInvalid);
    }

    [Theory]
    [InlineData(""), InlineData("null"), InlineData("[]"), InlineData("{}"), InlineData("{\"format\":1}")]
    [InlineData("{\"format\":\"bankingengine.inclusion.v1\"}"),
        InlineData("{\"format\":\"bankingengine.consistency.v1\",\"x\":1}")]
    public void What_is_no_proof_file_is_a_finding(string text) =>
        Verifier.Proof(text, book.Checkpoint(Size), book.Key).Findings.Should().ContainSingle().Which.Kind.Should()
            .Be(FindingKind.Unreadable);

    [Fact]
    public void A_public_key_is_read_as_pem_as_base64_and_as_a_verifier_key()
    {
        using var signer = CheckpointSigner.Create("book-test");
        var spki = signer.SubjectPublicKeyInfo.ToArray();
        foreach (var text in new[]
        {
            System.Security.Cryptography.PemEncoding.WriteString("PUBLIC KEY", spki) + "\n",
            Convert.ToBase64String(spki), CheckpointSigner.VerifierKeyOf("book-test", spki),
        })
        {
            VerificationKey.TryParse(text, out var key).Should().BeTrue(text);
            key!.SubjectPublicKeyInfo.ToArray().Should().Equal(spki);
        }
        foreach (var text in new[] { null, "", "key", signer.ToPem(), Convert.ToBase64String(spki[1..]) })
            VerificationKey.TryParse(text, out _).Should().BeFalse(text);
    }

    private IEnumerable<FindingKind> Kinds(InclusionProof proof) =>
        Verifier.Proof(ProofFile.Write(proof), book.Checkpoint(Size), book.Key).Findings.Select(f => f.Kind);
}
