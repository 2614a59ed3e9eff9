using System.Globalization;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Domain.Ledger;
using Xunit.Abstractions;
using static BankingEngine.Specs.Domain.Accounts.ProposalBook;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>
/// Approvals, withdrawals, invalidations and time in any order, beside a model of three lines: who stands approved
/// counts, two suffice, or one after a day.
/// </summary>
public sealed class ProposalProperties(ITestOutputHelper output)
{
    private const int Books = 20, Steps = 40, ApprovalSeconds = 40_000;

    [Fact]
    public void A_proposal_is_executed_exactly_when_the_approvals_that_stand_suffice()
    {
        var seed = Environment.TickCount;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        var random = new Random(seed);
        var executed = 0;
        for (var i = 0; i < Books; i++) executed += Run(random, $"seed {seed} book {i}");
        executed.Should().BeGreaterThan(Books, "the model says yes often enough to mean something");
    }

    private static int Run(Random random, string said)
    {
        var book = Given().Book;
        var (level, executed) = (new[] { Ann, Ben, Cleo }, 0);
        var (id, made) = Make(book);
        var standing = new Dictionary<Level, Instant>();
        for (var step = 0; step < Steps; step++)
        {
            var who = random.Next(3);
            switch (random.Next(7))
            {
                case 0 or 1:
                    book.Bank.Proposals.Rows.TryGet(id, out var row);
                    book.Send(new ApproveProposal(default, id, row.Hash), caller: AnnKey + who).Rejection.Should().BeNull(said);
                    if (!Counts(standing, level[who], book.Now)) standing[level[who]] = book.Now;
                    break;
                case 2:
                    book.Send(new WithdrawApproval(default, id), caller: AnnKey + who).Rejection.Should().BeNull(said);
                    standing.Remove(level[who]);
                    break;
                case 3:
                    book.Send(new InvalidateApprovals(level[who].Account), caller: AnnKey + who).Rejection.Should().BeNull(said);
                    standing.Remove(level[who]);
                    break;
                case 4: book.MoveTo(book.Now.AddSeconds(random.Next(30_000))); break;
                default:
                    var suffices = standing.Keys.Count(key => Counts(standing, key, book.Now))
                        + (book.Now >= made.AddSeconds(Day) ? 1 : 0) >= 2;
                    var before = book.DigestsButMemory();
                    var ended = book.Send(new ExecuteProposal(default, id), caller: AnnKey + who);
                    (ended.Ending == Ending.Accepted).Should().Be(suffices, $"{said} step {step}: {ended.Rejection?.Why}");
                    if (!suffices) book.DigestsButMemory().Should().Equal(before, said);
                    if (!suffices) break;
                    executed++;
                    (id, made) = Make(book);
                    standing.Clear();
                    break;
            }
        }
        book.ShouldReplay();
        return executed;
    }

    private static (CommandId Id, Instant Made) Make(SpecBook book)
    {
        var id = book.NextId();
        var make = Propose(Pay("treasury", "alice", "0.01")) with
        {
            ApprovalSeconds = ApprovalSeconds,
            Expires = book.Now.AddSeconds(Proposals.MaxSeconds),
        };
        book.Send(make, id, AnnKey).Rejection.Should().BeNull();
        return (id, book.Now);
    }

    private static bool Counts(Dictionary<Level, Instant> standing, Level level, Instant now) =>
        standing.TryGetValue(level, out var at) && now < at.AddSeconds(ApprovalSeconds);
}
