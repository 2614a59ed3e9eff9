using System.Text.Json;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>
/// A command of a channel: its route, its fields, the scope it needs, and how it becomes a command of the book.
/// </summary>
/// <param name="name">Wire name, in batches and in the record of a refusal.</param>
/// <param name="route">Below <c>/v1</c>; what stands in braces is a field of that name.</param>
/// <param name="needs">Judged at the door; what the fields ask for besides is judged when they are read.</param>
/// <param name="required">Fields without which there is no such command.</param>
/// <param name="optional">The others.</param>
/// <param name="build">Makes the command; null with a flaw when the fields do not go together.</param>
/// <param name="example">A body that works, for the API's description.</param>
public sealed class CommandSpec(
    string name, string route, Scopes needs, string summary, Field[] required, Field[] optional,
    Func<CommandFields, Sealing, Built> build, string example)
{
    public const int MaxFields = 32;

    /// <summary>Characters of a field that stands in an address.</summary>
    public const int MaxPathText = 64;

    public string Name => name;
    public string Route => "/v1/" + route;
    public Scopes Needs => needs;
    public string Summary => summary;
    public string Example => example;
    public Func<CommandFields, Sealing, Built> Build => build;

    /// <summary>Those in the address first, then those that are required, then the others.</summary>
    public Field[] Fields { get; } = [.. required, .. optional];

    /// <summary>The fields that stand in the address.</summary>
    public Field[] InPath { get; } =
        [.. required.Where(field => route.Contains($"{{{field.Name}}}", StringComparison.Ordinal))];

    /// <summary>The required fields, as bits.</summary>
    public ulong Required { get; } = (1UL << required.Length) - 1;

    /// <summary>Under which heading the API's description shows it.</summary>
    public string Area { get; } = name.Split('.')[0] switch
    {
        "transfer" => "Transfers",
        "entry" or "exchange" => "Entries",
        "account" or "wallet" => "Accounts",
        "restraint" => "Restraints",
        "asset" or "reference" => "Reference",
        "period" or "year" => "Periods",
        "permission" or "permissions" or "limit" or "recovery" => "Permissions",
        "party" or "holders" or "role" or "identifier" => "Parties",
        "proposal" or "approvals" => "Proposals",
        "breakglass" or "review" => "Reviews",
        "key" => "Keys",
        "webhook" => "Webhooks",
        "statement" => "Statements",
        _ => "Operations",
    };

    public ulong Tag { get; } = Hash128.Hash64(System.Text.Encoding.ASCII.GetBytes(name), seed: 0);

    /// <summary>Whether a success makes something that was not there.</summary>
    public bool Creates { get; init; }

    /// <summary>Whether it may stand in a batch; what answers with a secret may not.</summary>
    public bool InBatch { get; init; } = true;

    /// <summary>Whether only a sandbox book has it.</summary>
    public bool InSandboxOnly { get; init; }

    public int IndexOf(Field field) => Array.IndexOf(Fields, field);

    /// <summary>The field that the reader stands on the name of.</summary>
    public Field? Find(ref Utf8JsonReader reader)
    {
        foreach (var field in Fields)
        {
            if (reader.ValueTextEquals(field.Encoded.EncodedUtf8Bytes)) return field;
        }
        return null;
    }

    public bool IsInPath(Field field) => Array.IndexOf(InPath, field) >= 0;
}

/// <summary>What a receipt shows once, and no repeat of it.</summary>
/// <param name="Name">The member that it stands under.</param>
/// <param name="Text">ASCII that needs no escape in JSON.</param>
public readonly record struct Shown(string Name, string Text);

/// <summary>What became of the fields: a command, a reversal whose legs are still to be read, or a flaw.</summary>
/// <param name="Named">Wire name for the record; null: the one of the catalogue.</param>
/// <param name="Reverses">The transfer to reverse; its legs come from the journal, never from a caller.</param>
/// <param name="Secret">Shown once beside the receipt: the token of a new key.</param>
/// <param name="SealedFor">Whose key was made for this command alone, and is of no use where it is not accepted.</param>
/// <param name="Ask">What has to be asked of the book first, under the command's id; gives what is sent.</param>
/// <param name="Turn">
/// The account, or what else is named like one, whose other commands of the kind wait from the asking until this one is
/// answered; null: none does.
/// </param>
public readonly record struct Built(
    Command? Command, string? Named = null, Flaw? Flaw = null, TransferId? Reverses = null, Shown? Secret = null,
    Func<RunningBook, CommandId, Task<Built>>? Ask = null, AccountId SealedFor = default, AccountId? Turn = null)
{
    public static implicit operator Built(Command command) => new(command);

    public static implicit operator Built(Flaw flaw) => new(null, Flaw: flaw);
}
