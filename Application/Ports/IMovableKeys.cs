namespace BankingEngine.Application.Ports;

/// <summary>A secret of a key store under its name, or a subject's key.</summary>
public readonly record struct HeldKey(string Name, byte[] Key);

/// <summary>A key store whose keys move with the book when its journal moves to another store.</summary>
/// <remarks>What it gives out opens all that was sealed: only the command that moves a book asks for it.</remarks>
public interface IMovableKeys
{
    /// <summary>Keys of subjects that were not destroyed.</summary>
    IEnumerable<HeldKey> SubjectKeys();

    /// <summary>The book's own secrets, the one for tokens under <c>token</c>.</summary>
    IEnumerable<HeldKey> Secrets();

    /// <summary>Takes a subject's key over, in place of one it may have. To be done before anything is sealed here, and
    /// the store to be opened anew afterwards. One that the store knows to have been destroyed is not taken.</summary>
    void TakeSubjectKey(in HeldKey held);

    /// <inheritdoc cref="TakeSubjectKey"/>
    void TakeSecret(in HeldKey held);
}
