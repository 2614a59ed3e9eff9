using BankingEngine.Application.Engine;

namespace BankingEngine.Projections;

/// <summary>The catalogue of a book's read models: each beside the number it has in the catch-up.</summary>
public sealed class ReadModels : IDisposable
{
    private readonly CatchUp _catchUp;

    public ReadModels(BookEngine book) => _catchUp = new(book);

    /// <summary>Where each read model stands.</summary>
    public IReadOnlyList<ProjectionLag> Lag() => _catchUp.Lag();

    /// <summary>Stops following the book. To be called before the book is closed.</summary>
    public void Dispose() => _catchUp.Dispose();
}
