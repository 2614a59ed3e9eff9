using System.Collections.Immutable;
using System.Text.Json;
using BankingEngine.Application.Signing;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Host.Api.EdgeProblems;
using static BankingEngine.Host.Api.FieldValues;

namespace BankingEngine.Host.Api;

/// <summary>What commands about permissions say.</summary>
public static partial class Fields
{
    private const string
        Level_ = """{"type":"string","pattern":"^[a-z0-9]+([.:_-][a-z0-9]+)*@[a-z0-9._-]{1,16}$"}""",
        SigningKey_ = """{"type":"string","pattern":"^(k1|r1|wa):[A-Za-z0-9_-]{44,66}$"}""",
        Tags_ = """{"type":"array","items":{"type":"string"},"maxItems":64}""",
        Weight_ = """{"type":"integer","minimum":1,"maximum":65535}""",
        KeyFactors_ =
            $$$"""{"type":"array","items":{"type":"object","properties":{"key":{{{SigningKey_}}},"weight":{{{Weight_}}} }} }""",
        AccountFactors_ =
            $$$"""{"type":"array","items":{"type":"object","properties":{"level":{{{Level_}}},"weight":{{{Weight_}}} }} }""",
        WaitFactors_ =
            $$$"""
            {"type":"array","items":{"type":"object","properties":{"seconds":{"type":"integer"},"weight":{{{Weight_}}} }} }
            """,
        Authority_ = $$$"""
            {"type":"object","required":["threshold"],"additionalProperties":false,"properties":{
              "threshold":{"type":"integer","minimum":1,"maximum":4294967295},
              "keys":{{{KeyFactors_}}},"accounts":{{{AccountFactors_}}},"waits":{{{WaitFactors_}}}
            }}
            """;

    public static readonly Field
        OwnerAuthority = Of("owner", Authority_,
            "Who suffices for everything, permissions included.",
            static (ref r, f) => Authorities.Read(ref r, f, out f.OwnerAuthority)),
        ActiveAuthority = Of("active", Authority_,
            "Who suffices for what is not linked elsewhere.",
            static (ref r, f) => Authorities.Read(ref r, f, out f.ActiveAuthority)),
        NewAuthority = Of("authority", Authority_,
            "Who suffices: keys, other accounts' permissions and waits, and the weight they have to reach.",
            static (ref r, f) => Authorities.Read(ref r, f, out f.NewAuthority)),
        Channel = Of("channel", """{"type":"boolean","default":true}""",
            "Whether the bank's channels go on acting for the account, under a permission of that name.",
            static (ref r, f) => Boolean(ref r, out f.Channel)),
        Permission = Of("permission", Tag_, "The permission's name.",
            static (ref r, f) => FieldValues.Tag(ref r, f, out f.Permission)),
        Parent = Of("parent", Tag_, "The permission above it; of one that exists it does not change.",
            static (ref r, f) => FieldValues.Tag(ref r, f, out f.Parent)),
        LinkedCommand = Of("command_name", """{"type":"string"}""", "The wire name of a kind of command.",
            static (ref r, f) => Printable(ref r, f, CommandName.MaxLength, out f.LinkedCommand)),
        LinkedAsset = Of("asset", AssetCode_, "Of this asset only; absent: of any.",
            static (ref r, f) => Value(ref r, f, out f.LinkedAsset)),
        Allow = Of("allow", Tags_, "Only under these may permissions change; owner is among them.",
            static (ref r, f) => Authorities.Tags(ref r, f, out f.Allow)),
        Disallow = Of("disallow", Tags_, "Not under these may permissions change.",
            static (ref r, f) => Authorities.Tags(ref r, f, out f.Disallow)),
        Provides = Of("provides", Level_, "What the key stands for: taken as satisfied whenever it acts.",
            static (ref r, f) => Value(ref r, f, out f.Provides)),
        Exercises = Of("exercises", Tag_, "What the key acts under on behalf of accounts; default: channel.",
            static (ref r, f) => FieldValues.Tag(ref r, f, out f.Exercises));
}

public sealed partial class CommandFields
{
    // Fields, because the readers fill them by reference.
#pragma warning disable CA1051
    public Authority? OwnerAuthority, ActiveAuthority, NewAuthority;
    public bool Channel;
    public Tag Permission, Parent, Exercises;
    public string? LinkedCommand;
    public AssetCode LinkedAsset;
    public ImmutableArray<Tag> Allow, Disallow;
    public Level Provides;
#pragma warning restore CA1051

    private void BeginAuthority()
    {
        (OwnerAuthority, ActiveAuthority, NewAuthority, LinkedCommand) = (null, null, null, null);
        (Channel, Parent, LinkedAsset, Allow, Disallow) = (true, default, default, [], []);
        Exercises = Permissions.Channel;
    }
}

/// <summary>Reads authorities as channels state them.</summary>
internal static class Authorities
{
    /// <summary><c>{"threshold":1,"keys":[{"key":"k1:…","weight":1}],"accounts":[…],"waits":[…]}</c></summary>
    public static EdgeProblem? Read(ref Utf8JsonReader reader, CommandFields into, out Authority? value)
    {
        value = null;
        if (reader.TokenType != JsonTokenType.StartObject) return FieldMalformed;
        long threshold = -1;
        ImmutableArray<KeyFactor> keys = default;
        ImmutableArray<AccountFactor> accounts = default;
        ImmutableArray<WaitFactor> waits = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueTextEquals("threshold"u8) ? 'n' : reader.ValueTextEquals("keys"u8) ? 'k'
                : reader.ValueTextEquals("accounts"u8) ? 'a' : reader.ValueTextEquals("waits"u8) ? 'w' : '?';
            if (name == 'n' ? threshold >= 0 : name == 'k' ? !keys.IsDefault : name == 'a' ? !accounts.IsDefault
                : name == 'w' && !waits.IsDefault) return DuplicateField;
            reader.Read();
            var wrong = name switch
            {
                'n' => Integer(ref reader, 0, uint.MaxValue, out threshold),
                'k' => List(ref reader, into, KeyFactorOf, out keys),
                'a' => List(ref reader, into, AccountFactorOf, out accounts),
                'w' => List(ref reader, into, WaitFactorOf, out waits),
                _ => UnknownField,
            };
            if (wrong is not null) return wrong;
        }
        if (threshold < 0) return FieldMissing;
        value = new((uint)threshold, Or(keys), Or(accounts), Or(waits));
        return null;
    }

    public static EdgeProblem? Tags(ref Utf8JsonReader reader, CommandFields into, out ImmutableArray<Tag> value) =>
        List(ref reader, into, static (ref r, f, out tag) => FieldValues.Tag(ref r, f, out tag), out value);

    private delegate EdgeProblem? ItemReader<T>(ref Utf8JsonReader reader, CommandFields into, out T item);

    private static EdgeProblem? List<T>(
        ref Utf8JsonReader reader, CommandFields into, ItemReader<T> read, out ImmutableArray<T> value)
    {
        value = [];
        if (reader.TokenType != JsonTokenType.StartArray) return FieldMalformed;
        var items = ImmutableArray.CreateBuilder<T>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (items.Count > Authority.MaxFactors) return FieldMalformed;
            if (read(ref reader, into, out var item) is { } wrong) return wrong;
            items.Add(item);
        }
        value = items.ToImmutable();
        return null;
    }

    private static EdgeProblem? KeyFactorOf(ref Utf8JsonReader reader, CommandFields into, out KeyFactor item)
    {
        var wrong = Factor(ref reader, into, "key"u8, static (ref r, f, out key) => Value(ref r, f, out key),
            out SigningKey key, out var weight);
        item = new(key, weight);

        // A key that no signature can ever be of would be weight that nobody has.
        return wrong ?? (Curve.TryPoint(key, out _) ? null : SigningProblems.WrongCurve);
    }

    private static EdgeProblem? AccountFactorOf(ref Utf8JsonReader reader, CommandFields into, out AccountFactor item)
    {
        var wrong = Factor(ref reader, into, "level"u8, static (ref r, f, out level) => Value(ref r, f, out level),
            out Level level, out var weight);
        item = new(level, weight);
        return wrong;
    }

    private static EdgeProblem? WaitFactorOf(ref Utf8JsonReader reader, CommandFields into, out WaitFactor item)
    {
        var wrong = Factor(ref reader, into, "seconds"u8, static (ref r, _, out seconds) => Integer(ref r, out seconds),
            out int seconds, out var weight);
        item = new(seconds, weight);
        return wrong;
    }

    /// <summary>Who or what, and its weight. A weight beyond 65,535 is malformed; zero is for the book to refuse.</summary>
    private static EdgeProblem? Factor<T>(
        ref Utf8JsonReader reader, CommandFields into, ReadOnlySpan<byte> of, ItemReader<T> read, out T what,
        out ushort weight)
        where T : struct
    {
        (what, weight) = (default, 0);
        if (reader.TokenType != JsonTokenType.StartObject) return FieldMalformed;
        var (hasWhat, hasWeight) = (false, false);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(of))
            {
                if (hasWhat) return DuplicateField;
                reader.Read();
                if (read(ref reader, into, out what) is { } wrong) return wrong;
                hasWhat = true;
            }
            else if (reader.ValueTextEquals("weight"u8))
            {
                if (hasWeight) return DuplicateField;
                reader.Read();
                if (Integer(ref reader, 0, ushort.MaxValue, out var number) is { } wrong) return wrong;
                (weight, hasWeight) = ((ushort)number, true);
            }
            else return UnknownField;
        }
        return hasWhat && hasWeight ? null : FieldMissing;
    }

    private static ImmutableArray<T> Or<T>(ImmutableArray<T> stated) => stated.IsDefault ? [] : stated;
}
