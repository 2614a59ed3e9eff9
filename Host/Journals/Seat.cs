using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;

namespace BankingEngine.Host.Journals;

/// <summary>
/// A host's place at a book that several hosts reach: follows, tries to lead, leads, and begins anew from snapshot and
/// tail when the lead is lost.
/// </summary>
/// <remarks>Once begun it goes on for ever; only what voids the state itself (a digest or root that differs) ends it,
/// and with it the process.</remarks>
public sealed partial class Seat : IDisposable
{
    /// <summary>How often a follower tries to lead.</summary>
    private static readonly TimeSpan TryEvery = TimeSpan.FromMilliseconds(250);

    /// <summary>How long it waits when the store does not answer or the book cannot be opened.</summary>
    private static readonly TimeSpan RetryEvery = TimeSpan.FromMilliseconds(500);

    private readonly ISharedJournal _journal;
    private readonly Func<Action<Exception>, BookEngine> _open;
    private readonly ILogger _log;
    private readonly Action<Exception> _onFatal;
    private readonly AutoResetEvent _woken = new(false);
    private readonly Thread _thread;
    private TaskCompletionSource _led = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private BookEngine _engine;
    private volatile bool _stopping;

    /// <param name="open">Opens an engine that follows; told what to call when it ends.</param>
    /// <param name="name">How this host names itself in the book: 1 to 64 printable ASCII characters.</param>
    /// <param name="onFatal">The state is void and no new beginning helps: the process should end.</param>
    public Seat(
        ISharedJournal journal, Func<Action<Exception>, BookEngine> open, string name, ILogger log,
        Action<Exception> onFatal)
    {
        (_journal, _open, Name, _log, _onFatal) = (journal, open, name, log, onFatal);
        _engine = open(Ended);
        _thread = new(Run) { Name = "book seat", IsBackground = true };
    }

    /// <summary>How this host names itself.</summary>
    public string Name { get; }

    /// <summary>The engine as it is now; another after a lead was lost.</summary>
    public BookEngine Engine => Volatile.Read(ref _engine);

    /// <summary>Runs when this host begins to lead, on the seat's thread; must not wait long.</summary>
    public Action? OnLeading { get; set; }

    public void Start() => _thread.Start();

    /// <summary>Completes when this host leads.</summary>
    /// <exception cref="TimeoutException">Another leads, or the store does not answer.</exception>
    public Task WaitForLeadAsync(TimeSpan timeout) => Volatile.Read(ref _led).Task.WaitAsync(timeout);

    /// <summary>Finishes what was taken, gives the lead up at once and stops.</summary>
    public void Dispose()
    {
        if (_stopping) return;
        _stopping = true;
        _woken.Set();
        if (_thread.IsAlive) _thread.Join();
        Engine.Dispose();
        _woken.Dispose();
    }

    private void Ended(Exception why)
    {
        // Another's block, or a store that fails or is silent: a new beginning settles it. All else is a fault of the
        // state or the program.
        if (!IsOfTheStore(why)) _onFatal(why);
        else Lost(_log, why.Message);
        if (!_stopping) _woken.Set();
    }

    /// <summary>Whether it may pass. That the store no longer holds what was durable here does not: whoever has seen
    /// more than the store holds must not go on.</summary>
    private static bool IsOfTheStore(Exception why) =>
        why is JournalException { Kind: not (JournalFault.Damaged or JournalFault.WrongBook) };

    private void Run()
    {
        while (!_stopping)
        {
            var wait = TimeSpan.Zero;
            try
            {
                if (!Engine.IsRunning) Reopen();
                else if (_journal.TryLead(Name) is { } lead) Lead(lead);
                else wait = TryEvery;
            }
            catch (Exception silent) when (silent is EngineUnavailableException || IsOfTheStore(silent))
            {
                Silent(_log, silent.Message);
                wait = RetryEvery;
            }
#pragma warning disable CA1031 // Whatever it is, the process has to know that nobody sits here any more.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                _onFatal(fault);
                return;
            }
            if (!_stopping) _woken.WaitOne(wait);
        }
    }

    private void Lead(ILead lead)
    {
        using (lead)
        {
            var leading = Engine.LeadAsync(lead, Name);
            // A host that has much to catch up with must not lose the lead meanwhile.
            while (Task.WaitAny([leading], JournalTimes.Beat) < 0) lead.Prove();
            leading.GetAwaiter().GetResult();
            Leads(_log, Name);
            _led.TrySetResult();
            OnLeading?.Invoke();
            while (!_stopping && Engine.IsRunning)
            {
                _woken.WaitOne(JournalTimes.Beat);
                if (Engine.IsRunning && !_stopping && !lead.Prove()) Engine.Depose("The store says that the lead is lost.");
            }
            // What was taken is finished and answered under the lead, and only then is it given up.
            Engine.Dispose();
            _led = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private void Reopen()
    {
        Engine.Dispose();
        _journal.Refresh();
        Volatile.Write(ref _engine, _open(Ended));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Name} leads the book")]
    private static partial void Leads(ILogger log, string name);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The lead of the book ended; it is opened anew: {Why}")]
    private static partial void Lost(ILogger log, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The journal's store: {Why}")]
    private static partial void Silent(ILogger log, string why);
}
