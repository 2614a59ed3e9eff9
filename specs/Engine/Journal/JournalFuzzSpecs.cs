using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Journal;

public sealed class JournalFuzzSpecs
{
    [Fact]
    public void Two_hundred_lives_on_a_faulty_disk_lose_nothing_silently()
    {
        var result = StorageFaults.Run(firstSeed: 1, count: 200);

        result.PowerLosses.Should().BeGreaterThan(100);
        result.ProcessCrashes.Should().BeGreaterThan(100);
        result.TornTails.Should().BeGreaterThan(100);
        result.DamagesNamed.Should().BeGreaterThan(20);
        result.Repairs.Should().BeGreaterThan(20);
    }

    [Fact]
    public void Whatever_is_done_to_the_files_a_line_is_never_lost_or_changed_unnoticed()
    {
        var opened = Enumerable.Range(1, 400).Count(Fuzz);

        opened.Should().BeInRange(20, 200, "mutations that always or never spoil the journal prove little");
    }

    /// <summary>Mutates some files of a sound journal, then opens, reads and checks it.</summary>
    /// <returns>Whether it could be opened and read.</returns>
    private static bool Fuzz(int seed)
    {
        var read = false;
        var random = new Random(seed);
        var blocks = random.Next(1, 6);
        var fixture = JournalFixture.InSegments(blocks);
        for (var mutations = random.Next(1, 5); mutations > 0; mutations--) Mutate(fixture, random);
        try
        {
            using (var journal = fixture.Open())
            {
                var position = 0;
                foreach (var line in JournalFixture.Lines(journal))
                    line.Should().Be(SampleBlocks.LineAt(++position), "seed {0}", seed);
                position.Should().Be(blocks * 30, "all of it was acknowledged, seed {0}", seed);
                JournalFixture.Append(journal, 3);
            }
            fixture.Open().Dispose();
            read = true;
        }
        catch (JournalException)
        {
            // Named: what the spec asks for. Any other exception fails it.
        }
        try
        {
            fixture.Check();
        }
        catch (JournalException notFound)
        {
            notFound.Kind.Should().Be(JournalFault.NotFound, "seed {0}", seed);
        }
        return read;
    }

    private static void Mutate(JournalFixture fixture, Random random)
    {
        var files = fixture.Files;
        var paths = files.Paths.ToList();
        if (paths.Count == 0) return;
        var path = paths[random.Next(paths.Count)];
        var content = files.Content(path);
        var at = random.Next(content.Length + 1);
        switch (random.Next(8))
        {
            case 0 when content.Length > 0:
                files.FlipBit(path);
                break;
            case 1:
                fixture.Truncate(path, at);
                break;
            case 2:
                files.Delete(path);
                break;
            case 3: // a piece of the same journal somewhere else: whole lines, as a clumsy editor would paste them
                var lines = Encoding.UTF8.GetString(files.Content(paths[random.Next(paths.Count)])).Split('\n');
                fixture.Overwrite(path, at, string.Join('\n', lines.Skip(random.Next(lines.Length)).Take(40)));
                break;
            case 4:
                fixture.Overwrite(path, content.Length, new string('\0', random.Next(1, 2_000_000)));
                break;
            case 5:
                files.Rename(path, paths[random.Next(paths.Count)]);
                break;
            case 6: // a byte inserted
                fixture.Overwrite(path, at, (char)random.Next(128) + Encoding.UTF8.GetString(content.AsSpan(at)));
                break;
            default: // bytes that look like a seal
                fixture.Overwrite(path, at, "\n{\"block\":" + new string((char)random.Next(32, 127), random.Next(400)));
                break;
        }
    }
}
