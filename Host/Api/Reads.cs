using BankingEngine.Application.Engine;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;
using static BankingEngine.Host.Api.Parameters;

namespace BankingEngine.Host.Api;

/// <summary>
/// Everything that can be asked. Authoritative answers on one account come from the book; history and reports from the
/// read models. Every answer says the position it is true at, and <c>after</c> makes it wait for one.
/// </summary>
public static class Reads
{
    private const string NoAccount = "account.not_found";

    /// <summary>Maps every read.</summary>
    public static void MapReads(this IEndpointRouteBuilder routes, RunningBook book)
    {
        var accounts = new ReadsAccounts(book);
        Map(routes, "/v1/accounts", "account.list", "Accounts in the order they were opened", accounts.ListAsync,
            new("Accounts", "A page of accounts.", Class, Chart, Prefix, After, Limit(), Cursor));
        Map(routes, "/v1/accounts/{account}", "account.read", "One account", accounts.ReadAsync,
            new("Accounts", "The account.", After) { NotFound = NoAccount });
        Map(routes, "/v1/accounts/{account}/balances", "account.balances",
            "Balances now, from the book; as-of (position or time) and booked-on, as they were", accounts.BalancesAsync,
            new("Accounts", "A page of balances, one an asset.", AsOf, BookedOn, Parameters.Asset, After,
                Limit(ReadsAccounts.MaxBalances), Cursor)
            { NotFound = NoAccount });
        Map(routes, "/v1/accounts/{account}/entries", "account.entries", "What was posted on an account, newest first",
            accounts.EntriesAsync,
            new("Accounts", "A page of legs, each with the balance after it.", Order, Parameters.Asset, Side,
                BookedFrom, BookedThrough, RecordedFrom, RecordedThrough, Code, Reference, MinAmount, MaxAmount, After, Limit(),
                Cursor)
            { NotFound = NoAccount });
        Map(routes, "/v1/accounts/{account}/restraints", "account.restraints", "What holds an account back",
            accounts.RestraintsAsync,
            new("Restraints", "A page of restraints.", After, Limit(BookEngine.MaxRowsRead - 1), Cursor)
            {
                NotFound = NoAccount,
            });

        var transfers = new ReadsTransfers(book);
        Map(routes, "/v1/transfers", "transfer.list", "Transfers that carry a reference, or a pair of metadata",
            transfers.ListAsync,
            new("Transfers", "A page of transfers.", Reference, MetadataKey, MetadataValue, After, Limit(), Cursor));
        Map(routes, "/v1/transfers/{transfer}", "transfer.read", "A transfer or entry with its whole history",
            transfers.ReadAsync,
            new("Transfers", "What it is now, and its events.", After) { NotFound = "transfer.not_found" });
        Map(routes, "/v1/entries/{position}", "entry.read", "What was posted at a position", transfers.EntryAsync,
            new("Entries", "The event with its legs.", After) { NotFound = "entry.not_found" });

        var reports = new ReadsReports(book);
        Map(routes, "/v1/trial-balance", "trial_balance.read",
            "Trial balance by class, chart or account; JSON, or CSV with Accept: text/csv", reports.TrialAsync,
            new("Reads", "The lines, and the totals of each asset.", AsOf, BookedOn, By, After));
        Map(routes, "/v1/projections", "projection.list", "Where each read model stands", reports.LagAsync,
            new("Operations", "Each read model, how far it is behind, and why its last rebuild failed where it did.", After));
        MapBook(routes, new(book));
        MapLimits(routes, book);
        MapProposals(routes, book);
        ReadsPermissions.Map(routes, book);
        ReadsParties.Map(routes, book);
        Explaining.Map(routes, book);
        ReadsStatements.Map(routes, book);
        ReadsFinancials.Map(routes, book);
    }

    private static void MapBook(IEndpointRouteBuilder routes, ReadsBook books)
    {
        routes.MapGet("/v1/book", (Delegate)books.Describe).Needs(Access.Nothing).WithName("book.read")
            .WithSummary("Which book this is, and what signed commands name it by")
            .Reads(new("Operations", "Name, mode, signing_id, and the book's time."));
        Map(routes, "/v1/periods", "period.read", "Business date, closed dates, next cut-off, years",
            books.PeriodsAsync, new("Periods", "The dates of the book.", After));
        Map(routes, "/v1/assets", "asset.list", "Assets that the book knows", books.AssetsAsync,
            new("Reference", "A page of assets.", After, LimitOfBook, Cursor));
        Map(routes, "/v1/reference", "reference.list", "Reference data, every version", books.ReferencesAsync,
            new("Reference", "A page of versions, without their content.", After, LimitOfBook, Cursor));
        Map(routes, "/v1/reference/{name}", "reference.read", "Reference data as in force today or on a date",
            books.ReferenceAsync,
            new("Reference", "The version with its content.", On, After) { NotFound = "reference.not_found" });
    }

    private static void MapLimits(IEndpointRouteBuilder routes, RunningBook book)
    {
        var limits = new ReadsLimits(book);
        Map(routes, "/v1/accounts/{account}/limits", "account.limits",
            "What its permissions may spend, what is left of it, and when all of it is free again", limits.LimitsAsync,
            new("Permissions", "A page of limits.", After, Limit(ReadsLimits.MaxLimits), Cursor)
            {
                NotFound = NoAccount,
            });
        Map(routes, "/v1/accounts/{account}/recovery", "account.recovery",
            "Whether the account may be recovered, and whether it is being", limits.RecoveryAsync,
            new("Permissions", "The delay, and when a recovery that runs can be completed.", After)
            {
                NotFound = NoAccount,
            });
    }

    private static void MapProposals(IEndpointRouteBuilder routes, RunningBook book)
    {
        var proposals = new ReadsProposals(book);
        Map(routes, "/v1/proposals", "proposal.list", "Open proposals, by who is asked or by whose account proposed",
            proposals.ListAsync,
            new("Proposals", "A page of proposals.", AskedApprover, ProposerAccount, AfterProposal, After,
                Limit(BookEngine.MaxRowsRead / 2)));
        Map(routes, "/v1/proposals/{proposal}", "proposal.read", "An open proposal, its approvals and what is missing",
            proposals.ReadAsync, new("Proposals", "The proposal.", After) { NotFound = "proposal.not_found" });
        Map(routes, "/v1/reviews", "review.list", "Uses of break-glass that wait for their review",
            proposals.ReviewsAsync, new("Reviews", "A page of reviews.", After, LimitOfBook, Cursor));
    }

    internal static void Map(
        IEndpointRouteBuilder routes, string route, string name, string summary, Func<HttpContext, Task> answer,
        ReadSpec spec, Scopes needs = Scopes.Read)
    {
        Task Run(HttpContext context) => GuardAsync(context, answer);
        var mapped = spec.Body is null ? routes.MapGet(route, (Delegate)Run) : routes.MapPost(route, (Delegate)Run);
        mapped.Needs(needs).WithName(name).WithSummary(summary).Reads(spec);
    }

    private static async Task GuardAsync(HttpContext context, Func<HttpContext, Task> answer)
    {
        try
        {
            await answer(context).ConfigureAwait(false);
        }
        catch (EngineUnavailableException unavailable) when (!context.Response.HasStarted)
        {
            await Problems.Answer(context, unavailable).ConfigureAwait(false);
        }
        catch (ProjectionStoppedException) when (!context.Response.HasStarted)
        {
            await Problems.Answer(context, ReadsProblems.Stopped).ConfigureAwait(false);
        }
        catch (ReadModelUnavailableException) when (!context.Response.HasStarted)
        {
            await Problems.Answer(context, ReadsProblems.Unavailable).ConfigureAwait(false);
        }
    }

    /// <summary>Answers what is wrong with a question.</summary>
    /// <returns>Whether anything was.</returns>
    internal static async Task<bool> RefusedAsync(this ReadsQuery query, HttpContext context, BookEngine engine)
    {
        if (query.Check(engine) is not { } flaw) return false;
        await Problems.Answer(context, flaw).ConfigureAwait(false);
        return true;
    }

    /// <summary>What is wrong with a query before anything is looked up: its form, or a position that is not there
    /// yet.</summary>
    internal static Flaw? Check(this ReadsQuery query, BookEngine engine) =>
        Following.Beyond(engine, query.AfterPosition, "after") ?? query.Flaw;

    /// <summary>The name of the account in the address.</summary>
    internal static bool TryAccount(HttpContext context, out AccountId id) =>
        AccountId.TryParse(context.Request.RouteValues["account"] as string ?? "", out id);

    /// <summary>Sends an answer that was written whole.</summary>
    internal static void Ok(HttpContext context, Action<System.Text.Json.Utf8JsonWriter> write)
    {
        using var to = ResponseBody.Rent();
        to.Json.WriteStartObject();
        write(to.Json);
        to.Json.WriteEndObject();
        to.Send(context.Response, StatusCodes.Status200OK);
    }
}
