using System.Collections.Immutable;
using System.Text.Json;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Host.Api.EdgeProblems;
using static BankingEngine.Host.Api.FieldValues;
using static BankingEngine.Host.Api.Sensitivity;

namespace BankingEngine.Host.Api;

/// <summary>What commands about limits, wallets and recovery say.</summary>
public static partial class Fields
{
    private const string
        Counterparties_ = """
            {"type":"array","maxItems":64,"items":{"type":"string","pattern":"^[a-z0-9]+([.:_-][a-z0-9]+)*:?$"}}
            """;

    public static readonly Field
        PerTransaction = Of("per_transaction", Amount_,
            "The most that one entry may take, net.",
            static (ref r, f) => FieldValues.Amount(ref r, f, out f.PerTransaction)),
        PerWindow = Of("per_window", Amount_,
            "The most that all entries of any window of time may take.",
            static (ref r, f) => FieldValues.Amount(ref r, f, out f.PerWindow)),
        WindowSeconds = Of("window_seconds", """{"type":"integer","minimum":1,"maximum":31622400}""",
            "How long the window is; goes with per_window.",
            static (ref r, f) => Integer(ref r, 0, long.MaxValue, out f.WindowSeconds)),
        Counterparties = Of("counterparties", Counterparties_,
            "Only these may be paid: accounts, or with a colon at the end all whose names begin so.",
            static (ref r, f) => CounterpartiesOf(ref r, f, out f.Counterparties)),
        PasskeyAbove = Of("passkey_above", Amount_,
            "More than this takes a passkey among the signatures.",
            static (ref r, f) => FieldValues.Amount(ref r, f, out f.PasskeyAbove)),
        DelaySeconds = Of("delay_seconds", """{"type":"integer","minimum":86400,"maximum":3888000}""",
            "From the start of a recovery to its completion, for the account to veto.",
            static (ref r, f) => Integer(ref r, long.MinValue, long.MaxValue, out f.Number)),
        Statement = new("statement", Personal, """{"type":"string","maxLength":500}""",
            "What speaks for it; sealed before the book sees it.",
            static (ref r, f) => Words(ref r, MaxWords, out f.Statement));

    private static EdgeProblem? CounterpartiesOf(
        ref Utf8JsonReader reader, CommandFields into, out ImmutableArray<Counterparty> value)
    {
        value = [];
        if (reader.TokenType != JsonTokenType.StartArray) return FieldMalformed;
        var items = ImmutableArray.CreateBuilder<Counterparty>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (items.Count > SpendingLimits.MaxCounterparties) return FieldMalformed;
            if (Value(ref reader, into, out Counterparty item) is { } wrong) return wrong;
            items.Add(item);
        }
        value = items.ToImmutable();
        return null;
    }
}

public sealed partial class CommandFields
{
    // Fields, because the readers fill them by reference.
#pragma warning disable CA1051
    public StatedAmount PerTransaction, PerWindow, PasskeyAbove;
    public long WindowSeconds;
    public ImmutableArray<Counterparty> Counterparties;
    public string? Statement;
#pragma warning restore CA1051

    private void BeginLimits() => (WindowSeconds, Counterparties, Statement) = (0, [], null);
}
