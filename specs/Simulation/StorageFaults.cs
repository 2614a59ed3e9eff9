using BankingEngine.Application.Journal;

namespace BankingEngine.Specs.Simulation;

/// <summary>What a run met: a simulation in which little goes wrong proves little.</summary>
public sealed record StorageFaultsResult
{
    public int Seeds { get; set; }
    public int Blocks { get; set; }
    public int CleanCloses { get; set; }
    public int ProcessCrashes { get; set; }
    public int PowerLosses { get; set; }
    public int FailedAppends { get; set; }
    public int TornTails { get; set; }
    public int BitFlips { get; set; }
    public int DamagesNamed { get; set; }
    public int Repairs { get; set; }
}

/// <summary>The file journal on a disk that fails by seed: what was acknowledged is there unchanged, or the damage is
/// named. Never a silent difference.</summary>
public static class StorageFaults
{
    /// <param name="firstSeed">The same seed always runs the same.</param>
    /// <exception cref="InvalidOperationException">A promise was broken; the message names the seed.</exception>
    public static StorageFaultsResult Run(int firstSeed, int count)
    {
        var result = new StorageFaultsResult();
        for (var seed = firstSeed; seed < firstSeed + count; seed++)
        {
            try
            {
                new Life(seed, result).Live();
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Storage seed {seed}: {exception.Message}", exception);
            }
            result.Seeds++;
        }
        return result;
    }

    /// <summary>One journal from its creation through several crashes.</summary>
    private sealed class Life
    {
        private const string Folder = "/book";
        private readonly Random random;
        private readonly FaultyFileLayer files;
        private readonly FileJournalOptions options;
        private readonly StorageFaultsResult result;
        private readonly List<SealedBlock> acknowledged = [];
        private SealedBlock? attempted;

        public Life(int seed, StorageFaultsResult result)
        {
            random = new Random(seed);
            files = new FaultyFileLayer(random.Next());
            options = new(SampleBlocks.Book) { SegmentBytes = random.Next(1_000, 40_000) };
            this.result = result;
        }

        public void Live()
        {
            Create();
            var powerLost = false;
            for (var epoch = random.Next(2, 7); epoch > 0; epoch--)
            {
                using (var journal = FileJournal.Open(Folder, options, files))
                {
                    Verify(journal, powerLost);
                    powerLost = Work(journal);
                }
                files.Restart(powerLost);
            }
            if (random.Next(2) == 0) FlipAndJudge(powerLost);
            else
            {
                using var journal = FileJournal.Open(Folder, options, files);
                Verify(journal, powerLost);
            }
        }

        /// <summary>A creation may be cut short; then it is repeated.</summary>
        private void Create()
        {
            if (random.Next(3) == 0) files.StopsAfter = random.Next(1, 12);
            try
            {
                FileJournal.Create(Folder, options, files).Dispose();
            }
            catch (SimulatedCrashException)
            {
                files.Restart(powerLost: random.Next(2) == 0);
                if (!Exists()) Create();
                return;
            }
            files.Restart(powerLost: random.Next(2) == 0);
        }

        private bool Exists()
        {
            try
            {
                FileJournal.Identify(Folder, files);
                return true;
            }
            catch (JournalException missing) when (missing.Kind == JournalFault.NotFound)
            {
                return false;
            }
        }

        /// <summary>Appends until something happens.</summary>
        /// <returns>Whether the power goes at the end.</returns>
        private bool Work(FileJournal journal)
        {
            var blocks = random.Next(1, 40);
            switch (random.Next(5))
            {
                case 0: files.FailsAfter = random.Next(1, blocks * 3); break;
                case 1: files.Free = random.Next(20_000); break;
                case 2 or 3: files.StopsAfter = random.Next(1, blocks * 3); break;
                default: break;
            }
            try
            {
                for (; blocks > 0; blocks--) Append(journal);
            }
            catch (SimulatedCrashException)
            {
                return Crash();
            }
            catch (JournalException failed) when (failed.Kind is JournalFault.Failed or JournalFault.DiskFull)
            {
                result.FailedAppends++;
                DemandPoisoned(journal);
                return Crash();
            }
            files.StopsAfter = files.FailsAfter = null;
            if (random.Next(2) == 0) return Crash();
            journal.Dispose();
            result.CleanCloses++;
            return random.Next(2) == 0;
        }

        private bool Crash()
        {
            files.StopsAfter = files.FailsAfter = null;
            var powerLost = random.Next(2) == 0;
            if (powerLost) result.PowerLosses++;
            else result.ProcessCrashes++;
            files.Restart(powerLost: false);
            return powerLost;
        }

        private void Append(FileJournal journal)
        {
            var most = random.Next(20) == 0 ? 60 : 6;
            var block = SampleBlocks.After(journal.Tail, random.Next(1, most), random.Next(1_000_000));
            attempted = block;
            journal.Append(block);
            attempted = null;
            acknowledged.Add(block);
            result.Blocks++;
        }

        private static void DemandPoisoned(FileJournal journal)
        {
            try
            {
                journal.Append(SampleBlocks.After(journal.Tail, 1));
            }
            catch (JournalException again) when (again.Kind == JournalFault.Failed)
            {
                return;
            }
            throw new InvalidOperationException("An append after a failed one was taken.");
        }

        /// <summary>All that was acknowledged is there, in order and unchanged; the one block whose append did not
        /// return may be there as well, whole.</summary>
        private void Verify(FileJournal journal, bool powerLost)
        {
            if (journal.Opening.Torn is not null) result.TornTails++;
            var found = ReadAll(journal);
            if (found == acknowledged.Count + 1 && attempted is { } kept) acknowledged.Add(kept);
            else if (found != acknowledged.Count)
                throw new InvalidOperationException(
                    $"{acknowledged.Count} blocks were acknowledged, {found} are there (power lost: {powerLost}).");
            attempted = null;
        }

        private int ReadAll(FileJournal journal)
        {
            var found = 0;
            using var reader = journal.Read(1);
            while (reader.MoveNext())
            {
                var expected = found < acknowledged.Count ? acknowledged[found]
                    : attempted ?? throw new InvalidOperationException($"Block {found + 1} was never appended.");
                if (!reader.Current.Lines.Span.SequenceEqual(expected.Lines.Span)
                    || !reader.Current.Root.SequenceEqual(expected.Root.Span))
                    throw new InvalidOperationException($"Block {expected.Block} is not what was appended.");
                found++;
            }
            return found;
        }

        /// <summary>Bits change at rest. Opening or reading names it, or nothing that was acknowledged has
        /// changed.</summary>
        private void FlipAndJudge(bool powerLost)
        {
            var before = files.Paths.Where(path => path.EndsWith(".ndjson", StringComparison.Ordinal))
                .ToDictionary(path => path, files.Content);
            // After the power went the mark may be old, and the blocks above it vouch for each other: against one
            // damage, not against several that together leave no seal readable.
            for (var flips = powerLost ? 1 : random.Next(1, 4); flips > 0; flips--)
            {
                var paths = files.Paths.Where(path => files.Content(path).Length > 0).ToList();
                // Half of them in the newest lines: there a changed block is most like a torn one.
                if (random.Next(2) == 0) files.FlipBit(before.Keys.Max(StringComparer.Ordinal)!, last: 600);
                else files.FlipBit(paths[random.Next(paths.Count)]);
                result.BitFlips++;
            }
            var changed = before.Any(file => !file.Value.AsSpan().SequenceEqual(files.Content(file.Key)));
            var check = FileJournal.Check(Folder, files);
            if (changed && check.Damages.Count == 0 && check.Torn is null)
                throw new InvalidOperationException("A check found nothing in a journal with changed bits.");
            try
            {
                using var journal = FileJournal.Open(Folder, options, files);
                var found = ReadAll(journal);
                // Only after the power went may the last block pass for torn: the mark may be older than the block.
                var missing = acknowledged.Count - found;
                if (missing > (powerLost && journal.Opening.Torn is not null ? 1 : 0))
                    throw new InvalidOperationException($"{missing} acknowledged blocks are gone without a word.");
            }
            catch (JournalException damaged) when (damaged.Kind == JournalFault.Damaged)
            {
                result.DamagesNamed++;
                RepairAndVerify(check);
            }
        }

        /// <summary>Giving up what is damaged keeps all before it, and the journal goes on.</summary>
        private void RepairAndVerify(JournalCheck check)
        {
            files.Restart(powerLost: false);
            var from = check.Damages.Min(damage => damage.Position) ?? check.Position + 1;
            if (from == 1) return;
            var repaired = FileJournal.Repair(Folder, from, DateTimeOffset.UnixEpoch, files);
            var kept = acknowledged.Count(block => block.FirstPosition + block.Events <= repaired.FromPosition);
            acknowledged.RemoveRange(kept, acknowledged.Count - kept);
            using (var journal = FileJournal.Open(Folder, options, files))
            {
                Verify(journal, powerLost: false);
                for (var more = 0; more < 5; more++) Append(journal);
            }
            using var reopened = FileJournal.Open(Folder, options, files);
            Verify(reopened, powerLost: false);
            result.Repairs++;
        }
    }
}
