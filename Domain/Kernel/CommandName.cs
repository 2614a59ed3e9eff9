using System.Text;

namespace BankingEngine.Domain.Kernel;

/// <summary>The wire name of a kind of command, <c>transfer.make</c>, and the number that state keeps of it.</summary>
/// <param name="Text">1 to 40 of a-z, '_' and one '.'.</param>
/// <param name="Hash">Of the text only, so that releases agree.</param>
public readonly record struct CommandName(string Text, ulong Hash)
{
    public const int MaxLength = 40;

    public CommandName(string text) : this(text, HashOf(text)) { }

    public static ulong HashOf(string text) => Hash128.Hash64(Encoding.ASCII.GetBytes(text), seed: 0);

    public override string ToString() => Text;
}
