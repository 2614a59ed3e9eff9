using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Domain.Kernel;

public sealed class TableSpecs
{
    private readonly Tables _tables = new();
    private readonly Table<UInt128, WideRow> _table;
    private readonly HashIndex<WideRow, long> _byCode;
    private readonly HashIndex<WideRow, int> _byGroup;
    private readonly OrderedIndex<WideRow, long> _byDue;

    public TableSpecs()
    {
        _table = new Table<UInt128, WideRow>(_tables, "wide");
        _byCode = _table.Hashed<long>(WideRow.CodeOf, unique: true);
        _byGroup = _table.Hashed<int>(WideRow.GroupOf, unique: false);
        _byDue = _table.Ordered<long>(WideRow.DueOf, unique: false);
    }

    [Fact]
    public void A_row_is_found_by_every_index()
    {
        var row = _table.Insert(new WideRow(7, code: 70, group: 3, due: 9));

        _table.Find(7).Should().Be(row);
        _byCode.Find(70).Should().Be(row);
        Numbers(_byGroup.Rows(3)).Should().Equal(row);
        _byDue.Find(9).Should().Be(row);
        _table[row].Code.Should().Be(70);
    }

    [Fact]
    public void A_primary_key_that_is_taken_is_refused()
    {
        _table.Insert(new WideRow(7, code: 70));
        _table.Invoking(t => t.Insert(new WideRow(7, code: 71))).Should().Throw<InvalidOperationException>();
        _table.Count.Should().Be(1);
    }

    [Fact]
    public void A_unique_secondary_key_that_is_taken_is_refused_before_anything_changes()
    {
        _table.Insert(new WideRow(7, code: 70));
        var other = _table.Insert(new WideRow(8, code: 80));
        var digest = _tables.Digest;

        _table.Invoking(t => t.Insert(new WideRow(9, code: 70))).Should().Throw<InvalidOperationException>();
        _table.Invoking(t => t.Update(other, new WideRow(8, code: 70))).Should().Throw<InvalidOperationException>();

        _tables.Digest.Should().Be(digest);
        _table.Find(9).Should().Be(-1);
        _byCode.Find(80).Should().Be(other);
        _table.Invoking(t => t.Update(other, new WideRow(8, code: 80, group: 5))).Should().NotThrow();
    }

    [Fact]
    public void The_number_deleted_last_is_given_out_first()
    {
        for (var key = 0; key < 4; key++) _table.Insert(new WideRow((UInt128)key, code: key));
        _table.Delete(1);
        _table.Delete(3);

        _table.Insert(new WideRow(10, code: 10)).Should().Be(3);
        _table.Insert(new WideRow(11, code: 11)).Should().Be(1);
        _table.Insert(new WideRow(12, code: 12)).Should().Be(4);
    }

    [Fact]
    public void An_undone_command_leaves_no_trace()
    {
        var kept = _table.Insert(new WideRow(1, code: 1, group: 1, due: 1));
        var digest = _tables.Digest;

        _tables.Begin();
        _table.Update(kept, new WideRow(1, code: 2, group: 2, due: 2));
        _table.Delete(kept);
        _table.Insert(new WideRow(5, code: 1));
        _table.Insert(new WideRow(6, code: 6));
        _tables.Rollback();

        _tables.Digest.Should().Be(digest);
        _table.Find(1).Should().Be(kept);
        _table.Find(5).Should().Be(-1);
        _byCode.Find(1).Should().Be(kept);
        _byCode.Find(2).Should().Be(-1);
        Numbers(_byGroup.Rows(1)).Should().Equal(kept);
        _table.Insert(new WideRow(9, code: 9)).Should().Be(1, "the undone rows gave their numbers back");
    }

    [Fact]
    public void Commands_do_not_nest()
    {
        _tables.Begin();
        _tables.Invoking(t => t.Begin()).Should().Throw<InvalidOperationException>();
        _tables.Commit();
        _tables.Invoking(t => t.Commit()).Should().Throw<InvalidOperationException>();
        _tables.Invoking(t => t.Rollback()).Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public void An_undo_that_does_not_bring_back_the_digest_is_fatal()
    {
        var lists = new Table<int, ListedRow>(_tables, "lists");
        var mutable = new[] { 1, 2 };
        _tables.Begin();
        lists.Insert(new ListedRow(1, mutable));
        mutable[0] = 3;
        _tables.Invoking(t => t.Rollback()).Should().Throw<StateCorruptException>();
    }

    [Fact]
    public void A_deleted_row_can_be_neither_updated_nor_deleted_again()
    {
        var row = _table.Insert(new WideRow(1, code: 1));
        _table.Delete(row);
        _table.Invoking(t => t.Delete(row)).Should().Throw<InvalidOperationException>();
        _table.Invoking(t => t.Update(row, new WideRow(1, code: 1))).Should().Throw<InvalidOperationException>();
        _table.Invoking(t => t[row + 1].Code).Should().Throw<ArgumentOutOfRangeException>();
        _table.Invoking(t => t[-1].Code).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void The_primary_key_of_a_row_never_changes()
    {
        var row = _table.Insert(new WideRow(1, code: 1));
        _table.Invoking(t => t.Update(row, new WideRow(2, code: 1))).Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public void Two_tables_of_one_name_are_refused() =>
        _tables.Invoking(t => new Table<UInt128, WideRow>(t, "wide")).Should().Throw<InvalidOperationException>();

    [Fact]
    public void An_index_cannot_be_attached_to_a_table_with_rows()
    {
        _table.Insert(new WideRow(1, code: 1));
        _table.Invoking(t => t.Hashed<int>(WideRow.GroupOf, unique: false)).Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public void Equal_rows_in_two_tables_do_not_cancel_or_repeat_in_the_digest()
    {
        var other = new Table<UInt128, WideRow>(_tables, "other");
        _table.Insert(new WideRow(1, code: 1));
        var one = _tables.Digest;
        other.Insert(new WideRow(1, code: 1));
        unchecked(_tables.Digest - one).Should().NotBe(one);
        _tables.Digest.Should().Be(_tables.DigestOfRows());
    }

    [Fact]
    public void A_scan_goes_on_after_its_last_entry_when_rows_are_deleted_under_it()
    {
        for (var key = 1; key <= 2000; key++) _table.Insert(new WideRow((UInt128)key, code: key, due: 2000 - key));
        var seen = new List<long>();
        foreach (var (due, row) in _byDue.From(500))
        {
            seen.Add(due);
            _table.Delete(row);
        }

        seen.Should().Equal(Enumerable.Range(500, 1500).Select(due => (long)due));
        _table.Count.Should().Be(500);
    }

    [Fact]
    public void Scans_pass_over_a_gap_left_by_deleting_a_whole_page()
    {
        for (var key = 0; key < 5000; key++) _table.Insert(new WideRow((UInt128)key, code: key, due: key));
        for (var row = 512; row < 1024; row++) _table.Delete(row);
        var (up, down) = (new List<int>(), new List<int>());
        foreach (var (_, row) in _byDue.From(500)) up.Add(row);
        foreach (var (_, row) in _byDue.Descending(1030)) down.Add(row);
        up.Should().Equal(Enumerable.Range(500, 12).Concat(Enumerable.Range(1024, 3976)));
        down.Should().Equal(Enumerable.Range(0, 512).Concat(Enumerable.Range(1024, 7)).Reverse());
    }

    [Fact]
    public void A_descending_scan_starts_at_its_key_inclusive()
    {
        for (var key = 1; key <= 5; key++) _table.Insert(new WideRow((UInt128)key, code: key, due: key / 2 * 10));
        var seen = new List<int>();
        foreach (var (_, row) in _byDue.Descending(10)) seen.Add(row);
        seen.Should().Equal(2, 1, 0);
        _byDue.TryFirst(out var first, out var lowest).Should().BeTrue();
        (first, lowest).Should().Be((0, 0));
    }

    private static List<int> Numbers(HashIndex<WideRow, int>.Matches matches)
    {
        var numbers = new List<int>();
        foreach (var number in matches) numbers.Add(number);
        return numbers;
    }
}

/// <summary>A row that holds an array, which rows should not let others change.</summary>
public readonly record struct ListedRow(int Key, int[] Values) : IRow<ListedRow, int>
{
    public static void Write(in ListedRow row, ref RowWriter to)
    {
        to.Value(row.Key);
        to.Values<int>(row.Values);
    }

    public static ListedRow Read(ref RowReader from) => new(from.Value<int>(), from.Values<int>());
}

/// <summary>80 bytes without references: a key and 64 bytes.</summary>
public readonly struct WideRow(UInt128 key, long code, int group = 0, long due = 0) : IRow<WideRow, UInt128>
{
    public UInt128 Key { get; } = key;
    public long Code { get; } = code;
    public long Due { get; } = due;
    public int Group { get; } = group;
    public int Filler { get; }
    public long More { get; }
    public UInt128 Most { get; }
    public UInt128 Last { get; }

    public static bool CodeOf(in WideRow row, out long code) => (code = row.Code) >= 0;

    public static bool GroupOf(in WideRow row, out int group) => (group = row.Group) >= 0;

    public static bool DueOf(in WideRow row, out long due) => (due = row.Due) >= 0;
}
