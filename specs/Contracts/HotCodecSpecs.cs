using System.Buffers;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Contracts;

/// <summary>
/// The hot events are written by hand for speed. The generated JSON says what they have to look like.
/// </summary>
public sealed class HotCodecSpecs
{
    private const int Seed = 20_260_107;

    private static readonly LineHead Head = new(7, Instant.First, Tag.Of("teller-1"), new(1), 0, 1, 1);

    [Fact]
    public void The_hand_written_codec_writes_the_bytes_of_the_generated_one()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 3_000; round++)
        {
            var @event = AnyHot(random);
            var line = EventContractSpecs.Written(Head, new(@event, []));
            var data = Generated(@event);
            line.Should().EndWith(",\"data\":" + data + "}", "seed {0}, round {1}", Seed, round);
        }
    }

    [Fact]
    public void What_the_hand_written_codec_reads_is_what_the_generated_one_reads()
    {
        var random = new Random(Seed + 1);
        for (var round = 0; round < 3_000; round++)
        {
            var @event = AnyHot(random);
            var line = EventContractSpecs.Written(Head, new(@event, []));
            EventLine.Read(Encoding.UTF8.GetBytes(line)).Recorded.Event.Should()
                .Be(@event, "seed {0}, round {1}", Seed + 1, round);
            JsonSerializer.Deserialize(Generated(@event), EventCatalogue.Of(@event).Info).Should()
                .Be(@event, "seed {0}, round {1}", Seed + 1, round);
        }
    }

    private static string Generated(Event @event)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, EventJson.Line))
            JsonSerializer.Serialize(json, @event, EventCatalogue.Of(@event).Info);
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    private static TransferEvent AnyHot(Random random)
    {
        var (id, debit, credit) = (new TransferId(AnyBits(random)), AnyAccount(random), AnyAccount(random));
        var asset = Asset.Of("X-1", (byte)random.Next(Asset.MaxScale + 1));
        return random.Next(6) switch
        {
            0 => new TransferEvent.Made(id, debit, credit, AnyAmount(random, asset), AnyParticulars(random)),
            1 => new TransferEvent.Reserved(id, debit, credit, AnyAmount(random, asset),
                random.Next(2) == 0 ? null : new(random.NextInt64(1, Instant.Last.Microseconds)),
                    AnyParticulars(random)),
            2 => new TransferEvent.Posted(id, debit, credit, AnyAmount(random, asset), AnyAmount(random, asset),
                AnyAmount(random, asset), AnyParticulars(random)),
            4 => new TransferEvent.Imported(id, debit, credit, AnyAmount(random, asset),
                new(random.NextInt64(1, Instant.Last.Microseconds)), AnyParticulars(random)),
            3 => new TransferEvent.Cancelled(id, debit, credit, AnyAmount(random, asset)),
            _ => new TransferEvent.Expired(id, debit, credit, AnyAmount(random, asset)),
        };
    }

    private static Particulars AnyParticulars(Random random) => random.Next(3) == 0
        ? new(BookedOn: AnyDate(random))
        : new(
            random.Next(2) == 0 ? default : Tag.Of("code." + random.Next(1_000)),
            random.Next(2) == 0 ? null : AnyText(random),
            random.Next(2) == 0 ? null : AnyText(random),
            random.Next(2) == 0 ? null : AnyMetadata(random),
            random.Next(2) == 0 ? null : AnyDate(random),
            random.Next(2) == 0 ? null : AnyDate(random));

    private static Metadata AnyMetadata(Random random)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, EventJson.Line))
        {
            json.WriteStartObject();
            for (var pair = random.Next(4); pair > 0; pair--)
                json.WriteString($"k{pair}{AnyText(random)}", AnyText(random));
            json.WriteEndObject();
        }
        return new(Encoding.UTF8.GetString(bytes.WrittenSpan));
    }

    private static string AnyText(Random random)
    {
        string[] letters = ["a", "Z", "0", " ", "\"", "\\", "/", "<", "&", "'", "\n", "\u0001", "\u007f", "é", "ß", "€",
            "中", "😀", "\u2028", "\ufeff"];
        return string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => letters[random.Next(letters.Length)]));
    }

    private static Amount AnyAmount(Random random, Asset asset) => new(random.Next(4) switch
    {
        0 => 0,
        1 => random.Next(1_000_000),
        2 => Int128.MaxValue - random.Next(3),
        _ => (Int128)(AnyBits(random) >> 1),
    }, asset);

    private static AccountId AnyAccount(Random random) =>
        AccountId.Parse($"a{random.Next(10)}:{new string('x', random.Next(1, 30))}.{random.Next(100)}");

    private static BusinessDate AnyDate(Random random) =>
        BusinessDate.Parse("2026-01-05").AddDays(random.Next(-10_000, 10_000));

    private static UInt128 AnyBits(Random random) => new((ulong)random.NextInt64() << 1, (ulong)random.NextInt64());
}
