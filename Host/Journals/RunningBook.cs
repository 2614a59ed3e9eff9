using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Api;
using BankingEngine.Projections;

namespace BankingEngine.Host.Journals;

/// <summary>A book that is open in this process: its engine, and what the edge needs beside it.</summary>
public sealed partial class RunningBook : IDisposable
{
    private RunningBook(string folder, BookEngine engine, Genesis genesis, CheckpointService checkpoints)
    {
        (Folder, Engine, Genesis, Checkpoints) = (folder, engine, genesis, checkpoints);
        ReadModels = new(engine.Feed);
        KeyStore = new FileKeyStore(folder, genesis.Name.ToString());
        SigningId = IdOf(engine);
        Sealing = new(KeyStore);
    }

    public string Folder { get; }

    public BookEngine Engine { get; }

    public Genesis Genesis { get; }

    /// <summary>What signed commands name this book by: the leaf hash of its first event, 64 figures.</summary>
    public string SigningId { get; }

    /// <summary>What answers reports: follows the engine from the start, in memory.</summary>
    public ReadModels ReadModels { get; }

    /// <summary>What the book signs for its auditors.</summary>
    public CheckpointService Checkpoints { get; }

    /// <summary>The keys that personal text is sealed with.</summary>
    public IKeyStore KeyStore { get; }

    public Sealing Sealing { get; }

    /// <summary>Opens the book of a folder.</summary>
    /// <param name="log">Told what recovery found and did, and of every fault.</param>
    /// <param name="onFatal">The state is void: the process should end.</param>
    /// <exception cref="JournalException">The journal cannot be opened.</exception>
    public static async Task<RunningBook> OpenAsync(
        string folder, ILogger log, Action<Exception> onFatal, ITimeSource? time = null)
    {
        var engine = OpenEngine(folder, log, onFatal, time);
        return await OfAsync(folder, engine).ConfigureAwait(false);
    }

    /// <summary>Makes a new book in a folder and opens it.</summary>
    /// <param name="found">Runs the founding commands on the empty book.</param>
    /// <exception cref="JournalException">The folder already holds something.</exception>
    public static async Task<RunningBook> FoundAsync(
        string folder, JournalIdentity identity, ILogger log, Action<Exception> onFatal, Func<BookEngine, Task> found,
        ITimeSource? time = null)
    {
        FileJournal.Create(folder, new(identity), DiskFileLayer.Instance).Dispose();
        var engine = OpenEngine(folder, log, onFatal, time);
        await found(engine).ConfigureAwait(false);
        return await OfAsync(folder, engine).ConfigureAwait(false);
    }

    public void Dispose()
    {
        ReadModels.Dispose();
        Engine.Dispose();
        Checkpoints.Dispose();
        KeyStore.Dispose();
    }

    private static async Task<RunningBook> OfAsync(string folder, BookEngine engine)
    {
        var genesis = await engine.ReadAsync((bank, _) => bank.Book.Genesis).ConfigureAwait(false);
        return new(folder, engine, genesis, await CheckpointService.OpenAsync(engine, folder).ConfigureAwait(false));
    }

    private static string IdOf(BookEngine engine)
    {
        var line = new System.Buffers.ArrayBufferWriter<byte>(1024);
        return engine.Journal.TryReadEvent(1, line)
            ? Application.Journal.Tree.TreeHash.OfLeaf(line.WrittenSpan).ToString()
            : throw new JournalException(JournalFault.Failed, "The book has no first event.");
    }

    private static BookEngine OpenEngine(string folder, ILogger log, Action<Exception> onFatal, ITimeSource? time)
    {
        var files = DiskFileLayer.Instance;
        var journal = FileJournal.Open(folder, new(FileJournal.Identify(folder, files)), files);
        var opened = Recovery.Open(journal, folder, what => Found(log, what));
        opened.Execution.Bank.Proposals.Reader = ProposalContents.Read;
        return new(
            opened, time ?? MachineTime.Instance, new(), onFatal, (fault, command) => Faulted(log, fault, command));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{What}")]
    private static partial void Found(ILogger log, string what);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The engine failed on a {Command} command; it was undone and is refused from now on")]
    private static partial void Faulted(ILogger log, Exception fault, string command);
}
