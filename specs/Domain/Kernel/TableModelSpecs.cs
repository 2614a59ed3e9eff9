using BankingEngine.Domain.Kernel;
using FsCheck;
using FsCheck.Fluent;

namespace BankingEngine.Specs.Domain.Kernel;

/// <summary>Random changes and undone commands against plain dictionaries.</summary>
public sealed class TableModelSpecs
{
    private enum Kind
    {
        Insert,
        Update,
        Delete,
    }

    private sealed record Step(Kind Kind, int Key, int Code, int Group, int Due);

    private sealed record Command(bool Undone, Step[] Steps);

    [Fact]
    public void Tables_with_undone_commands_equal_tables_that_never_saw_them()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(150).WithEndSize(300), Prop.ForAll(Commands(), commands =>
        {
            var (lived, never) = (new Bench(seed: 1), new Bench(seed: 2));
            foreach (var command in commands)
            {
                lived.Tables.Begin();
                foreach (var step in command.Steps) lived.Do(step);
                if (command.Undone)
                {
                    lived.Undo();
                    continue;
                }

                lived.Keep();
                foreach (var step in command.Steps) never.Do(step);
            }

            lived.ShouldEqualItsModel();
            lived.Answers().Should().Equal(never.Answers(), "an undone command leaves no trace");
            lived.Tables.Digest.Should().Be(never.Tables.Digest);

            var loaded = new Bench(seed: 3);
            using var snapshot = new MemoryStream();
            lived.Tables.Save(snapshot);
            snapshot.Position = 0;
            loaded.Tables.Load(snapshot);
            loaded.Answers().Should().Equal(lived.Answers(), "a snapshot keeps all");
            foreach (var key in Enumerable.Range(1000, 20))
            {
                var row = new WideRow((UInt128)key, key, key % 3, key % 5);
                loaded.Table.Insert(row).Should().Be(lived.Table.Insert(row), "free numbers come in the same order");
            }
        }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Large_tables_that_split_and_merge_pages_equal_their_model(int seed)
    {
        var random = new Random(seed);
        var bench = new Bench(seed: 9);
        foreach (var (rounds, inserts) in new[] { (12_000, 90), (14_000, 20), (6_000, 70) })
        {
            bench.Tables.Begin();
            for (var round = 0; round < rounds; round++)
            {
                var kind = random.Next(100) < inserts ? Kind.Insert : random.Next(4) == 0 ? Kind.Update : Kind.Delete;
                var (key, code) = (random.Next(20_000), random.Next(40_000));
                bench.Do(new Step(kind, key, code, random.Next(-1, 4), random.Next(-9, 900)));
                if (round % 1000 != 0) continue;
                if (random.Next(2) == 0) bench.Undo();
                else bench.Keep();
                bench.Tables.Begin();
            }

            bench.Keep();
            bench.ShouldEqualItsModel();
        }
    }

    private static Arbitrary<Command[]> Commands()
    {
        var step =
            from kind in Gen.Elements(Kind.Insert, Kind.Insert, Kind.Update, Kind.Update, Kind.Delete)
            from key in Gen.Choose(0, 30)
            from code in Gen.Choose(-5, 40)
            from @group in Gen.Choose(-1, 3)
            from due in Gen.Choose(-2, 10)
            select new Step(kind, key, code, @group, due);
        var command =
            from undone in Gen.Elements(false, true)
            from steps in step.ArrayOf()
            select new Command(undone, steps);
        return command.ArrayOf().ToArbitrary();
    }

    /// <summary>A table with every kind of index, and the model it is compared with.</summary>
    private sealed class Bench
    {
        private readonly HashIndex<WideRow, long> _byCode;
        private readonly HashIndex<WideRow, int> _byGroup;
        private readonly OrderedIndex<WideRow, long> _byDue;
        private readonly OrderedIndex<WideRow, UInt128> _byKey;
        private readonly Table<int, NotedRow> _notes;
        private Dictionary<int, WideRow> _model = [];
        private Dictionary<int, WideRow> _kept = [];

        internal Bench(ulong seed)
        {
            Tables = new Tables(seed);
            Table = new Table<UInt128, WideRow>(Tables, "wide");
            _byCode = Table.Hashed<long>(WideRow.CodeOf, unique: true);
            _byGroup = Table.Hashed<int>(WideRow.GroupOf, unique: false);
            _byDue = Table.Ordered<long>(WideRow.DueOf, unique: false);
            _byKey = Table.Ordered((in WideRow row, out UInt128 key) => (key = row.Key) >= 0, unique: true);
            _notes = new Table<int, NotedRow>(Tables, "notes");
        }

        internal Tables Tables { get; }
        internal Table<UInt128, WideRow> Table { get; }

        internal void Undo()
        {
            Tables.Rollback();
            _model = new(_kept);
        }

        internal void Keep()
        {
            Tables.Commit();
            _kept = new(_model);
        }

        internal void Do(Step step)
        {
            var row = new WideRow((UInt128)step.Key, step.Code, step.Group, step.Due);
            var number = Table.Find(row.Key);
            (number >= 0).Should().Be(_model.ContainsKey(step.Key));
            var taken = step.Code >= 0 && _byCode.Find(step.Code) is var other && other >= 0 && other != number;
            switch (step.Kind)
            {
                case Kind.Insert when number >= 0 || taken:
                    Table.Invoking(t => t.Insert(row)).Should().Throw<InvalidOperationException>();
                    break;
                case Kind.Insert:
                    Table.Insert(row);
                    _notes.Insert(new NotedRow(step.Key, $"note {step.Code} é"));
                    _model.Add(step.Key, row);
                    break;
                case Kind.Update when number >= 0 && taken:
                    Table.Invoking(t => t.Update(number, row)).Should().Throw<InvalidOperationException>();
                    break;
                case Kind.Update when number >= 0:
                    Table.Update(number, row);
                    _model[step.Key] = row;
                    break;
                case Kind.Delete when number >= 0:
                    Table.Delete(number);
                    _notes.Delete(_notes.Find(step.Key));
                    _model.Remove(step.Key);
                    break;
            }
        }

        internal void ShouldEqualItsModel()
        {
            Tables.Digest.Should().Be(Tables.DigestOfRows());
            (Table.Count, _notes.Count, _byKey.Count).Should().Be((_model.Count, _model.Count, _model.Count));
            var rows = new List<int>();
            foreach (var row in Table) rows.Add(row);
            rows.Should().HaveCount(_model.Count).And.BeInAscendingOrder();
            foreach (var (key, row) in _model)
            {
                Table.TryGet((UInt128)key, out var found).Should().BeTrue();
                (found.Code, found.Group, found.Due).Should().Be((row.Code, row.Group, row.Due));
                if (row.Code >= 0) _byCode.Find(row.Code).Should().Be(Table.Find((UInt128)key));
            }

            foreach (var group in Enumerable.Range(-1, 5)) ByGroup(group).Should().Equal(
                rows.Where(r => group >= 0 && Table[r].Group == group), "group {0}", group);
            ByDue().Should().Equal(rows.Where(r => Table[r].Due >= 0).OrderBy(r => Table[r].Due).ThenBy(r => r));
            Downwards().Should().Equal(ByDue().Where(r => Table[r].Due <= 400).Reverse());
        }

        /// <summary>All that lookups and scans answer, row numbers included.</summary>
        internal IEnumerable<(int, UInt128, long)> Answers()
        {
            foreach (var row in Table) yield return (row, Table[row].Key, Table[row].Code);
            foreach (var row in ByDue()) yield return (row, 0, 1);
            foreach (var row in Enumerable.Range(0, 4).SelectMany(ByGroup)) yield return (row, 0, 2);
            foreach (var row in _notes) yield return (row, (UInt128)_notes[row].Key, _notes[row].Text.Length);
        }

        private List<int> ByGroup(int group)
        {
            var numbers = new List<int>();
            foreach (var row in _byGroup.Rows(group)) numbers.Add(row);
            return numbers;
        }

        private List<int> ByDue()
        {
            var numbers = new List<int>();
            foreach (var (_, row) in _byDue.From(0)) numbers.Add(row);
            return numbers;
        }

        private List<int> Downwards()
        {
            var numbers = new List<int>();
            foreach (var (_, row) in _byDue.Descending(400)) numbers.Add(row);
            return numbers;
        }
    }
}

/// <summary>A row that holds a reference, so it says itself how it is written.</summary>
public readonly record struct NotedRow(int Key, string Text) : IRow<NotedRow, int>
{
    public static void Write(in NotedRow row, ref RowWriter to)
    {
        to.Value(row.Key);
        to.Text(row.Text);
    }

    public static NotedRow Read(ref RowReader from) => new(from.Value<int>(), from.Text());
}
