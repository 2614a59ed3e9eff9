using System.Buffers;
using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals.EventStore;
using BankingEngine.Specs.Simulation;
using BankingEngine.Specs.Simulation.EventStore;
using Google.Protobuf;

namespace BankingEngine.Specs.Engine.EventStore;

/// <summary>A server on a real socket and a real file, and what specs do with it.</summary>
internal sealed class StoreFixture : IAsyncDisposable
{
    public const string Stream = "book-sample", Beats = "beat-sample";

    /// <summary>As the defaults, but quick.</summary>
    public static readonly LeadTimes Quick = new(
        Lease: TimeSpan.FromMilliseconds(800), Silence: TimeSpan.FromMilliseconds(1_000), Beat: TimeSpan.FromMilliseconds(100));

    private StoreFixture(EventStoreOptions options, EventStoreServer server) => (Options, Server) = (options, server);

    public EventStoreOptions Options { get; private set; }

    public EventStoreServer Server { get; private set; }

    public string At => $"esdb://{Server.Authority}?tls=false";

    public static async Task<StoreFixture> StartAsync(Func<EventStoreOptions, EventStoreOptions>? with = null)
    {
        var options = new EventStoreOptions(Directory.CreateTempSubdirectory("store-spec-").FullName);
        options = with?.Invoke(options) ?? options;
        return new(options, await EventStoreServer.StartAsync(options));
    }

    /// <summary>The server goes; it comes back at the same place with what it had.</summary>
    public async Task RestartAsync(Func<Task>? meanwhile = null)
    {
        Options = Options with { Port = Server.Address.Port };
        await Server.DisposeAsync();
        if (meanwhile is not null) await meanwhile();
        Server = await EventStoreServer.StartAsync(Options);
    }

    public EventStoreJournal Create() => EventStoreJournal.Create(At, SampleBlocks.Book, Quick);

    public EventStoreJournal Open() => EventStoreJournal.Open(At, SampleBlocks.Book.Book, Quick);

    /// <summary>A journal of blocks with these many events each.</summary>
    public EventStoreJournal With(params int[] events)
    {
        var journal = Create();
        Journal.JournalFixture.Append(journal, events);
        return journal;
    }

    public JournalException Refusal() =>
        FluentActions.Invoking(() => Open().Dispose()).Should().Throw<JournalException>().Which;

    /// <summary>What somebody else writes into a stream.</summary>
    public void Write(string stream, string type, string data, string metadata = "") => Server.Log.Append(
        stream, Expected.Any, 0,
        [new(Guid.NewGuid(), type, "application/json", ByteString.CopyFromUtf8(metadata), ByteString.CopyFromUtf8(data))])
        .IsConflict.Should().BeFalse();

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(Options.Folder, recursive: true);
    }

    public static string? Event(IJournal journal, long position)
    {
        var line = new ArrayBufferWriter<byte>();
        return journal.TryReadEvent(position, line) ? Encoding.UTF8.GetString(line.WrittenSpan) : null;
    }
}
