using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine;

public sealed class BookEngineSpecs
{
    private static readonly AccountFlags Limited = AccountFlags.DebitsMustNotExceedCredits;

    [Fact]
    public async Task A_transfer_is_in_the_books_and_still_is_after_a_restart()
    {
        using var book = await Founded();
        var answer = await book.Send(new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("12.34"), Particulars.None));
        answer.Ended.Ending.Should().Be(Ending.Accepted);
        var digest = await book.Digest();
        book.Reopen();
        (await book.Digest()).Should().Be(digest);
        (await Balance(book, "alice")).Should().Be((Int128)12_34);
    }

    [Fact]
    public async Task A_repeat_gets_the_first_answer_and_moves_nothing()
    {
        using var book = await Founded();
        var id = book.NextId();
        var pay = new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("5"), Particulars.None);
        var first = await book.Send(pay, id, print: 1);
        var again = await book.Send(pay, id, print: 1);
        var other = await book.Send(pay, id, print: 2);
        again.Ended.Ending.Should().Be(Ending.Repeated);
        again.Ended.Position.Should().Be(first.Ended.Position);
        other.Ended.Rejection!.Code.Should().Be("command.id_reused");
        (await Balance(book, "alice")).Should().Be((Int128)5_00);
    }

    [Fact]
    public async Task Money_that_is_not_there_cannot_be_spent_and_the_refusal_is_remembered()
    {
        using var book = await Founded();
        var id = book.NextId();
        var pay = new MakeTransfer(Account("alice"), Account("bank:cash"), Eur("1"), Particulars.None);
        var answer = await book.Send(pay, id);
        answer.Ended.Rejection!.Code.Should().Be("limit.insufficient_funds");
        book.Reopen();
        (await book.Send(pay, id)).Ended.Ending.Should().Be(Ending.Repeated);
    }

    [Fact]
    public async Task A_reservation_expires_by_itself()
    {
        using var book = await Founded();
        await book.Send(new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("10"), Particulars.None));
        var held = await book.Send(new ReserveTransfer(Account("alice"), Account("bank:cash"), Eur("10"), 60, Particulars.None));
        held.Ended.Ending.Should().Be(Ending.Accepted);
        book.Time.Advance(60);
        (await book.Engine.ReadAsync((bank, _) => bank.Ledger.Tables.Reservations.Count)).Should().Be(0);
        var digest = await book.Digest();
        book.Reopen();
        (await book.Digest()).Should().Be(digest);
    }

    private static async Task<TestBook> Founded()
    {
        var book = await TestBook.FoundAsync();
        await book.Send(new OpenAccount(Account("bank:cash"), AccountClass.Asset, Tag.Of("1000"), default, AccountFlags.None, [AssetCode.Parse("EUR")]));
        await book.Send(new OpenAccount(Account("alice"), AccountClass.Liability, Tag.Of("2100"), default, Limited, [AssetCode.Parse("EUR")]));
        return book;
    }

    private static Task<Int128> Balance(TestBook book, string name) => book.Engine.ReadAsync((bank, _) =>
    {
        var t = bank.Ledger.Tables;
        var row = t.FindBalance(t.Accounts.Find(Account(name)), t.Assets.Find(AssetCode.Parse("EUR")));
        return t.Balances[row].Net;
    });
}
