using System.Buffers;
using System.IO.Pipelines;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using Google.Protobuf;

namespace BankingEngine.Specs.Engine.Grpc;

/// <summary>Frames as nobody should send them. A seed that fails is in the message.</summary>
public sealed class GrpcFrameFuzzSpecs
{
    private const int Rounds = 3_000, Most = 4_096;

    [Fact]
    public async Task Frames_cut_anywhere_and_fed_in_any_pieces_give_the_same_messages()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var chance = new Random(seed);
            var sent = Enumerable.Range(0, chance.Next(1, 8)).Select(_ => Message(chance)).ToList();
            byte[] bytes = [.. sent.SelectMany(GrpcSpecs.Frame)];
            var got = new List<AppendReq>();
            var pipe = new Pipe();
            var feeding = Feed(pipe.Writer, bytes, chance);
            while (await GrpcFrames.ReadAsync(pipe.Reader, AppendReq.Parser, Most, default) is { } message) got.Add(message);
            await feeding;
            got.Should().Equal(sent, "of seed {0}", seed);
        }
    }

    [Fact]
    public async Task Garbage_truncation_and_wrong_lengths_end_in_a_status_and_nothing_else()
    {
        for (var seed = 0; seed < Rounds; seed++)
        {
            var chance = new Random(seed);
            byte[] bytes = [.. GrpcSpecs.Frame(Message(chance)), .. GrpcSpecs.Frame(Message(chance))];
            bytes = chance.Next(4) switch
            {
                0 => bytes[..chance.Next(bytes.Length)],
                1 => Garbage(chance, chance.Next(1, 64)),
                2 => Spoilt(bytes, chance),
                _ => [.. bytes, .. Garbage(chance, chance.Next(1, 16))],
            };
            var pipe = new Pipe();
            var feeding = Feed(pipe.Writer, bytes, chance);
            try
            {
                var most = 0;
                while (await GrpcFrames.ReadAsync(pipe.Reader, AppendReq.Parser, Most, default) is not null) most++;
                most.Should().BeLessThanOrEqualTo(bytes.Length / GrpcFrames.HeaderBytes);
            }
            catch (GrpcException failure)
            {
                failure.Code.Should().BeOneOf([GrpcCode.Internal, GrpcCode.ResourceExhausted], "of seed {0}", seed);
            }
            await pipe.Reader.CompleteAsync();
            await feeding;
        }
    }

    [Fact]
    public void An_oversized_frame_is_refused_by_its_length_alone()
    {
        var buffer = new ReadOnlySequence<byte>([0, 0, 0, 0x10, 1]);
        var take = () => GrpcFrames.TryTake(ref buffer, AppendReq.Parser, Most, out _);
        take.Should().Throw<GrpcException>().Which.Code.Should().Be(GrpcCode.ResourceExhausted);
        var exact = new ReadOnlySequence<byte>([0, 0, 0, 0x10, 0]);
        GrpcFrames.TryTake(ref exact, AppendReq.Parser, Most, out _).Should().BeFalse("it may still come");
    }

    [Fact]
    public void An_event_has_one_name_for_ever()
    {
        var genesis = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();
        EventIds.Of(genesis, 1).Should().Be(Guid.Parse("6061c438-6d7a-8788-ba52-e2e8b2ee6fe6"));
        EventIds.Of(genesis, 2).Should().NotBe(EventIds.Of(genesis, 1));
        EventIds.Of(new byte[32], 1).Should().NotBe(EventIds.Of(genesis, 1));
        foreach (var structured in new[] { true, false })
        {
            EventStoreNames.TryReadUuid(EventStoreNames.UuidOf(EventIds.Of(genesis, 7), structured), out var read).Should().BeTrue();
            read.Should().Be(EventIds.Of(genesis, 7));
        }
    }

    private static AppendReq Message(Random chance) => new()
    {
        ProposedMessage = new() { Data = ByteString.CopyFrom(Garbage(chance, chance.Next(300))), Metadata = { ["type"] = "x" } },
    };

    private static byte[] Garbage(Random chance, int length)
    {
        var bytes = new byte[length];
        chance.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Spoilt(byte[] bytes, Random chance)
    {
        bytes[chance.Next(bytes.Length)] ^= (byte)chance.Next(1, 256);
        return bytes;
    }

    private static async Task Feed(PipeWriter to, byte[] bytes, Random chance)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var count = Math.Min(bytes.Length - at, chance.Next(1, 40));
            if ((await to.WriteAsync(bytes.AsMemory(at, count))).IsCompleted) break;
            at += count;
        }
        await to.CompleteAsync();
    }
}
