using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Api;
using BankingEngine.Projections;

namespace BankingEngine.Host.Journals;

/// <summary>What a book is opened with.</summary>
/// <param name="Log">Told what recovery found and did, and of every fault.</param>
/// <param name="OnFatal">The state is void: the process should end.</param>
/// <param name="Time">Specs bring their own.</param>
/// <param name="Node">How this host names itself where several reach the journal.</param>
public sealed record Opening(ILogger Log, Action<Exception> OnFatal, ITimeSource? Time = null, string? Node = null)
{
    /// <summary>How long the founding of a book waits for the lead, which nobody else can have.</summary>
    public static readonly TimeSpan LeadTimeout = TimeSpan.FromSeconds(15);

    /// <summary>The machine's name and the process's number, at most 64 characters.</summary>
    public string NodeName => Node ?? DefaultName();

    private static string DefaultName()
    {
        var name = $"{Environment.MachineName}:{Environment.ProcessId}";
        return name.Length <= TermRow.MaxLeader ? name : name[^TermRow.MaxLeader..];
    }
}

/// <summary>
/// A book that is open in this process: its engine, and what the edge needs beside it. Where several hosts reach the
/// journal, the engine may follow, lead, and be replaced by another; all else here outlives it.
/// </summary>
public sealed partial class RunningBook : IDisposable
{
    private readonly IJournal _journal;
    private readonly Seat? _seat;
    private readonly BookEngine? _only;
    private string _node = "";

    private RunningBook(BookPlace place, IJournal journal, Seat? seat, BookEngine? only, Genesis genesis, string signingId)
    {
        (Place, _journal, _seat, _only, Genesis, SigningId) = (place, journal, seat, only, genesis, signingId);
        Feed = Engine.Feed;
        ReadModels = ReadModels.At(place.ModelsAddress, Feed, genesis.Name.ToString());
        KeyStore = SharedStores.Keys(place, journal.Identity);
        Sealing = new(KeyStore);
    }

    public BookPlace Place { get; }

    /// <summary>Of the book's caches, and on files of everything.</summary>
    public string Folder => Place.Folder;

    /// <summary>The engine as it is now: ask anew for each request, since a lead that is lost brings another.</summary>
    public BookEngine Engine => _seat?.Engine ?? _only!;

    /// <summary>The journal, for those who follow it whoever leads.</summary>
    public JournalFeed Feed { get; }

    public Genesis Genesis { get; }

    /// <summary>What signed commands name this book by: the leaf hash of its first event, 64 figures.</summary>
    public string SigningId { get; }

    /// <summary>What answers reports: follows the journal from the start.</summary>
    public ReadModels ReadModels { get; }

    /// <summary>What the book signs for its auditors.</summary>
    public CheckpointService Checkpoints { get; private set; } = null!;

    /// <summary>The keys that personal text is sealed with.</summary>
    public IKeyStore KeyStore { get; }

    public Sealing Sealing { get; }

    /// <summary>Who prepares a statement of an account, one after another: the book would refuse the second of two, and
    /// its id would be used up. So it is with <see cref="Webhooks.WebhookSecrets"/>.</summary>
    public Turns<AccountId> Turns { get; } = new();

    /// <summary>Who reads the journal for others, few at once.</summary>
    public JournalReads JournalReads { get; } = new();

    /// <summary>What an operator should know of the journal's store; empty when all is well.</summary>
    public IReadOnlyList<string> Warnings => (_journal as ISharedJournal)?.Warnings ?? [];

    /// <summary>How the host names itself that leads: this one, or the one whose term it is as far as is known here;
    /// null before the first term.</summary>
    public string? Leader => Engine is { IsLeading: false } following ? following.Leader : _node;

    /// <summary>Opens the book of a folder.</summary>
    /// <inheritdoc cref="OpenAsync(BookPlace, Opening)"/>
    public static Task<RunningBook> OpenAsync(
        string folder, ILogger log, Action<Exception> onFatal, ITimeSource? time = null) =>
        OpenAsync(BookPlace.InFolder(folder), new(log, onFatal, time));

    /// <summary>Opens a book: on files to lead it, else to follow it until the lead falls to this host.</summary>
    /// <exception cref="JournalException">The journal cannot be opened.</exception>
    public static async Task<RunningBook> OpenAsync(BookPlace place, Opening opening)
    {
        ArgumentNullException.ThrowIfNull(place);
        if (!place.IsShared) return await OfAsync(place, OpenFile(place.Folder, opening), opening).ConfigureAwait(false);
        var journal = place.OpenShared();
        try
        {
            if (journal.Tail.Position == 0)
                throw new JournalException(JournalFault.NotFound, $"The book {place.Book} was begun there and never founded.");
            return await OfAsync(place, Seated(place, journal, opening), opening).ConfigureAwait(false);
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    /// <summary>Opens a book to write to it with nothing beside its engine, as the command line does.</summary>
    /// <exception cref="JournalException">InUse: another host leads it; else it cannot be opened.</exception>
    public static async Task<LedBook> LeadAsync(BookPlace place, Opening opening, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(place);
        if (!place.IsShared) return new(OpenFile(place.Folder, opening), null);
        var journal = place.OpenShared();
        var seated = Seated(place, journal, opening);
        var led = new LedBook(seated, journal);
        try
        {
            seated.Seat!.Start();
            await seated.Seat.WaitForLeadAsync(timeout).ConfigureAwait(false);
            return led;
        }
        catch (TimeoutException)
        {
            led.Dispose();
            throw new JournalException(JournalFault.InUse, $"Another host leads the book {place.Book}.");
        }
    }

    /// <summary>Makes a new book in a folder and opens it.</summary>
    /// <inheritdoc cref="FoundAsync(BookPlace, JournalIdentity, Opening, Func{BookEngine, Task})"/>
    public static Task<RunningBook> FoundAsync(
        string folder, JournalIdentity identity, ILogger log, Action<Exception> onFatal, Func<BookEngine, Task> found,
        ITimeSource? time = null) =>
        FoundAsync(BookPlace.InFolder(folder), identity, new(log, onFatal, time), found);

    /// <summary>Makes a new book and opens it.</summary>
    /// <param name="found">Runs the founding commands on the empty book.</param>
    /// <exception cref="JournalException">There is a book already.</exception>
    public static async Task<RunningBook> FoundAsync(
        BookPlace place, JournalIdentity identity, Opening opening, Func<BookEngine, Task> found)
    {
        ArgumentNullException.ThrowIfNull(place);
        ArgumentNullException.ThrowIfNull(found);
        var (opened, journal) = await FoundEngineAsync(place, identity, opening, found).ConfigureAwait(false);
        try
        {
            return await OfAsync(place, opened, opening, isStarted: true).ConfigureAwait(false);
        }
        catch
        {
            new LedBook(opened, journal).Dispose();
            throw;
        }
    }

    /// <summary>Makes a new book, with nothing beside its engine.</summary>
    /// <inheritdoc cref="FoundAsync(BookPlace, JournalIdentity, Opening, Func{BookEngine, Task})"/>
    public static async Task<LedBook> FoundOnlyAsync(
        BookPlace place, JournalIdentity identity, Opening opening, Func<BookEngine, Task> found)
    {
        ArgumentNullException.ThrowIfNull(place);
        ArgumentNullException.ThrowIfNull(found);
        var (opened, journal) = await FoundEngineAsync(place, identity, opening, found).ConfigureAwait(false);
        return new(opened, journal);
    }

    private static async Task<(Opened, IJournal?)> FoundEngineAsync(
        BookPlace place, JournalIdentity identity, Opening opening, Func<BookEngine, Task> found)
    {
        if (!place.IsShared)
        {
            FileJournal.Create(place.Folder, new(identity), DiskFileLayer.Instance).Dispose();
            var only = OpenFile(place.Folder, opening);
            await found(only.Engine).ConfigureAwait(false);
            return (only, null);
        }
        var journal = place.CreateShared(identity);
        var seated = Seated(place, journal, opening);
        try
        {
            seated.Seat!.Start();
            using var settled = new CancellationTokenSource(Opening.LeadTimeout);
            var led = seated.Seat.WaitForLeadAsync(Opening.LeadTimeout);
            await Task.WhenAny(led, seated.Engine.Feed.WaitBeyondAsync(0, settled.Token)).ConfigureAwait(false);
            // Two may begin at once: who leads first founds, and the other follows.
            if (seated.Engine.DurablePosition > 0)
                throw new JournalException(JournalFault.NotEmpty, $"Another host founded the book {place.Book} just now.");
            await led.ConfigureAwait(false);
            await found(seated.Engine).ConfigureAwait(false);
            // The genesis is the first event of all, so the first term begins behind it.
            await seated.Engine.SendAsync(
                new(default, Envelope.Engine, 0), new TakeLead(seated.Seat.Name), "book.take_lead")
                .ConfigureAwait(false);
            return (seated, journal);
        }
        catch
        {
            new LedBook(seated, journal).Dispose();
            throw;
        }
    }

    /// <summary>Completes when this host leads the book.</summary>
    /// <exception cref="TimeoutException">Another does.</exception>
    public Task WaitForLeadAsync(TimeSpan timeout) => _seat?.WaitForLeadAsync(timeout) ?? Task.CompletedTask;

    public void Dispose()
    {
        ReadModels.Dispose();
        if (_seat is null) _only!.Dispose();
        else
        {
            _seat.Dispose();
            Feed.Close();
            _journal.Dispose();
        }
        Checkpoints?.Dispose();
        (_positions as IDisposable)?.Dispose();
        KeyStore.Dispose();
    }

    private static async Task<RunningBook> OfAsync(
        BookPlace place, Opened opened, Opening opening, bool isStarted = false)
    {
        var genesis = await opened.Engine.ReadAsync((bank, _) => bank.Book.Genesis).ConfigureAwait(false);
        var book = new RunningBook(
            place, opened.Engine.Journal, opened.Seat, opened.Only, genesis, IdOf(opened.Engine));
        book._node = opening.NodeName;
        book.Checkpoints = await CheckpointService.OpenAsync(() => book.Engine, book.KeyStore).ConfigureAwait(false);
        if (opened.Seat is { } seat)
        {
            seat.OnLeading = () => _ = book.AnnounceAsync(opening.Log);
            if (!isStarted) seat.Start();
        }
        return book;
    }

    /// <summary>What could not be announced while another led.</summary>
    private async Task AnnounceAsync(ILogger log)
    {
        try
        {
            await Checkpoints.AnnounceAsync().ConfigureAwait(false);
        }
        catch (Exception later) when (later is EngineUnavailableException or InvalidOperationException)
        {
            NotAnnounced(log, later.Message);
        }
    }

    private static string IdOf(BookEngine engine)
    {
        var line = new System.Buffers.ArrayBufferWriter<byte>(1024);
        return engine.Journal.TryReadEvent(1, line)
            ? Application.Journal.Tree.TreeHash.OfLeaf(line.WrittenSpan).ToString()
            : throw new JournalException(JournalFault.Failed, "The book has no first event.");
    }

    private static Opened OpenFile(string folder, Opening opening)
    {
        var files = DiskFileLayer.Instance;
        var journal = FileJournal.Open(folder, new(FileJournal.Identify(folder, files)), files);
        return new(null, OpenEngine(new(journal), folder, opening, new(), opening.OnFatal));
    }

    private static Opened Seated(BookPlace place, ISharedJournal journal, Opening opening)
    {
        var feed = new JournalFeed(journal);
        return new(
            new Seat(
                journal,
                ended => OpenEngine(feed, place.Folder, opening, new(Following: true), ended),
                opening.NodeName, opening.Log, opening.OnFatal),
            null);
    }

    private static BookEngine OpenEngine(
        JournalFeed feed, string folder, Opening opening, EngineOptions options, Action<Exception> onFatal)
    {
        var opened = Recovery.Open(feed, folder, what => Found(opening.Log, what));
        opened.Execution.Bank.Proposals.Reader = ProposalContents.Read;
        return new(
            opened, opening.Time ?? MachineTime.Instance, options, onFatal,
            (fault, command) => Faulted(opening.Log, fault, command));
    }

    /// <summary>One of both.</summary>
    internal sealed record Opened(Seat? Seat, BookEngine? Only)
    {
        public BookEngine Engine => Seat?.Engine ?? Only!;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{What}")]
    private static partial void Found(ILogger log, string what);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The engine failed on a {Command} command; it was undone and is refused from now on")]
    private static partial void Faulted(ILogger log, Exception fault, string command);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The checkpoint key is not announced yet: {Why}")]
    private static partial void NotAnnounced(ILogger log, string why);
}

/// <summary>A book that this process leads, without what a server has beside it.</summary>
public sealed class LedBook : IDisposable
{
    private readonly RunningBook.Opened _opened;
    private readonly IJournal? _journal;

    internal LedBook(RunningBook.Opened opened, IJournal? journal) => (_opened, _journal) = (opened, journal);

    public BookEngine Engine => _opened.Engine;

    public void Dispose()
    {
        _opened.Only?.Dispose();
        _opened.Seat?.Dispose();
        _journal?.Dispose();
    }
}
