using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Specs.Engine.Tree;

public sealed class TreeStoreSpecs : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("tree-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Every_complete_subtree_can_be_read_back()
    {
        var leaves = NaiveTree.Leaves(700);
        using var store = Filled(leaves);
        for (var level = 0; level < 10; level++)
        {
            for (var index = 0; index < leaves.Length >> level; index++)
            {
                var covered = leaves.AsSpan(index << level, 1 << level);
                store.Node(level, index).ToArray().Should().Equal(NaiveTree.Root(covered), "{0}, {1}", level, index);
            }
        }
    }

    [Fact]
    public void Roots_and_frontiers_of_the_past_are_still_there()
    {
        var leaves = NaiveTree.Leaves(600);
        using var store = Filled(leaves);
        foreach (var size in new[] { 0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 599, 600 })
        {
            var expected = NaiveTree.Root(leaves.AsSpan(0, size));
            store.Root(size).ToArray().Should().Equal(expected, "{0} leaves", size);
            store.FrontierAt(size).Root().ToArray().Should().Equal(expected, "{0} leaves", size);
        }
    }

    [Fact]
    public void Tiles_lie_where_the_layout_says()
    {
        var leaves = NaiveTree.Leaves(70_000);
        using (Filled(leaves)) { }
        var bottom = File.ReadAllBytes(Path.Combine(folder, "0"));
        bottom.AsSpan(8192 * 3, 8192).SequenceEqual(NaiveTree.Flat(leaves[768..1024])).Should().BeTrue();
        var second = File.ReadAllBytes(Path.Combine(folder, "8"));
        second.Length.Should().Be(273 * 32);
        second.AsSpan(32 * 3, 32).SequenceEqual(NaiveTree.Root(leaves.AsSpan(768, 256))).Should().BeTrue();
        var third = File.ReadAllBytes(Path.Combine(folder, "16"));
        TreeStore.RootOfTile(second.AsSpan(0, 8192)).ToArray().Should().Equal(third);
        new FileInfo(Path.Combine(folder, "24")).Length.Should().Be(0);
    }

    [Theory]
    [InlineData("0", 0, 0)]
    [InlineData("0", 32 * 999 + 31, 999)]
    [InlineData("0", 32 * 300, 300)]
    [InlineData("8", 0, 255)]
    [InlineData("8", 32 * 3 + 5, 1_000)]
    [InlineData("8", 32 * 2, 767)]
    public void An_interrupted_append_is_cut_to_what_all_files_hold_and_fed_again(string file, int bytes, int known)
    {
        var leaves = NaiveTree.Leaves(1_000);
        using (Filled(leaves)) { }
        using (var damaged = File.OpenWrite(Path.Combine(folder, file))) damaged.SetLength(bytes);

        using var store = TreeStore.Open(folder);
        store.Size.Should().Be(known);
        store.Append(store.FrontierAt(known), NaiveTree.Flat(leaves[known..]));
        store.SoundSize().Should().Be(1_000);
        store.Root(1_000).ToArray().Should().Equal(NaiveTree.Root(leaves));
    }

    [Fact]
    public void Damage_inside_full_tiles_is_found_and_truncating_heals_it()
    {
        var leaves = NaiveTree.Leaves(1_100);
        using (Filled(leaves)) { }
        using (var damaged = File.OpenWrite(Path.Combine(folder, "0")))
        {
            damaged.Position = 32 * 600;
            damaged.WriteByte((byte)(leaves[600][0] ^ 1));
        }

        using var store = TreeStore.Open(folder);
        store.SoundSize().Should().Be(512);
        store.Truncate(store.SoundSize());
        store.Append(store.FrontierAt(512), NaiveTree.Flat(leaves[512..]));
        store.SoundSize().Should().Be(1_100);
        store.Root(1_100).ToArray().Should().Equal(NaiveTree.Root(leaves));
    }

    [Fact]
    public void What_is_not_complete_yet_cannot_be_read()
    {
        using var store = Filled(NaiveTree.Leaves(5));
        foreach (var (level, index) in new[] { (0, 5L), (0, -1L), (1, 2L), (3, 0L), (-1, 0L), (63, 0L) })
        {
            var read = () => store.Node(level, index);
            read.Should().Throw<ArgumentOutOfRangeException>("{0}, {1}", level, index);
        }
        var noSubtree = () => store.RootOf(1, 3);
        noSubtree.Should().Throw<ArgumentOutOfRangeException>();
        var beyond = () => store.Root(6);
        beyond.Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void A_frontier_that_stands_elsewhere_is_refused()
    {
        using var store = Filled(NaiveTree.Leaves(5));
        var append = () => store.Append(new MerkleFrontier(), new byte[32]);
        append.Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public async Task Readers_see_only_whole_trees_while_leaves_are_appended()
    {
        var leaves = NaiveTree.Leaves(4_000);
        var roots = Enumerable.Range(0, 41).Select(i => NaiveTree.Root(leaves.AsSpan(0, 100 * i))).ToArray();
        using var store = TreeStore.Open(folder);
        using var started = new ManualResetEventSlim();
        var reader = Task.Run(() =>
        {
            started.Set();
            long size;
            do
            {
                size = store.Size;
                store.Root(size).ToArray().Should().Equal(roots[size / 100], "{0} leaves", size);
            }
            while (size < leaves.Length);
        });
        started.Wait();
        var frontier = new MerkleFrontier();
        foreach (var batch in leaves.Chunk(100)) store.Append(frontier, NaiveTree.Flat(batch));
        await reader;
    }

    private TreeStore Filled(byte[][] leaves)
    {
        var store = TreeStore.Open(folder);
        var frontier = new MerkleFrontier();
        foreach (var batch in leaves.Chunk(333)) store.Append(frontier, NaiveTree.Flat(batch));
        return store;
    }
}
