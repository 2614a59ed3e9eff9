namespace BankingEngine.Application.Journal;

/// <summary>What went wrong with a journal, for the code that must choose what to do next.</summary>
public enum JournalFault
{
    /// <summary>Another writer has taken the book over. Nothing of this append is in the journal.</summary>
    Fenced,

    /// <summary>A write or flush failed, now or earlier. The journal takes no more appends until it is reopened;
    /// reopening tells whether the block that failed is there.</summary>
    Failed,

    /// <summary>No room. The block is not acknowledged; the journal takes no more appends until it is
    /// reopened.</summary>
    DiskFull,

    /// <summary>The store did not answer: the block may be there or not. Settle it by reading back.</summary>
    Unknown,

    /// <summary>Another process, or this one, has the journal open for writing.</summary>
    InUse,

    /// <summary>Bytes that were acknowledged are missing or changed: see <see
    /// cref="JournalException.Damages"/>.</summary>
    Damaged,

    /// <summary>The journal belongs to another book or another genesis.</summary>
    WrongBook,

    /// <summary>Written by a later release in a format this one does not know.</summary>
    NewerFormat,

    /// <summary>There is no journal at this place.</summary>
    NotFound,

    /// <summary>A journal, or something else, is already at the place where one was to be created.</summary>
    NotEmpty,

    /// <summary>The store cannot be used as it is addressed or set up: connection string, name, access, certificate,
    /// version, settings. Nothing was written.</summary>
    Refused,
}

/// <summary>One finding: where in which file what is wrong.</summary>
/// <param name="File">Path below the journal's folder.</param>
/// <param name="Line">1-based; 0 where the file has no lines or is missing.</param>
/// <param name="Offset">Byte offset in the file at which the unreadable part begins.</param>
/// <param name="Position">First event position that cannot be vouched for; null where none is known.</param>
/// <param name="What">One sentence.</param>
public sealed record JournalDamage(string File, long Line, long Offset, long? Position, string What)
{
    /// <summary>Whether it lies in a store, which its own backups mend; else in files, which can be repaired.</summary>
    public bool IsInStore { get; init; }

    /// <summary>A finding in a store that keeps whole blocks and knows no files.</summary>
    public static JournalDamage InStore(string book, long block, long position, string what) =>
        new($"book {book}, block {block}", 0, 0, position, what) { IsInStore = true };

    /// <summary>A finding in a store that keeps events in streams.</summary>
    /// <param name="position">Null where none is known.</param>
    public static JournalDamage InStream(string stream, long? position, string what) =>
        new($"stream {stream}", 0, 0, position, what) { IsInStore = true };

    public override string ToString() =>
        $"{File}{(Line > 0 ? $" line {Line}" : "")}{(Line > 0 || Offset > 0 ? $" (byte {Offset})" : "")}"
        + $"{(Position is { } position ? $", position {position}" : "")}: {What}";
}

/// <summary>The only exception a journal throws for what happens outside the program.</summary>
public sealed class JournalException : Exception
{
    public JournalException(JournalFault kind, string message, Exception? inner = null)
        : base(message, inner) => Kind = kind;

    /// <param name="damages">At least one.</param>
    public JournalException(IReadOnlyList<JournalDamage> damages)
        : base(Describe(damages)) => (Kind, Damages) = (JournalFault.Damaged, damages);

    public JournalException(JournalDamage damage) : this([damage]) { }

    private JournalException(string backup, JournalDamage damage)
        : base(Ended($"The backup in {backup} is damaged: {damage}")) =>
        (Kind, Damages, Backup) = (JournalFault.Damaged, [damage], backup);

    public JournalFault Kind { get; }

    /// <summary>Empty unless <see cref="Kind"/> is <see cref="JournalFault.Damaged"/>.</summary>
    public IReadOnlyList<JournalDamage> Damages { get; } = [];

    /// <summary>Full path of the backup that is damaged; null where it is a journal that is.</summary>
    public string? Backup { get; }

    /// <summary>Not the journal is damaged, but a backup of it.</summary>
    /// <param name="path">Folder or file of the backup.</param>
    public static JournalException OfBackup(string path, JournalDamage damage) =>
        new(System.IO.Path.GetFullPath(path), damage);

    private static string Ended(string sentence) => sentence.EndsWith('.') ? sentence : sentence + ".";

    private static string Describe(IReadOnlyList<JournalDamage> damages)
    {
        ArgumentNullException.ThrowIfNull(damages);
        return Ended(damages.Count == 1
            ? $"The journal is damaged: {damages[0]}"
            : $"The journal is damaged in {damages.Count} places, the first: {damages[0]}");
    }
}
