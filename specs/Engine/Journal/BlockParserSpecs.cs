using System.Buffers;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;

namespace BankingEngine.Specs.Engine.Journal;

/// <summary>The parser that works ahead of whoever replays.</summary>
public sealed class BlockParserSpecs
{
    /// <summary>
    /// Small blocks are used up faster than a thread is woken, and threads that are in each other's way stop anywhere:
    /// a parser that has just found enough ready must not look as if it had found the end.
    /// </summary>
    [Fact]
    public async Task No_block_is_taken_for_the_last_while_there_are_more()
    {
        const int blocks = 10_000, readers = 12;
        var line = await FirstLineAsync();
        int Read()
        {
            using var parser = new BlockParser(new SameAgain(line, blocks), 1);
            var seen = 0;
            while (parser.Next() is not null) seen++;
            return seen;
        }
        var seen = await Task.WhenAll(Enumerable.Range(0, readers).Select(_ =>
            Task.Factory.StartNew(Read, default, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        seen.Should().OnlyContain(count => count == blocks);
    }

    [Fact]
    public async Task What_comes_after_the_end_is_read_when_asked_again()
    {
        var journal = new SameAgain(await FirstLineAsync(), 3);
        using var parser = new BlockParser(journal, 1);
        for (var round = 0; round < 100; round++)
        {
            for (var i = 0; i < 3; i++) parser.Next().Should().NotBeNull();
            parser.Next().Should().BeNull();
            journal.Blocks += 3;
        }
    }

    [Fact]
    public async Task A_journal_that_gives_less_than_it_has_opens_no_book()
    {
        var journal = new SameAgain(await FirstLineAsync(), 1) { Claims = 2 };
        var replay = () => Replay.Run(journal, new(new Bank(seed: 1)), frontier: null, new());
        replay.Should().Throw<ReplayMismatchException>().WithMessage("*reaches position 2*ended at 1*");
    }

    private static async Task<byte[]> FirstLineAsync()
    {
        using var book = await TestBook.FoundAsync();
        var line = new ArrayBufferWriter<byte>();
        book.Engine.Journal.TryReadEvent(1, line);
        line.Write("\n"u8);
        return line.WrittenSpan.ToArray();
    }

    /// <summary>A journal in memory whose blocks hold one event, always the same.</summary>
    private sealed class SameAgain(byte[] line, int blocks) : IJournal
    {
        private volatile int _blocks = blocks;

        public int Blocks { get => _blocks; set => _blocks = value; }

        /// <summary>Where it says that it ends; null: where it does.</summary>
        public int? Claims { get; init; }

        public JournalIdentity Identity => TestBook.Identity;
        public JournalTail Tail => new(Claims ?? Blocks, Claims ?? Blocks, JournalTail.EmptyRoot);
        public bool Refresh() => false;
        public JournalReader Read(long fromPosition) => new Reader(this, line);
        public void Append(in SealedBlock block) => throw new NotSupportedException();
        public bool TryReadEvent(long position, IBufferWriter<byte> to) => throw new NotSupportedException();
        public void Dispose() { }

        private sealed class Reader(SameAgain journal, byte[] line) : JournalReader
        {
            private readonly int[] _starts = [0, line.Length];
            private int _at;

            public override bool MoveNext()
            {
                if (_at == journal.Blocks) return false;
                _at++;
                Current = new(_at, _at, line, _starts, JournalTail.EmptyRoot);
                return true;
            }

            protected override void Dispose(bool disposing) { }
        }
    }
}
