using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Domain.Kernel;

public sealed class SnapshotSpecs
{
    [Fact]
    public void A_snapshot_of_another_schema_is_refused()
    {
        var snapshot = Saved();
        var other = new Tables();
        _ = new Table<UInt128, WideRow>(other, "wide");
        _ = new Table<int, NotedRow>(other, "other notes");
        other.Invoking(t => t.Load(new MemoryStream(snapshot))).Should().Throw<SnapshotRefusedException>();
    }

    [Fact]
    public void A_snapshot_is_the_same_whatever_the_order_the_tables_were_made_in()
    {
        var tables = new Tables();
        var notes = new Table<int, NotedRow>(tables, "notes");
        _ = new Table<UInt128, WideRow>(tables, "wide");
        tables.Load(new MemoryStream(Saved()));
        notes.Count.Should().Be(99);
    }

    [Fact]
    public void A_snapshot_cut_short_or_damaged_anywhere_is_refused()
    {
        var snapshot = Saved();
        for (var at = 0; at < snapshot.Length; at += 1 + (at / 97))
        {
            var damaged = (byte[])snapshot.Clone();
            damaged[at] ^= 0x10;
            New().Invoking(t => t.Load(new MemoryStream(damaged)))
                .Should().Throw<SnapshotRefusedException>("byte {0} is damaged", at);
            New().Invoking(t => t.Load(new MemoryStream(snapshot[..at]))).Should().Throw<SnapshotRefusedException>();
        }
    }

    [Fact]
    public void A_snapshot_is_neither_taken_nor_loaded_within_a_command()
    {
        var tables = New();
        tables.Begin();
        tables.Invoking(t => t.Save(new MemoryStream())).Should().Throw<InvalidOperationException>();
        tables.Invoking(t => t.Load(new MemoryStream(Saved()))).Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public void A_snapshot_is_loaded_into_new_tables_only()
    {
        var tables = New();
        tables.Load(new MemoryStream(Saved()));
        tables.Invoking(t => t.Load(new MemoryStream(Saved()))).Should().Throw<InvalidOperationException>();
    }

    private static Tables New()
    {
        var tables = new Tables();
        _ = new Table<UInt128, WideRow>(tables, "wide");
        _ = new Table<int, NotedRow>(tables, "notes");
        return tables;
    }

    private static byte[] Saved()
    {
        var tables = new Tables();
        var wide = new Table<UInt128, WideRow>(tables, "wide");
        var notes = new Table<int, NotedRow>(tables, "notes");
        for (var key = 0; key < 100; key++)
        {
            wide.Insert(new WideRow((UInt128)key, code: key));
            notes.Insert(new NotedRow(key, $"note {key}"));
        }

        wide.Delete(5);
        wide.Delete(3);
        notes.Delete(7);
        using var stream = new MemoryStream();
        tables.Save(stream);
        return stream.ToArray();
    }
}
