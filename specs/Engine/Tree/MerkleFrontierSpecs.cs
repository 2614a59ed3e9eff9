using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Specs.Engine.Tree;

public sealed class MerkleFrontierSpecs
{
    [Theory]
    [InlineData(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData(1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    [InlineData(2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    [InlineData(3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")]
    [InlineData(4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [InlineData(5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4")]
    [InlineData(6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef")]
    [InlineData(7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c")]
    [InlineData(8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")]
    public void The_reference_tree_of_certificate_transparency_has_its_published_roots(int size, string root)
    {
        var frontier = new MerkleFrontier();
        foreach (var leaf in NaiveTree.ReferenceLeaves[..size]) frontier.Append(TreeHash.OfLeaf(leaf).ToArray());
        frontier.Root().ToString().Should().Be(root);
    }

    [Fact]
    public void The_root_of_every_size_up_to_300_is_that_of_the_definition()
    {
        var leaves = NaiveTree.Leaves(300);
        var frontier = new MerkleFrontier();
        for (var size = 0; size < leaves.Length; size++)
        {
            frontier.Root().ToArray().Should().Equal(NaiveTree.Root(leaves.AsSpan(0, size)), "{0} leaves", size);
            frontier.Append(leaves[size]);
        }
    }

    [Fact]
    public void Batches_of_any_size_make_the_same_tree_and_name_every_new_node_once()
    {
        const int seed = 7;
        var random = new Random(seed);
        var leaves = NaiveTree.Leaves(3_000);
        var frontier = new MerkleFrontier();
        var nodes = new Dictionary<(int Level, long Index), byte[]>();
        var at = 0;
        while (at < leaves.Length)
        {
            var end = Math.Min(leaves.Length, at + random.Next(random.Next(4) == 0 ? 700 : 20));
            frontier.Append(NaiveTree.Flat(leaves[at..end]), (level, first, hashes) =>
            {
                for (var i = 0; i < hashes.Length / 32; i++)
                    nodes.Add((level, first + i), hashes.Slice(32 * i, 32).ToArray());
            });
            at = end;
            frontier.Size.Should().Be(end);
            frontier.Root().ToArray().Should().Equal(NaiveTree.Root(leaves.AsSpan(0, end)), "{0}, seed {1}", end, seed);
        }
        nodes.Count.Should().Be(Enumerable.Range(0, 12).Sum(level => leaves.Length >> level));
        foreach (var ((level, index), hash) in nodes)
        {
            var covered = leaves.AsSpan((int)index << level, 1 << level);
            hash.Should().Equal(NaiveTree.Root(covered), "level {0}, index {1}", level, index);
        }
    }

    [Fact]
    public void A_saved_frontier_goes_on_as_if_it_had_never_stopped()
    {
        var leaves = NaiveTree.Leaves(200);
        for (var size = 0; size < 130; size++)
        {
            var frontier = new MerkleFrontier();
            frontier.Append(NaiveTree.Flat(leaves[..size]));
            var loaded = MerkleFrontier.Load(frontier.Save());
            loaded.Append(NaiveTree.Flat(leaves[size..]));
            loaded.Root().ToArray().Should().Equal(NaiveTree.Root(leaves), "saved at {0}", size);
        }
    }

    [Fact]
    public void A_clone_does_not_follow_its_original()
    {
        var leaves = NaiveTree.Leaves(8);
        var frontier = new MerkleFrontier();
        frontier.Append(NaiveTree.Flat(leaves[..5]));
        var clone = frontier.Clone();
        frontier.Append(NaiveTree.Flat(leaves[5..]));
        clone.Root().ToArray().Should().Equal(NaiveTree.Root(leaves.AsSpan(0, 5)));
        frontier.Root().ToArray().Should().Equal(NaiveTree.Root(leaves));
    }

    [Fact]
    public void What_no_frontier_can_have_saved_is_refused()
    {
        var good = new MerkleFrontier();
        good.Append(NaiveTree.Flat(NaiveTree.Leaves(5)));
        var saved = good.Save();
        byte[][] wrong = [[], saved[..7], saved[..^1], [.. saved, 0], [0xff, .. saved[1..]], [0x40, .. saved[1..]]];
        foreach (var bad in wrong)
        {
            var load = () => MerkleFrontier.Load(bad);
            load.Should().Throw<FormatException>();
        }
    }

    [Fact]
    public void A_part_of_a_hash_is_no_leaf()
    {
        var append = () => new MerkleFrontier().Append(new byte[33]);
        append.Should().Throw<ArgumentException>();
    }
}
