using System.Globalization;
using System.Text;
using BankingEngine.Host.Api;
using Xunit.Abstractions;

namespace BankingEngine.Specs.Api;

/// <summary>Valid bodies, broken by seed: never a fault, and a request that is malformed changes nothing.</summary>
public sealed class FuzzSpecs(ServedBook served, ITestOutputHelper output) : IClassFixture<ServedBook>
{
    private const int Rounds = 1_500;

    private static readonly string[] Pieces =
        ["{", "}", "[", "]", "\"", ":", ",", "null", "1e999", "-0", "\\u0000", "\\ud800", "\u00ff", "\"amount\":",
            "\"id\":\"x\",", "9999999999", "\u0001", "{}", "true"];

    [Fact]
    public async Task No_body_makes_the_host_or_the_engine_fail()
    {
        var seed = Environment.TickCount;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        var random = new Random(seed);
        for (var i = 0; i < Rounds; i++)
        {
            var spec = CommandCatalogue.All[random.Next(CommandCatalogue.All.Count)];
            var (path, body) = (ServedBook.PathOf(spec), spec.Example);
            if (random.Next(4) == 0) (path, body) =
                ("/v1/batch", $"[{{\"id\":\"f{i}\",\"command\":\"{spec.Name}\",{spec.Example[1..]}]");
            var broken = Fuzz.Break(Encoding.UTF8.GetBytes(body), Pieces, random);
            var before = await served.State();
            var reply = await served.Send(HttpMethod.Post, path, broken, $"fuzz-{seed}-{i}");
            var said = $"seed {seed} round {i}: {path} {Encoding.UTF8.GetString(broken)} answered {reply.Text}";
            ((int)reply.Status).Should().BeLessThan(500, said);
            reply.Text.Should().NotContain("\"status\":500", said);
            if (reply.Code is not null && !reply.IsRecorded) (await served.State()).Should().Be(before, said);
        }
    }
}

/// <summary>Spoils what was well formed.</summary>
internal static class Fuzz
{
    /// <summary>One to three times: a byte changed, a part removed, repeated or cut off, or one of the pieces put in.</summary>
    public static byte[] Break(byte[] body, string[] pieces, Random random)
    {
        var bytes = body.ToList();
        for (var times = random.Next(1, 4); times > 0 && bytes.Count > 0; times--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at)); break;
                case 2: bytes.InsertRange(at, Encoding.UTF8.GetBytes(pieces[random.Next(pieces.Length)])); break;
                case 3: bytes.RemoveRange(at, bytes.Count - at); break;
                default: bytes.InsertRange(at, bytes.Skip(at).Take(random.Next(1, 30)).ToList()); break;
            }
        }
        return [.. bytes];
    }
}
