using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Journal;

namespace BankingEngine.Specs.Simulation;

/// <summary>Blocks whose content is a function of seed and position: what was written can be told without keeping it.
/// </summary>
public static class SampleBlocks
{
    public static JournalIdentity Book { get; } = new("sample", SHA256.HashData("sample"u8));

    /// <summary>The block that follows a tail.</summary>
    /// <param name="seed">Same seed, same lines.</param>
    public static SealedBlock After(JournalTail tail, int events, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(tail);
        var lines = new StringBuilder();
        for (var position = tail.Position + 1; position <= tail.Position + events; position++)
            lines.Append(LineAt(position, seed)).Append('\n');
        var bytes = Encoding.UTF8.GetBytes(lines.ToString());
        return new SealedBlock(tail.Block + 1, tail.Position + 1, events, bytes, SHA256.HashData(bytes));
    }

    /// <summary>An event line without newline, 60 to 340 bytes long.</summary>
    public static string LineAt(long position, int seed = 0)
    {
        var filler = (int)((position * 7_919 + seed * 104_729L) % 280);
        var data = $$"""{"seed":{{seed}},"text":"{{new string('x', filler)}}"}""";
        return $$"""{"position":{{position}},"type":"sample.noted.v1","data":{{data}}}""";
    }
}
