using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Grpc;
using BankingEngine.Projections;

namespace BankingEngine.Host.Gateway;

/// <summary>
/// A book as streams: <c>book-NAME</c> holds every event, revision = position − 1; <c>account-ID</c> and
/// <c>transfer-ID</c> hold links to those that concern one account or transfer; all events are those of the book,
/// commit position = position, each once and without the links.
/// </summary>
/// <param name="feed">The book's journal and how far it is durable.</param>
public sealed class BookStreams(JournalFeed feed) : IStreamStore, IDisposable
{
    private const string AccountPrefix = "account-", TransferPrefix = "transfer-";

    private readonly CatchUp _catchUp = new(feed, new StreamIndex());

    /// <summary>The stream that holds every event.</summary>
    public string BookStream { get; } = $"book-{feed.Journal.Identity.Book}";

    public long End => feed.DurablePosition;

    private IJournal Journal => feed.Journal;

    private StreamIndex Index => (StreamIndex)_catchUp.Live(0);

    public async Task LevelAsync()
    {
        if (!await _catchUp.WaitForAsync(0, feed.DurablePosition, CatchUp.LongestWait).ConfigureAwait(false))
            throw new GrpcException(GrpcCode.Unavailable, "The streams of accounts and transfers are being caught up.");
    }

    public StreamBounds? Find(string stream)
    {
        var count = stream == BookStream ? feed.DurablePosition
            : TryAccount(stream, out var account) ? Index.CountOf(account)
            : TryTransfer(stream, out var transfer) ? Index.CountOf(transfer)
            : 0;
        return count == 0 ? null : new(0, count - 1);
    }

    public IStreamCursor OpenStream(string stream, long revision, bool forwards)
    {
        // The last number there is stands for one that no event will have.
        if (stream == BookStream) return OpenAll(Math.Min(revision, long.MaxValue - 1) + 1, forwards);
        if (TryAccount(stream, out var account))
            return new LinkCursor(this, stream, revision, forwards, (index, at) => index.Mark(account, at));
        return TryTransfer(stream, out var transfer)
            ? new LinkCursor(this, stream, revision, forwards, (index, at) => index.Mark(transfer, at))
            : new LinkCursor(this, stream, revision, forwards, (_, _) => null);
    }

    public IStreamCursor OpenAll(long position, bool forwards) =>
        new BookCursor(this, Math.Max(position, forwards ? 1 : 0), forwards);

    public void Dispose() => _catchUp.Dispose();

    private static bool TryAccount(string stream, out AccountId account)
    {
        account = default;
        return stream.StartsWith(AccountPrefix, StringComparison.Ordinal)
            && AccountId.TryParse(Encoding.UTF8.GetBytes(stream[AccountPrefix.Length..]), out account);
    }

    private static bool TryTransfer(string stream, out TransferId transfer)
    {
        transfer = default;
        return stream.StartsWith(TransferPrefix, StringComparison.Ordinal)
            && TransferId.TryParse(Encoding.UTF8.GetBytes(stream[TransferPrefix.Length..]), out transfer);
    }

    /// <summary>Waits until the index has what is beyond a position.</summary>
    private async Task WaitBeyondAsync(long position, CancellationToken cancellation)
    {
        await feed.WaitBeyondAsync(position, cancellation).ConfigureAwait(false);
        await _catchUp.WaitForAsync(0, position + 1, CatchUp.LongestWait).WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>The book's own events, block by block.</summary>
    private sealed class BookCursor(BookStreams streams, long from, bool forwards) : IStreamCursor
    {
        private readonly BlockWindow _window = new(streams);
        private long _next = from;

        public IStreamEntry? Next()
        {
            if (_next < 1 || _next > streams.End || _window.At(_next) is not { } found) return null;
            _next += forwards ? 1 : -1;
            return found;
        }

        public Task WaitAsync(CancellationToken cancellation) =>
            streams.WaitBeyondAsync(Math.Max(_next - 1, 0), cancellation);

        public void Dispose() => _window.Dispose();
    }

    /// <summary>The links of one account or transfer, some at a time.</summary>
    private sealed class LinkCursor(
        BookStreams streams, string stream, long from, bool forwards, Func<StreamIndex, long, StreamMark?> find)
        : IStreamCursor
    {
        private const int MarksAhead = 128;

        private readonly BlockWindow _window = new(streams);
        private readonly StreamMark[] _marks = new StreamMark[MarksAhead];
        private StreamIndex? _index;
        private StreamMark? _last;
        private long _seen;
        private int _at, _count;

        public IStreamEntry? Next()
        {
            if (_at == _count && !Fill()) return null;
            var mark = _marks[_at++];
            _last = mark;
            return _window.At(mark.Position) is { } found ? new LinkEntry(stream, mark.Revision, found) : null;
        }

        public Task WaitAsync(CancellationToken cancellation) => streams.WaitBeyondAsync(_seen, cancellation);

        public void Dispose() => _window.Dispose();

        private bool Fill()
        {
            var index = streams.Index;
            // What comes after this position wakes who waits, so nothing is missed between looking and waiting.
            _seen = index.Position;
            // A mark is of one index: where that was built anew, the place is looked up again.
            var known = ReferenceEquals(index, _index) ? _last : null;
            _index = index;
            (_at, _count) = (0, 0);
            if (known is { } last)
            {
                _count = index.Beyond(last, forwards, _marks);
                return _count > 0;
            }
            var revision = _last is { } before ? before.Revision + (forwards ? 1 : -1) : from;
            if (find(index, revision) is not { } first) return false;
            _marks[0] = first;
            _count = 1 + index.Beyond(first, forwards, _marks.AsSpan(1));
            return true;
        }
    }

    /// <summary>The block that is being read, so that neighbours are not read twice.</summary>
    private sealed class BlockWindow(BookStreams streams) : IDisposable
    {
        /// <summary>Blocks passed by reading on; beyond, the place is looked up.</summary>
        private const int MaxPassed = 4;

        private readonly IJournal _journal = streams.Journal;
        private JournalReader? _reader;
        private bool _isOpen;

        /// <returns>Null where the event cannot be read yet.</returns>
        public BookEntry? At(long position)
        {
            for (var passed = 0; _isOpen && passed < MaxPassed && _reader!.Current.LastPosition < position; passed++)
                _isOpen = _reader.MoveNext();
            if (!_isOpen || position < _reader!.Current.FirstPosition || position > _reader.Current.LastPosition)
            {
                _reader?.Dispose();
                _reader = _journal.Read(position);
                _isOpen = _reader.MoveNext();
            }
            if (!_isOpen) return null;
            var block = _reader!.Current;
            return new(
                streams.BookStream, _journal.Identity.Genesis, position, block.Number, block.LastPosition,
                block.Root.ToArray(), block.Line((int)(position - block.FirstPosition)).ToArray());
        }

        public void Dispose() => _reader?.Dispose();
    }
}
