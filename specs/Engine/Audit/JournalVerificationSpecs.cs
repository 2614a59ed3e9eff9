using System.Text;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Application.Journal.Verification;
using BankingEngine.Specs.Engine.Tree;

namespace BankingEngine.Specs.Engine.Audit;

public sealed class JournalVerificationSpecs : IAsyncLifetime
{
    private AuditedBook book = null!;

    private int Size => book.Lines.Length;

    public async Task InitializeAsync() => book = await AuditedBook.PaidAsync(payments: 40);

    public Task DisposeAsync()
    {
        book.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public void An_honest_journal_holds_against_its_checkpoints_of_every_size()
    {
        var report = book.VerifyFolder([.. Enumerable.Range(0, Size + 1).Select(book.Checkpoint)]);
        report.Findings.Should().BeEmpty();
        report.Size.Should().Be(Size);
        report.Origin.Should().Be(AuditedBook.Origin);
        report.Root!.Value.ToArray().Should().Equal(NaiveTree.Root(AuditedBook.Leaves(book.Lines)));
    }

    [Fact]
    public void An_honest_export_holds_against_its_checkpoints_in_any_order()
    {
        var report = book.VerifyExport(book.Lines, book.Checkpoint(Size), book.Checkpoint(3), book.Checkpoint(Size));
        report.Findings.Should().BeEmpty();
        report.Size.Should().Be(Size);
    }

    [Fact]
    public void A_changed_byte_is_found_in_the_block_that_holds_it()
    {
        book.Tamper(lines => Changed(lines, At(lines, 20)));
        var finding = Only(book.VerifyFolder(), FindingKind.RootDiffers);
        finding.File.Should().Be("journal/0000000001.ndjson");
        finding.From.Should().BeLessThanOrEqualTo(20);
        finding.To.Should().BeGreaterThanOrEqualTo(20);
    }

    [Fact]
    public void A_changed_byte_of_an_export_is_found_between_the_checkpoint_that_agrees_and_the_next()
    {
        var changed = Changed(book.Lines, 19).ToArray();
        var finding = Only(book.VerifyExport(changed, book.Checkpoint(18), book.Checkpoint(22), book.Checkpoint(Size)),
            FindingKind.RootDiffers);
        (finding.From, finding.To).Should().Be((19, 22));
    }

    [Fact]
    public void A_dropped_line_is_named()
    {
        var finding = Only(book.VerifyExport(book.Lines.Where((_, i) => i is not (11 or 12)), book.Checkpoint(Size)),
            FindingKind.PositionMissing);
        (finding.Line, finding.From, finding.To).Should().Be((12, 12, 13));
        book.Tamper(lines => lines.Where((_, i) => i != At(lines, 20)));
        var inFolder = Only(book.VerifyFolder(book.Checkpoint(Size)), FindingKind.PositionMissing);
        (inFolder.From, inFolder.To).Should().Be((20, 20));
    }

    [Fact]
    public void Two_lines_that_changed_places_are_named()
    {
        string[] swapped = [.. book.Lines[..9], book.Lines[10], book.Lines[9], .. book.Lines[11..]];
        var report = book.VerifyExport(swapped, book.Checkpoint(Size));
        report.Findings.Select(f => (f.Kind, f.Line, f.From)).Should().Equal(
            (FindingKind.PositionMissing, 10, 10), (FindingKind.PositionRepeated, 11, 10));
    }

    [Fact]
    public void A_line_that_stands_twice_is_named() =>
        Only(book.VerifyExport([.. book.Lines[..10], .. book.Lines[9..]]), FindingKind.PositionRepeated).From.Should()
            .Be(10);

    [Fact]
    public void A_line_that_is_no_event_is_named()
    {
        string[] lines = [.. book.Lines[..10], "{\"position\":011,}", .. book.Lines[10..]];
        var finding = Only(book.VerifyExport(lines), FindingKind.Unreadable);
        (finding.File, finding.Line).Should().Be(("export", 11));
    }

    [Fact]
    public void A_journal_without_its_end_is_shorter_than_what_was_signed()
    {
        var checkpoint = book.Checkpoint(Size);
        book.Tamper(lines => lines[..At(lines, 20)]);
        var report = book.VerifyFolder(checkpoint);
        var finding = Only(report, FindingKind.TooShort);
        (finding.From, finding.To).Should().Be((report.Size + 1, Size));
    }

    [Fact]
    public void History_written_anew_holds_together_but_not_against_a_checkpoint()
    {
        string[] forged = [.. book.Lines[..^1], book.Lines[^1].Replace("12.34", "92.34", StringComparison.Ordinal)];
        book.VerifyExport(forged, book.Checkpoint(Size, forged)).Findings.Should().BeEmpty();
        Only(book.VerifyExport(forged, book.Checkpoint(Size)), FindingKind.RootDiffers);
    }

    [Fact]
    public void Lines_behind_the_last_seal_are_not_the_journal_and_no_finding()
    {
        book.Tamper(lines => [.. lines, $"{{\"position\":{Size + 1},\"at\":\"x\"}}"]);
        var report = book.VerifyFolder(book.Checkpoint(Size));
        report.Findings.Should().BeEmpty();
        (report.Size, report.UnsealedLines).Should().Be((Size, 1));
    }

    [Fact]
    public void A_checkpoint_of_another_key_or_another_book_is_not_taken()
    {
        using var stranger = CheckpointSigner.Create(AuditedBook.Origin);
        var text = book.Checkpoint(3);
        Verifier.Signature(text, AuditedBook.KeyOf(stranger)).Findings.Should().ContainSingle()
            .Which.Kind.Should().Be(FindingKind.SignatureInvalid);
        Verifier.Signature(text, book.Key).Holds.Should().BeTrue();
        Verifier.Signature(text + "x", book.Key).Findings.Should().ContainSingle().Which.Kind.Should()
            .Be(FindingKind.Unreadable);
        using var other = CheckpointSigner.Create("book-other");
        var otherBook = other.Sign(
            new("book-other", 3, TreeHash.From(NaiveTree.Root(AuditedBook.Leaves(book.Lines[..3])))));
        Verifier.Journal(book.Book.Folder, [otherBook], AuditedBook.KeyOf(other)).Findings.Should().ContainSingle()
            .Which.Kind.Should().Be(FindingKind.WrongBook);
    }

    [Fact]
    public void A_folder_without_a_journal_is_a_finding() =>
        Verifier.Journal(Path.Combine(book.Book.Folder, "nothing"), [], null).Findings.Should().ContainSingle()
            .Which.Kind.Should().Be(FindingKind.Unreadable);

    [Fact]
    public void Any_changed_byte_of_an_export_is_found_and_nothing_throws()
    {
        const int seed = 20_261_121;
        var random = new Random(seed);
        var bytes = Encoding.UTF8.GetBytes(string.Concat(book.Lines.Select(line => line + "\n")));
        var checkpoint = book.Checkpoint(Size);
        for (var round = 0; round < 400; round++)
        {
            var changed = bytes.ToArray();
            var at = random.Next(changed.Length);
            changed[at] ^= (byte)random.Next(1, 256);
            using var stream = new MemoryStream(changed);
            Verifier.Export(stream, "export", [checkpoint], book.Key).Holds.Should()
                .BeFalse("seed {0}, round {1}, byte {2}", seed, round, at);
        }
    }

    private static Finding Only(VerificationReport report, FindingKind kind)
    {
        var finding = report.Findings.Should().ContainSingle().Which;
        finding.Kind.Should().Be(kind);
        report.Holds.Should().BeFalse();
        return finding;
    }

    private static int At(string[] lines, int position) =>
        Array.FindIndex(lines, line => line.StartsWith($"{{\"position\":{position},", StringComparison.Ordinal));

    /// <summary>One byte of a line, so that it still reads as an event.</summary>
    private static IEnumerable<string> Changed(string[] lines, int index) =>
        lines.Select((line, i) => i == index ? line.Replace("12.34", "92.34", StringComparison.Ordinal) : line);
}
