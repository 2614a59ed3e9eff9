using System.Buffers.Text;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Domain.Webhooks;

namespace BankingEngine.Application.Journal;

/// <summary>
/// The generated JSON of every event. Snake case, absent where default, kernel values as text. The hand-written codec
/// of the hot events writes the same bytes; a property spec holds the two together.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    Converters =
    [
        typeof(TextConverter<AccountId>), typeof(TextConverter<AssetCode>), typeof(TextConverter<TransferId>),
        typeof(TextConverter<CommandId>), typeof(TextConverter<SigningKey>), typeof(TextConverter<Level>), typeof(TextConverter<Counterparty>), typeof(TextConverter<Hash256>), typeof(TextConverter<Rate>), typeof(TextConverter<Instant>), typeof(TextConverter<BusinessDate>),
        typeof(TagConverter), typeof(AmountConverter), typeof(AssetConverter), typeof(RestraintIdConverter),
        typeof(HexConverter), typeof(MetadataConverter), typeof(FlagsConverter<AccountFlags>), typeof(FlagsConverter<Scopes>),
        typeof(NameConverter<AccountClass>), typeof(NameConverter<RestraintScope>), typeof(NameConverter<BookMode>),
        typeof(NameConverter<RejectionKind>), typeof(NameConverter<Side>), typeof(ReferenceContentConverter),
        typeof(TextConverter<PartyId>), typeof(NameConverter<PartyKind>), typeof(NameConverter<Standing>),
        typeof(NameConverter<RoleKind>), typeof(NameConverter<HolderMode>), typeof(NameConverter<IdentifierKind>),
        typeof(NameConverter<StatementDates>), typeof(NameConverter<StatementFormat>),
    ])]
[JsonSerializable(typeof(TransferEvent.Made), TypeInfoPropertyName = "TransferMade")]
[JsonSerializable(typeof(TransferEvent.Imported), TypeInfoPropertyName = "TransferImported")]
[JsonSerializable(typeof(TransferEvent.Reserved), TypeInfoPropertyName = "TransferReserved")]
[JsonSerializable(typeof(TransferEvent.Posted), TypeInfoPropertyName = "TransferPosted")]
[JsonSerializable(typeof(TransferEvent.Cancelled), TypeInfoPropertyName = "TransferCancelled")]
[JsonSerializable(typeof(TransferEvent.Expired), TypeInfoPropertyName = "TransferExpired")]
[JsonSerializable(typeof(TransferEvent.Reversed), TypeInfoPropertyName = "TransferReversed")]
[JsonSerializable(typeof(EntryEvent.Posted), TypeInfoPropertyName = "EntryPosted")]
[JsonSerializable(typeof(EntryEvent.Adjusted), TypeInfoPropertyName = "EntryAdjusted")]
[JsonSerializable(typeof(EntryEvent.Exchanged), TypeInfoPropertyName = "EntryExchanged")]
[JsonSerializable(typeof(EntryEvent.YearCarried), TypeInfoPropertyName = "EntryYearCarried")]
[JsonSerializable(typeof(AssetEvent.Registered), TypeInfoPropertyName = "AssetRegistered")]
[JsonSerializable(typeof(AssetEvent.Retired), TypeInfoPropertyName = "AssetRetired")]
[JsonSerializable(typeof(AccountEvent.Opened), TypeInfoPropertyName = "AccountOpened")]
[JsonSerializable(typeof(AccountEvent.AssetAdded), TypeInfoPropertyName = "AccountAssetAdded")]
[JsonSerializable(typeof(AccountEvent.LimitsSet), TypeInfoPropertyName = "AccountLimitsSet")]
[JsonSerializable(typeof(AccountEvent.OverdraftGranted), TypeInfoPropertyName = "AccountOverdraftGranted")]
[JsonSerializable(typeof(AccountEvent.Closed), TypeInfoPropertyName = "AccountClosed")]
[JsonSerializable(typeof(AccountEvent.Reopened), TypeInfoPropertyName = "AccountReopened")]
[JsonSerializable(typeof(RestraintEvent.Placed), TypeInfoPropertyName = "RestraintPlaced")]
[JsonSerializable(typeof(RestraintEvent.Lifted), TypeInfoPropertyName = "RestraintLifted")]
[JsonSerializable(typeof(RestraintEvent.Lapsed), TypeInfoPropertyName = "RestraintLapsed")]
[JsonSerializable(typeof(RestraintEvent.Seized), TypeInfoPropertyName = "RestraintSeized")]
[JsonSerializable(typeof(BookEvent.Opened), TypeInfoPropertyName = "BookOpened")]
[JsonSerializable(typeof(BookEvent.DayAdvanced), TypeInfoPropertyName = "BookDayAdvanced")]
[JsonSerializable(typeof(BookEvent.PeriodClosedSoftly), TypeInfoPropertyName = "BookPeriodClosedSoftly")]
[JsonSerializable(typeof(BookEvent.PeriodReopened), TypeInfoPropertyName = "BookPeriodReopened")]
[JsonSerializable(typeof(BookEvent.PeriodClosed), TypeInfoPropertyName = "BookPeriodClosed")]
[JsonSerializable(typeof(BookEvent.YearClosing), TypeInfoPropertyName = "BookYearClosing")]
[JsonSerializable(typeof(BookEvent.YearClosed), TypeInfoPropertyName = "BookYearClosed")]
[JsonSerializable(typeof(BookEvent.ClockAdvanced), TypeInfoPropertyName = "BookClockAdvanced")]
[JsonSerializable(typeof(BookEvent.ClockAccepted), TypeInfoPropertyName = "BookClockAccepted")]
[JsonSerializable(typeof(BookEvent.CheckpointKeyAnnounced), TypeInfoPropertyName = "BookCheckpointKeyAnnounced")]
[JsonSerializable(typeof(BookEvent.TimerParked), TypeInfoPropertyName = "BookTimerParked")]
[JsonSerializable(typeof(BookEvent.Led), TypeInfoPropertyName = "BookLed")]
[JsonSerializable(typeof(WebhookEvent.Subscribed), TypeInfoPropertyName = "WebhookSubscribed")]
[JsonSerializable(typeof(WebhookEvent.SecretRotated), TypeInfoPropertyName = "WebhookSecretRotated")]
[JsonSerializable(typeof(WebhookEvent.Replayed), TypeInfoPropertyName = "WebhookReplayed")]
[JsonSerializable(typeof(WebhookEvent.Disabled), TypeInfoPropertyName = "WebhookDisabled")]
[JsonSerializable(typeof(WebhookEvent.Enabled), TypeInfoPropertyName = "WebhookEnabled")]
[JsonSerializable(typeof(WebhookEvent.Removed), TypeInfoPropertyName = "WebhookRemoved")]
[JsonSerializable(typeof(ReferenceEvent.Published), TypeInfoPropertyName = "ReferencePublished")]
[JsonSerializable(typeof(ReferenceContent.Chart), TypeInfoPropertyName = "ReferenceChart")]
[JsonSerializable(typeof(ReferenceContent.Calendar), TypeInfoPropertyName = "ReferenceCalendar")]
[JsonSerializable(typeof(ReferenceContent.Zone), TypeInfoPropertyName = "ReferenceZone")]
[JsonSerializable(typeof(ReferenceContent.WalletRule), TypeInfoPropertyName = "ReferenceWalletRule")]
[JsonSerializable(typeof(ReferenceContent.Document), TypeInfoPropertyName = "ReferenceDocument")]
[JsonSerializable(typeof(ReferenceContent.PriceSet), TypeInfoPropertyName = "ReferencePriceSet")]
[JsonSerializable(typeof(KeyEvent.Issued), TypeInfoPropertyName = "KeyIssued")]
[JsonSerializable(typeof(KeyEvent.Revoked), TypeInfoPropertyName = "KeyRevoked")]
[JsonSerializable(typeof(PermissionEvent.Created), TypeInfoPropertyName = "PermissionsCreated")]
[JsonSerializable(typeof(PermissionEvent.Set), TypeInfoPropertyName = "PermissionSet")]
[JsonSerializable(typeof(PermissionEvent.Removed), TypeInfoPropertyName = "PermissionRemoved")]
[JsonSerializable(typeof(PermissionEvent.Linked), TypeInfoPropertyName = "PermissionLinked")]
[JsonSerializable(typeof(PermissionEvent.Unlinked), TypeInfoPropertyName = "PermissionUnlinked")]
[JsonSerializable(typeof(PermissionEvent.ChangesLimited), TypeInfoPropertyName = "PermissionsChangesLimited")]
[JsonSerializable(typeof(PermissionEvent.KeyBound), TypeInfoPropertyName = "KeyBound")]
[JsonSerializable(typeof(SpendingEvent.LimitSet), TypeInfoPropertyName = "SpendingLimitSet")]
[JsonSerializable(typeof(SpendingEvent.LimitRemoved), TypeInfoPropertyName = "SpendingLimitRemoved")]
[JsonSerializable(typeof(SpendingEvent.Spent), TypeInfoPropertyName = "SpendingSpent")]
[JsonSerializable(typeof(WalletEvent.Opened), TypeInfoPropertyName = "WalletOpened")]
[JsonSerializable(typeof(WalletEvent.VerificationRequested), TypeInfoPropertyName = "WalletVerificationRequested")]
[JsonSerializable(typeof(WalletEvent.Closed), TypeInfoPropertyName = "WalletClosed")]
[JsonSerializable(typeof(RecoveryEvent.Allowed), TypeInfoPropertyName = "RecoveryAllowed")]
[JsonSerializable(typeof(RecoveryEvent.Started), TypeInfoPropertyName = "RecoveryStarted")]
[JsonSerializable(typeof(RecoveryEvent.Vetoed), TypeInfoPropertyName = "RecoveryVetoed")]
[JsonSerializable(typeof(RecoveryEvent.Completed), TypeInfoPropertyName = "RecoveryCompleted")]
[JsonSerializable(typeof(ProposalEvent.Made), TypeInfoPropertyName = "ProposalMade")]
[JsonSerializable(typeof(ProposalEvent.Approved), TypeInfoPropertyName = "ProposalApproved")]
[JsonSerializable(typeof(ProposalEvent.ApprovalWithdrawn), TypeInfoPropertyName = "ProposalApprovalWithdrawn")]
[JsonSerializable(typeof(ProposalEvent.Cancelled), TypeInfoPropertyName = "ProposalCancelled")]
[JsonSerializable(typeof(ProposalEvent.Executed), TypeInfoPropertyName = "ProposalExecuted")]
[JsonSerializable(typeof(ProposalEvent.Expired), TypeInfoPropertyName = "ProposalExpired")]
[JsonSerializable(typeof(ProposalEvent.ApprovalsInvalidated), TypeInfoPropertyName = "ApprovalsInvalidated")]
[JsonSerializable(typeof(ReviewEvent.Used), TypeInfoPropertyName = "BreakGlassUsed")]
[JsonSerializable(typeof(ReviewEvent.Closed), TypeInfoPropertyName = "ReviewClosed")]
[JsonSerializable(typeof(ReviewEvent.Overdue), TypeInfoPropertyName = "ReviewOverdue")]
[JsonSerializable(typeof(CommandEvent.Refused), TypeInfoPropertyName = "CommandRefused")]
[JsonSerializable(typeof(CommandEvent.Faulted), TypeInfoPropertyName = "CommandFaulted")]
[JsonSerializable(typeof(PartyEvent.Registered), TypeInfoPropertyName = "PartyRegistered")]
[JsonSerializable(typeof(PartyEvent.StandingSet), TypeInfoPropertyName = "PartyStandingSet")]
[JsonSerializable(typeof(PartyEvent.ActorSet), TypeInfoPropertyName = "PartyActorSet")]
[JsonSerializable(typeof(PartyEvent.Died), TypeInfoPropertyName = "PartyDied")]
[JsonSerializable(typeof(PartyEvent.Incapacitated), TypeInfoPropertyName = "PartyIncapacitated")]
[JsonSerializable(typeof(PartyEvent.IncapacityLifted), TypeInfoPropertyName = "PartyIncapacityLifted")]
[JsonSerializable(typeof(RoleEvent.HoldersSet), TypeInfoPropertyName = "RoleHoldersSet")]
[JsonSerializable(typeof(RoleEvent.Granted), TypeInfoPropertyName = "RoleGranted")]
[JsonSerializable(typeof(RoleEvent.Revoked), TypeInfoPropertyName = "RoleRevoked")]
[JsonSerializable(typeof(IdentifierEvent.Added), TypeInfoPropertyName = "IdentifierAdded")]
[JsonSerializable(typeof(IdentifierEvent.Ended), TypeInfoPropertyName = "IdentifierEnded")]
[JsonSerializable(typeof(AccessEvent.Recorded), TypeInfoPropertyName = "AccessRecorded")]
[JsonSerializable(typeof(StatementEvent.Issued), TypeInfoPropertyName = "StatementIssued")]
[JsonSerializable(typeof(Particulars))]
[JsonSerializable(typeof(Leg[]))]
public sealed partial class EventJson : JsonSerializerContext
{
    /// <summary>How event lines are written: compact, non-ASCII as it is, so that a line reads as it was said.</summary>
    public static JsonWriterOptions Line { get; } =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
}

/// <summary>A kernel value as its one text form.</summary>
public sealed class TextConverter<T> : JsonConverter<T> where T : struct, IUtf8Text<T>
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        Span<byte> text = stackalloc byte[128];
        if (reader.TokenType != JsonTokenType.String || reader.ValueSpan.Length > text.Length || reader.HasValueSequence)
            throw new JsonException($"Not a {typeof(T).Name}.");
        var length = reader.CopyString(text);
        return T.TryParse(text[..length], out var value) ? value : throw new JsonException($"Not a {typeof(T).Name}.");
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        Span<byte> text = stackalloc byte[128];
        value.TryFormat(text, out var length);
        writer.WriteStringValue(text[..length]);
    }
}

public sealed class TagConverter : JsonConverter<Tag>
{
    public override Tag Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Tag.TryParse(reader.ValueSpan, out var tag)
            ? tag
            : throw new JsonException("Not a code of 1 to 16 lower-case characters.");

    public override void Write(Utf8JsonWriter writer, Tag value, JsonSerializerOptions options)
    {
        Span<byte> text = stackalloc byte[Tag.MaxLength];
        writer.WriteStringValue(text[..value.CopyTo(text)]);
    }
}

public sealed class AssetConverter : JsonConverter<Asset>
{
    public override Asset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.GetString() ?? "";
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && AssetCode.TryParse(text.AsSpan(0, slash), out var code)
            && byte.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var scale) && scale <= Asset.MaxScale
            ? new(code, scale)
            : throw new JsonException("Not an asset of the form CODE/scale.");
    }

    public override void Write(Utf8JsonWriter writer, Asset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

/// <summary><c>{"asset":"USD","amount":"12.34"}</c>, with exactly the asset's decimals.</summary>
public sealed class AmountConverter : JsonConverter<Amount>
{
    public override Amount Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        EventLine.ReadAmount(ref reader);

    public override void Write(Utf8JsonWriter writer, Amount value, JsonSerializerOptions options) =>
        EventLine.WriteAmount(writer, value);
}

public sealed class RestraintIdConverter : JsonConverter<RestraintId>
{
    public override RestraintId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && TransferId.TryParse(reader.ValueSpan, out var id)
            ? new(id.Value)
            : throw new JsonException("Not a UUID.");

    public override void Write(Utf8JsonWriter writer, RestraintId value, JsonSerializerOptions options)
    {
        Span<byte> text = stackalloc byte[36];
        new TransferId(value.Value).TryFormat(text, out var length);
        writer.WriteStringValue(text[..length]);
    }
}

/// <summary>128 bits as 32 lower-case hexadecimal digits.</summary>
public sealed class HexConverter : JsonConverter<UInt128>
{
    public override UInt128 Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && TryParse(reader.ValueSpan, out var value)
            ? value
            : throw new JsonException("Not 32 hexadecimal digits.");

    public override void Write(Utf8JsonWriter writer, UInt128 value, JsonSerializerOptions options)
    {
        Span<byte> text = stackalloc byte[32];
        Format(value, text);
        writer.WriteStringValue(text);
    }

    public static void Format(UInt128 value, Span<byte> text)
    {
        Utf8Formatter.TryFormat((ulong)(value >> 64), text, out _, new('x', 16));
        Utf8Formatter.TryFormat(unchecked((ulong)value), text[16..], out _, new('x', 16));
    }

    public static bool TryParse(ReadOnlySpan<byte> text, out UInt128 value)
    {
        value = default;
        if (text.Length != 32 || !Utf8Parser.TryParse(text[..16], out ulong high, out var used, 'x') || used != 16
            || !Utf8Parser.TryParse(text[16..], out ulong low, out used, 'x') || used != 16) return false;
        value = new(high, low);
        return true;
    }
}

/// <summary>Metadata as the object it is.</summary>
public sealed class MetadataConverter : JsonConverter<Metadata>
{
    public override Metadata Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Take(ref reader);

    public override void Write(Utf8JsonWriter writer, Metadata value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value.Json, skipInputValidation: true);

    /// <summary>Reads the object that comes next.</summary>
    public static Metadata Raw(ref Utf8JsonReader reader)
    {
        reader.Read();
        return Take(ref reader);
    }

    private static Metadata Take(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("Metadata are an object.");
        using var document = JsonDocument.ParseValue(ref reader);
        return new(document.RootElement.GetRawText());
    }
}

/// <summary>An enumeration by the snake-case name of its member.</summary>
public sealed class NameConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;

/// <summary>A set of flags as an array of names.</summary>
public sealed class FlagsConverter<T> : JsonConverter<T> where T : struct, Enum
{
    private static readonly (T Flag, string Name)[] Names =
        [.. Enum.GetValues<T>().Where(f => ulong.IsPow2(Bits(f)))
            .Select(f => (f, JsonNamingPolicy.SnakeCaseLower.ConvertName(f.ToString())))];

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw new JsonException("Not an array of names.");
        var bits = 0UL;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (!TryName(reader.GetString(), out var flag)) throw new JsonException($"Not a known {typeof(T).Name}.");
            bits |= Bits(flag);
        }
        return (T)Enum.ToObject(typeof(T), bits);
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var (flag, name) in Names)
        {
            if ((Bits(value) & Bits(flag)) != 0) writer.WriteStringValue(name);
        }
        writer.WriteEndArray();
    }

    private static bool TryName(string? name, out T flag)
    {
        foreach (var known in Names)
        {
            if (known.Name != name) continue;
            flag = known.Flag;
            return true;
        }
        flag = default;
        return false;
    }

    private static ulong Bits(T value) => Convert.ToUInt64(value, CultureInfo.InvariantCulture);
}

/// <summary>Reference content under the name of its kind: <c>{"chart":{…}}</c>.</summary>
public sealed class ReferenceContentConverter : JsonConverter<ReferenceContent>
{
    public override ReferenceContent Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject || !reader.Read()) throw new JsonException("Not reference content.");
        var kind = reader.GetString();
        reader.Read();
        ReferenceContent? content = kind switch
        {
            "chart" => JsonSerializer.Deserialize(ref reader, EventJson.Default.ReferenceChart),
            "calendar" => JsonSerializer.Deserialize(ref reader, EventJson.Default.ReferenceCalendar),
            "zone" => JsonSerializer.Deserialize(ref reader, EventJson.Default.ReferenceZone),
            "wallet_rule" => JsonSerializer.Deserialize(ref reader, EventJson.Default.ReferenceWalletRule),
            "document" => JsonSerializer.Deserialize(ref reader, EventJson.Default.ReferenceDocument),
            "price_set" => JsonSerializer.Deserialize(ref reader, EventJson.Default.ReferencePriceSet),
            _ => null,
        };
        if (content is null || !reader.Read() || reader.TokenType != JsonTokenType.EndObject)
            throw new JsonException("Reference content is one of chart, calendar, zone, wallet_rule, price_set, document.");
        return content;
    }

    public override void Write(Utf8JsonWriter writer, ReferenceContent value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        switch (value)
        {
            case ReferenceContent.Chart c: Write("chart", c, EventJson.Default.ReferenceChart); break;
            case ReferenceContent.Calendar c: Write("calendar", c, EventJson.Default.ReferenceCalendar); break;
            case ReferenceContent.Zone z: Write("zone", z, EventJson.Default.ReferenceZone); break;
            case ReferenceContent.WalletRule w: Write("wallet_rule", w, EventJson.Default.ReferenceWalletRule); break;
            case ReferenceContent.Document d: Write("document", d, EventJson.Default.ReferenceDocument); break;
            case ReferenceContent.PriceSet s: Write("price_set", s, EventJson.Default.ReferencePriceSet); break;
            default: throw new System.Diagnostics.UnreachableException(value.GetType().Name);
        }
        writer.WriteEndObject();

        void Write<T>(string kind, T content, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> info)
        {
            writer.WritePropertyName(kind);
            JsonSerializer.Serialize(writer, content, info);
        }
    }
}
