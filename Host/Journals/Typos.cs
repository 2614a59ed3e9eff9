namespace BankingEngine.Host.Journals;

/// <summary>Which of the known words somebody meant.</summary>
internal static class Typos
{
    /// <summary>Letters that may be wrong, missing, too many or in each other's place for a word to be the one meant; a
    /// beginning of so many letters is meant too.</summary>
    private const int MostWrong = 2, Beginning = 4;

    /// <summary>The same but for case and blanks.</summary>
    public static bool Same(string one, string other) => Bare(one) == Bare(other);

    /// <returns>Null where none is close.</returns>
    public static string? Nearest(string written, string[] known)
    {
        var word = Bare(written);
        var nearest = known.MinBy(one => Distance(Bare(one), word))!;
        if (Distance(Bare(nearest), word) <= Math.Min(MostWrong, word.Length / 2)) return nearest;
        return word.Length < Beginning
            ? null : Array.Find(known, one => Bare(one).StartsWith(word, StringComparison.Ordinal));
    }

    private static string Bare(string key) => key.Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>Letters to change, leave out, add, or swap with the next, until one word is the other.</summary>
    private static int Distance(string one, string other)
    {
        var (before, last, row) = (new int[other.Length + 1], new int[other.Length + 1], new int[other.Length + 1]);
        for (var j = 0; j <= other.Length; j++) last[j] = j;
        for (var i = 1; i <= one.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var change = one[i - 1] == other[j - 1] ? 0 : 1;
                row[j] = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + change);
                if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
            }
            (before, last, row) = (last, row, before);
        }
        return last[other.Length];
    }
}
