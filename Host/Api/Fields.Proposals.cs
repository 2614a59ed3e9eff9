using System.Collections.Immutable;
using System.Text.Json;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Host.Api.FieldValues;

namespace BankingEngine.Host.Api;

/// <summary>What commands about proposals and reviews say.</summary>
public static partial class Fields
{
    private const string
        Hash_ = """{"type":"string","pattern":"^[0-9a-f]{64}$"}""",
        Seconds_ = """{"type":"integer","minimum":0,"maximum":3888000}""",
        Command_ = """
            {"type":"object","required":["command","fields"],"additionalProperties":false,"properties":{
              "command":{"type":"string"},"fields":{"type":"object"} }}
            """;

    public static readonly Field
        As = Of("as", Level_,
            "Who speaks; default: what the API key stands for, or the one permission that it is signed under.",
            static (ref r, f) => Value(ref r, f, out f.Speaker)),
        Approval = Of("level", Level_, "Whose approval it is.",
            static (ref r, f) => Value(ref r, f, out f.Speaker)),
        Proposal = Of("proposal", Uuid_, "The proposal's id.", static (ref r, f) => Value(ref r, f, out f.Proposal)),
        Review = Of("review", Uuid_, "The review's id.", static (ref r, f) => Value(ref r, f, out f.Proposal)),
        Declared = Of("declared",
            $$$"""{"type":"array","minItems":1,"maxItems":16,"items":{{{Level_}}} }""",
            "The permissions that the commands are to run under, in ascending order.",
            static (ref r, f) => List(ref r, f, Proposals.MaxDeclared, out f.Declared)),
        Requested = Of("requested",
            $$$"""{"type":"array","minItems":1,"maxItems":64,"items":{{{Level_}}} }""",
            "Who is asked to approve, in ascending order.",
            static (ref r, f) => List(ref r, f, Proposals.MaxRequested, out f.Requested)),
        ProposedCommands = Of("commands",
            $$$"""{"type":"array","minItems":1,"maxItems":64,"items":{{{Command_}}} }""",
            "What is to happen, all or not at all.", static (ref r, f) => Element(ref r, JsonTokenType.StartArray, f)),
        OneCommand = Of("run", Command_, "What is to happen.",
            static (ref r, f) => Element(ref r, JsonTokenType.StartObject, f)),
        ProposalExpires = Of("expires", Instant_, "First instant at which it can no longer be executed; within 45 days.",
            static (ref r, f) => Value(ref r, f, out f.Expires)),
        ProposalDelay = Of("delay_seconds", Seconds_,
            "From the approval that first sufficed until it may be executed; default: 0.",
            static (ref r, f) => Integer(ref r, out f.ProposalDelay)),
        ApprovalSeconds = Of("approval_seconds", Seconds_,
            "For how long an approval counts; default: 604800, seven days.",
            static (ref r, f) => Integer(ref r, out f.ApprovalSeconds)),
        FourEyes = Of("four_eyes", """{"type":"boolean","default":false}""",
            "Whether the proposer may not approve; always so where the bank's own permissions are needed.",
            static (ref r, f) => Boolean(ref r, out f.FourEyes)),
        Hash = Of("hash", Hash_, "SHA-256 of the content that is meant.",
            static (ref r, f) => Value(ref r, f, out f.Hash)),
        Justified = Of("justified", """{"type":"boolean"}""", "What the reviewer found.",
            static (ref r, f) => Boolean(ref r, out f.Justified));

    private static EdgeProblem? Element(ref Utf8JsonReader reader, JsonTokenType kind, CommandFields into)
    {
        if (reader.TokenType != kind) return EdgeProblems.FieldMalformed;
        into.Proposed = JsonElement.ParseValue(ref reader);
        return null;
    }
}

public sealed partial class CommandFields
{
    // Fields, because the readers fill them by reference.
#pragma warning disable CA1051
    public Level Speaker;
    public CommandId Proposal;
    public ImmutableArray<Level> Declared, Requested;
    public JsonElement Proposed;
    public int ProposalDelay, ApprovalSeconds;
    public bool FourEyes, Justified;
    public Hash256 Hash;
#pragma warning restore CA1051

    private void BeginProposals()
    {
        (Speaker, Proposed, FourEyes) = (default, default, false);
        (ProposalDelay, ApprovalSeconds) = (0, Proposals.DefaultApprovalSeconds);
    }
}
