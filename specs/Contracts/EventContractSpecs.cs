using System.Buffers;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Statements;

namespace BankingEngine.Specs.Contracts;

/// <summary>
/// Event JSON is a public contract: whatever was written once is read for ever. events.ndjson holds a stored example of
/// every wire name; a difference here means that journals in the field could not be read any more.
/// </summary>
public sealed class EventContractSpecs
{
    private static readonly string[] Approved =
        File.ReadAllLines(Path.Combine(Repository(), "specs", "Contracts", "events.ndjson"));

    [Fact]
    public void Every_event_of_the_catalogue_has_a_stored_example() =>
        EventExamples.All.Select(example => example.Recorded.Event.GetType()).Distinct()
            .Should().Equal(EventCatalogue.All.Select(type => type.Type),
                "the first examples stand in the order of the catalogue");

    [Fact]
    public void Every_event_is_written_as_its_stored_example_byte_for_byte()
    {
        var missing = EventExamples.All.Skip(Approved.Length).Select(e => Written(e.Head, e.Recorded)).ToList();
        missing.Should().BeEmpty($"events.ndjson ends with these: {string.Join("\n", missing)}");
        Approved.Should().HaveCount(EventExamples.All.Count);
        foreach (var ((head, recorded), approved) in EventExamples.All.Zip(Approved))
            Written(head, recorded).Should().Be(approved);
    }

    [Fact]
    public void Every_stored_example_reads_as_the_event_it_was()
    {
        foreach (var ((head, recorded), approved) in EventExamples.All.Zip(Approved))
        {
            var (readHead, read) = EventLine.Read(Encoding.UTF8.GetBytes(approved));
            read.Event.Should().Be(recorded.Event, approved);
            read.Legs.Should().Equal(recorded.Legs);
            readHead.Should().Be(head, approved);
        }
    }

    [Fact]
    public void A_statement_from_before_editions_is_of_the_first_edition_of_its_forms()
    {
        var issued = Approved.Where(line => line.Contains("statement.issued", StringComparison.Ordinal))
            .Select(line => ((StatementEvent.Issued)EventLine.Read(Encoding.UTF8.GetBytes(line)).Recorded.Event).Copies)
            .ToList();
        issued[0].Select(copy => (copy.Edition, copy.PrintedIn())).Should().Equal((0, 1), (0, 1));
        issued[1].Select(copy => (copy.Edition, copy.PrintedIn())).Should().Equal((1, 1), (2, 2));
    }

    [Fact]
    public void Every_member_of_an_example_is_known_and_one_more_is_refused()
    {
        foreach (var approved in Approved)
        {
            var data = approved.IndexOf("\"data\":{", StringComparison.Ordinal) + 8;
            var stranger = approved.Insert(data, "\"stranger\":1,").Replace(",}", "}", StringComparison.Ordinal);
            var read = () => EventLine.Read(Encoding.UTF8.GetBytes(stranger));
            read.Should().Throw<JsonException>(stranger);
        }
    }

    internal static string Written(in LineHead head, in Recorded recorded)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, EventJson.Line)) EventLine.Write(json, head, recorded);
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    internal static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "BankingEngine.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("The specs run outside the repository.");
        return folder.FullName;
    }
}
