using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Statements;
using BankingEngine.Host.Journals;
using static BankingEngine.Host.Api.Fields;

namespace BankingEngine.Host.Api;

/// <summary>Commands about what is delivered to customers.</summary>
public static partial class CommandCatalogue
{
    private static CommandSpec[] OfStatements() =>
    [
        new("statement.issue", "accounts/{account}/statements", Scopes.Accounts,
            "Issue a statement: number it, and keep position, hash and edition of every copy",
            [Account, Fields.Asset, StatementFrom, Through], [StatementBy, StatementFormats, Anew],
            IssueStatement,
            """{"asset":"EUR","from":"2025-12-01","through":"2025-12-31","formats":["json","html"]}""")
        {
            Creates = true,
            InBatch = false,
        },
    ];

    private static Built IssueStatement(CommandFields f, Sealing sealing)
    {
        var dates = f.Has(StatementBy) ? f.Dates : StatementDates.Booked;
        var period = new StatementPeriod(f.Account, f.Asset, f.BookedOn, f.Through, dates);
        var formats = f.Has(StatementFormats) ? f.Formats : ImmutableArray<StatementFormat>.Empty;
        var command = new IssueStatement(period, 0, 0, [], f.Has(Anew) && f.Final);
        return new(command, Ask: (book, id) => RenderAsync(book, command, formats, id), Turn: f.Account);
    }

    /// <summary>Renders every copy at the last durable position and takes their hashes.</summary>
    /// <remarks>
    /// What the book will refuse anyway is sent as it is, so that the book says why; so is what it answered before.
    /// </remarks>
    private static async Task<Built> RenderAsync(
        RunningBook book, IssueStatement command, ImmutableArray<StatementFormat> formats, CommandId id)
    {
        var (isKnown, number, position, isFine) = await book.Engine.ReadAsync((bank, at) => (
            bank.Memory.TryFind(id, out var _), bank.Statements.LastNumber(command.Period.Account) + 1,
            at.Position - 1, command.Period.From <= command.Period.Through
                && bank.Ledger.Tables.Accounts.Find(command.Period.Account) >= 0
                && bank.Ledger.Tables.Assets.Find(command.Period.Asset) >= 0)).ConfigureAwait(false);
        var numbered = command with { Number = number, Position = position };
        if (isKnown || !isFine) return numbered;
        if (await book.ReadModels.AccountsAsync(position).ConfigureAwait(false) is not { } entries)
            return new Flaw(ReadsProblems.Behind);
        var made = await ReadsStatements.MakeAsync(book, entries, command.Period, position, number)
            .ConfigureAwait(false);
        if (made.Flaw is { } flaw) return flaw;
        var copies = ImmutableArray.CreateBuilder<StatementCopy>();
        foreach (var format in formats.Append(StatementFormat.Json).Distinct().Order())
        {
            if (StatementForms.Objects(format, made.Paper!.Statement) is { } no) return no;
            copies.Add(new(format, StatementForms.HashOf(format, made.Paper), StatementForms.EditionOf(format)));
        }
        return numbered with { Copies = copies.ToImmutable() };
    }
}
