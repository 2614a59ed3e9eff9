using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Specs.Engine.Tree;

public sealed class ProofsSpecs : IDisposable
{
    private const int Most = 70;
    private static readonly byte[][] Leaves = NaiveTree.Leaves(1_100);
    private static readonly TreeHash[] LeafHashes = NaiveTree.AsHashes(Leaves);
    private static readonly TreeHash[] Roots = NaiveTree.AsHashes(
        Enumerable.Range(0, Most + 1).Select(size => NaiveTree.Root(Leaves.AsSpan(0, size))));

    private readonly string folder = Directory.CreateTempSubdirectory("proofs-").FullName;
    private readonly TreeStore tree;

    public ProofsSpecs()
    {
        tree = TreeStore.Open(folder);
        tree.Append(new MerkleFrontier(), NaiveTree.Flat(Leaves));
    }

    public void Dispose()
    {
        tree.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Inclusion_of_every_leaf_in_every_tree_is_proven_as_the_definition_says()
    {
        for (var size = 1; size <= Most; size++)
        {
            for (var index = 0; index < size; index++)
            {
                var proof = Proofs.Inclusion(tree, index, size);
                proof.Should().Equal(
                    NaiveTree.AsHashes(NaiveTree.Path(index, Leaves.AsSpan(0, size))), "{0} of {1}", index, size);
                Proofs.VerifyInclusion(LeafHashes[index], index, size, proof, Roots[size])
                    .Should().BeTrue("{0} of {1}", index, size);
            }
        }
    }

    [Fact]
    public void Consistency_of_every_two_trees_is_proven_as_the_definition_says()
    {
        for (var newer = 1; newer <= Most; newer++)
        {
            for (var older = 1; older <= newer; older++)
            {
                var proof = Proofs.Consistency(tree, older, newer);
                proof.Should().Equal(
                    NaiveTree.AsHashes(NaiveTree.Subproof(older, Leaves.AsSpan(0, newer), known: true)),
                    "{0} in {1}", older, newer);
                Proofs.VerifyConsistency(older, newer, Roots[older], Roots[newer], proof)
                    .Should().BeTrue("{0} in {1}", older, newer);
            }
        }
    }

    [Theory]
    [InlineData(1, 1_100), InlineData(255, 1_100), InlineData(256, 1_024)]
    [InlineData(257, 1_099), InlineData(1_024, 1_100)]
    public void Proofs_that_cross_tiles_hold(int older, int newer)
    {
        var (before, after) = (tree.Root(older), tree.Root(newer));
        Proofs.VerifyConsistency(older, newer, before, after, Proofs.Consistency(tree, older, newer)).Should().BeTrue();
        var proof = Proofs.Inclusion(tree, older, newer);
        proof.Should().Equal(NaiveTree.AsHashes(NaiveTree.Path(older, Leaves.AsSpan(0, newer))));
        Proofs.VerifyInclusion(LeafHashes[older], older, newer, proof, after).Should().BeTrue();
    }

    [Fact]
    public void An_inclusion_proof_of_one_thing_proves_nothing_else()
    {
        for (var size = 2; size <= 33; size++)
        {
            for (var index = 0; index < size; index++)
            {
                var proof = Proofs.Inclusion(tree, index, size);
                for (var other = -1; other <= size; other++)
                {
                    Proofs.VerifyInclusion(LeafHashes[index], other, size, proof, Roots[size])
                        .Should().Be(other == index, "{0} of {1}", other, size);
                }
                Proofs.VerifyInclusion(LeafHashes[index + 1], index, size, proof, Roots[size]).Should().BeFalse();
                Proofs.VerifyInclusion(LeafHashes[index], index, size, proof, Roots[size - 1]).Should().BeFalse();
                foreach (var wrong in Spoilt(proof))
                    Proofs.VerifyInclusion(LeafHashes[index], index, size, wrong, Roots[size]).Should().BeFalse();
            }
        }
    }

    [Fact]
    public void A_consistency_proof_of_two_trees_proves_nothing_else()
    {
        for (var newer = 2; newer <= 33; newer++)
        {
            for (var older = 1; older < newer; older++)
            {
                var proof = Proofs.Consistency(tree, older, newer);
                bool Verify(TreeHash before, TreeHash after, TreeHash[] hashes) =>
                    Proofs.VerifyConsistency(older, newer, before, after, hashes);

                Verify(Roots[older - 1], Roots[newer], proof).Should().BeFalse("{0} in {1}", older, newer);
                Verify(Roots[older], Roots[newer + 1], proof).Should().BeFalse("{0} in {1}", older, newer);
                Verify(Roots[newer], Roots[older], proof).Should().BeFalse("{0} in {1}", older, newer);
                Proofs.VerifyConsistency(older, 4 * newer, Roots[older], Roots[newer], proof)
                    .Should().BeFalse("{0} in {1}, too short for four times the size", older, newer);
                foreach (var wrong in Spoilt(proof))
                    Verify(Roots[older], Roots[newer], wrong).Should().BeFalse("{0} in {1}", older, newer);
            }
        }
    }

    [Fact]
    public void Nonsense_is_answered_with_no_and_never_thrown_at()
    {
        const int seed = 11;
        var random = new Random(seed);
        var edges = new[] { long.MinValue, -1, 0, 1, 2, 3, 64, 1L << 62, long.MaxValue - 1, long.MaxValue };
        long Number() => random.Next(2) == 0 ? edges[random.Next(edges.Length)] : random.NextInt64();
        for (var i = 0; i < 3_000; i++)
        {
            var proof = LeafHashes[..random.Next(70)];
            Proofs.VerifyInclusion(LeafHashes[1], Number(), Number(), proof, LeafHashes[2])
                .Should().BeFalse("seed {0}", seed);
            Proofs.VerifyConsistency(Number(), Number(), LeafHashes[1], LeafHashes[2], proof)
                .Should().BeFalse("seed {0}", seed);
        }
    }

    [Fact]
    public void Equal_trees_and_the_empty_tree_need_no_proof()
    {
        Proofs.Consistency(tree, 0, 9).Should().BeEmpty();
        Proofs.Consistency(tree, 9, 9).Should().BeEmpty();
        Proofs.VerifyConsistency(0, 9, TreeHash.Empty, Roots[9], []).Should().BeTrue();
        Proofs.VerifyConsistency(0, 0, TreeHash.Empty, TreeHash.Empty, []).Should().BeTrue();
        Proofs.VerifyConsistency(9, 9, Roots[9], Roots[9], []).Should().BeTrue();

        Proofs.VerifyConsistency(0, 9, Roots[1], Roots[9], []).Should().BeFalse();
        Proofs.VerifyConsistency(0, 0, Roots[1], Roots[1], []).Should().BeFalse();
        Proofs.VerifyConsistency(9, 9, Roots[9], Roots[8], []).Should().BeFalse();
        Proofs.VerifyConsistency(9, 9, Roots[9], Roots[9], [Roots[1]]).Should().BeFalse();
        Proofs.VerifyConsistency(8, 9, Roots[8], Roots[9], []).Should().BeFalse();
        Proofs.VerifyConsistency(9, 8, Roots[9], Roots[8], []).Should().BeFalse();
    }

    [Fact]
    public void Proofs_about_leaves_that_are_not_there_cannot_be_asked_for()
    {
        var ask = new Action[]
        {
            () => Proofs.Inclusion(tree, 5, 5), () => Proofs.Inclusion(tree, -1, 5),
            () => Proofs.Inclusion(tree, 0, 1_101), () => Proofs.Consistency(tree, 5, 4),
            () => Proofs.Consistency(tree, -1, 4), () => Proofs.Consistency(tree, 4, 1_101),
        };
        foreach (var question in ask) question.Should().Throw<ArgumentOutOfRangeException>();
    }

    /// <summary>One hash changed, one missing, one too many, two swapped.</summary>
    private static IEnumerable<TreeHash[]> Spoilt(TreeHash[] proof)
    {
        for (var i = 0; i < proof.Length; i++)
        {
            yield return [.. proof[..i], LeafHashes[1_000], .. proof[(i + 1)..]];
            yield return [.. proof[..i], .. proof[(i + 1)..]];
            if (i > 0) yield return [.. proof[..(i - 1)], proof[i], proof[i - 1], .. proof[(i + 1)..]];
        }
        yield return [.. proof, LeafHashes[1_000]];
    }
}
