namespace BankingEngine.Application.Journal;

/// <summary>Bounds that hold on every store. A block within them fits each store's largest append.</summary>
public static class JournalLimits
{
    /// <summary>Most events in one block.</summary>
    public const int BlockEvents = 2_000;

    /// <summary>Most bytes of event lines in one block, newlines included.</summary>
    public const int BlockBytes = 512 * 1024;

    /// <summary>Length of a tree root in bytes (SHA-256).</summary>
    public const int RootBytes = 32;

    /// <summary>Bytes no seal line reaches, whatever its numbers. See FORMAT.md.</summary>
    public const int SealBytes = 256;

    /// <summary>Bytes no header line reaches.</summary>
    public const int HeaderBytes = 384;

    /// <summary>Longest book name.</summary>
    public const int BookNameLength = 64;

    /// <summary>Highest position and block number: 10¹⁸ − 1, so that a number never has more than 18 digits.</summary>
    public const long Highest = 999_999_999_999_999_999;
}

/// <summary>Which book a journal belongs to. Two journals with the same name but another genesis are two
/// books.</summary>
public sealed class JournalIdentity
{
    private readonly byte[] genesis;

    /// <param name="book">1 to 64 characters of <c>a-z 0-9 - .</c>, beginning with a letter or digit.</param>
    /// <param name="genesis">The book's id, 32 bytes.</param>
    /// <exception cref="ArgumentException">Either is out of its range.</exception>
    public JournalIdentity(string book, ReadOnlySpan<byte> genesis)
    {
        ArgumentNullException.ThrowIfNull(book);
        if (!IsBookName(book)) throw new ArgumentException($"'{book}' is not a book name.", nameof(book));
        if (genesis.Length != JournalLimits.RootBytes)
            throw new ArgumentException("A genesis id has 32 bytes.", nameof(genesis));
        Book = book;
        this.genesis = genesis.ToArray();
    }

    public string Book { get; }

    /// <summary>32 bytes.</summary>
    public ReadOnlyMemory<byte> Genesis => genesis;

    public bool IsSameAs(JournalIdentity other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Book == other.Book && genesis.AsSpan().SequenceEqual(other.genesis);
    }

    public override string ToString() => $"{Book} ({Convert.ToHexStringLower(genesis)})";

    /// <summary>Names are plain so that they stand unescaped in JSON, in file names and in stream names.</summary>
    public static bool IsBookName(string name) =>
        name.Length is > 0 and <= JournalLimits.BookNameLength
        && name[0] is not ('-' or '.')
        && name.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '-' or '.');
}
