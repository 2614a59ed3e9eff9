using System.Text.Json;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>
/// Whether a command would be allowed, and why: step 3 of the one path alone, for signatures and approvals that are
/// assumed. Nothing is decided, changed or kept; whether the book would then do it is another question.
/// </summary>
internal sealed class Explaining(RunningBook book)
{
    public const string Route = "/v1/authorisations/explain";

    public static void Map(IEndpointRouteBuilder routes, RunningBook book)
    {
        var explaining = new Explaining(book);
        Reads.Map(routes, Route, "authorisation.explain",
            "Whether a command would be allowed, and why; a question, which changes nothing", explaining.RunAsync,
            new("Permissions",
                "Whether it is allowed, what it needs, and how every permission was weighed, step by step.")
            {
                Body = ExplainRequest.Schema,
                Example = ExplainRequest.Example,
            });
    }

    /// <param name="No">Why not; null where it is allowed.</param>
    private sealed record Explained(
        Rejection? No, List<(Need Need, bool HasOwn, Tag Minimum)> Needs, List<WeighingStep> Steps, List<Act> Acts,
        long Position);

    private async Task RunAsync(HttpContext context)
    {
        var body = await RequestBodies.ReadAsync(context).ConfigureAwait(false);
        var flaw = ExplainRequest.TryRead(context, body, out var request);
        RequestBodies.Done(context, body);
        Command? command = null;
        if (flaw is null && request.ApiKey is { } key && context.Caller() is var caller && key != caller.Id
            && !caller.May(Scopes.Keys))
            flaw = new Flaw(EdgeProblems.ScopeMissing, "keys");
        if (flaw is null) flaw = request.Build(out command);
        if (flaw is not null)
        {
            await Problems.Answer(context, flaw.Value).ConfigureAwait(false);
            return;
        }
        var explained = await book.Engine.ReadAsync((bank, at) => Explain(bank, at, request, command!))
            .ConfigureAwait(false);
        Reads.Ok(context, to => Write(to, explained));
    }

    private static Explained Explain(Bank bank, in Moment at, ExplainRequest request, Command command)
    {
        var (needs, steps) = (new List<Need>(), new List<WeighingStep>());
        Needs.Of(bank, command, 0, needs);
        bank.Satisfaction.Trace = steps;
        try
        {
            var no = Judge(bank, at.Now, request, command, needs);
            return new(no, [.. needs.Select(need => Describe(bank, need))], steps,
                no is null ? [.. bank.Authorisation.Acts] : [], at.Position - 1);
        }
        finally
        {
            bank.Satisfaction.Trace = null;
        }
    }

    /// <summary>As the book judges a command that comes with such a key, such signatures or such approvals.</summary>
    private static Rejection? Judge(Bank bank, Instant now, ExplainRequest request, Command command, List<Need> needs)
    {
        var needed = Bank.NeededFor(command);
        var isChannels = request is { As.Count: 0, Keys.Count: 0, Approvals.Count: 0 };
        KeyBindingRow? channel = null;
        if (request.ApiKey is { } id)
        {
            var caller = bank.Keys.Rows.Find(id);
            if (caller < 0) return Keys.NotFound;
            if (bank.Keys.Authorise(caller, isChannels ? needed : Scopes.None, now) is { } denied) return denied;
            if ((bank.Keys.Rows[caller].Scopes & needed) == needed) channel = bank.Permissions.BindingOf(id);
        }
        var credentials = isChannels
            ? Credentials.None
            : new Credentials(request.Keys, request.Approvals, request.DelaySeconds);
        return bank.Authorisation.Judge(new(channel, request.As, credentials, now), needs);
    }

    private static (Need Need, bool HasOwn, Tag Minimum) Describe(Bank bank, Need need)
    {
        var account = need.Kind == NeedKind.Bank ? Permissions.Bank : need.Account;
        var hasOwn = bank.Permissions.HasOwn(account);
        if (need.Kind == NeedKind.Dominates) return (need, hasOwn, need.Minimum);
        var name = CommandNames.Of(need.Command);
        var minimum = !hasOwn || need.Kind == NeedKind.First ? default
            : need.Kind == NeedKind.Bank ? bank.Permissions.LinkOf(account, name, need.Asset)
            : bank.Permissions.Minimum(account, name, need.Asset);
        return (need, hasOwn, minimum);
    }

    private static void Write(Utf8JsonWriter to, Explained explained)
    {
        to.WriteNumber("position"u8, explained.Position);
        to.WriteBoolean("allowed"u8, explained.No is null);
        to.WriteString("code"u8, explained.No?.Code);
        to.WriteString("why"u8, explained.No?.Why);
        to.WriteStartArray("needs"u8);
        foreach (var (need, hasOwn, minimum) in explained.Needs)
        {
            to.WriteStartObject();
            to.WriteString("kind"u8, ReadsJson.NameOf(need.Kind));
            to.ValueOrNull("account"u8, need.Account.IsNone ? (AccountId?)null : need.Account);
            if (!need.Or.IsNone) to.Value("or"u8, need.Or);
            to.ValueOrNull("asset"u8, need.Asset.IsNone ? (AssetCode?)null : need.Asset);
            to.WriteBoolean("own"u8, hasOwn);
            to.Value("minimum"u8, minimum);
            to.WriteNumber("link"u8, need.Link);
            to.WriteEndObject();
        }
        to.WriteEndArray();
        to.WriteStartArray("under"u8);
        foreach (var level in explained.Acts.Select(act => act.Level).Distinct()) to.WriteStringValue(level.ToString());
        to.WriteEndArray();
        to.WriteStartArray("steps"u8);
        foreach (var step in explained.Steps)
        {
            to.WriteStartObject();
            to.WriteNumber("depth"u8, step.Depth);
            to.Value("within"u8, step.Within);
            to.WriteString("factor"u8, step.Factor);
            to.WriteNumber("weight"u8, step.Weight);
            to.WriteNumber("total"u8, step.Total);
            to.WriteNumber("threshold"u8, step.Threshold);
            to.WriteString("outcome"u8, step.Outcome);
            to.WriteEndObject();
        }
        to.WriteEndArray();
        if (explained.Steps.Count == Satisfaction.MaxSteps) to.WriteBoolean("more_steps"u8, true);
    }
}
