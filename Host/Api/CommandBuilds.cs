using BankingEngine.Application.Engine;
using BankingEngine.Domain;

namespace BankingEngine.Host.Api;

/// <summary>A command made from an object of its fields, those of its address among them.</summary>
/// <param name="Built">With a flaw where there is none.</param>
/// <param name="Print">Fingerprint of the fields.</param>
internal readonly record struct CommandBuilds(Built Built, UInt128 Print, bool Creates)
{
    /// <summary>Makes one command of a batch, a chain, or what was signed.</summary>
    /// <param name="command">Its wire name.</param>
    /// <param name="inBatch">Whether the object carries <c>id</c> and <c>command</c> besides its fields.</param>
    /// <param name="caller">Whose scopes are compared; null where a signature alone speaks: then the book judges.</param>
    public static CommandBuilds Of(
        ReadOnlySpan<byte> json, string? command, bool inBatch, bool inChain, Sealing sealing, Caller? caller)
    {
        if (command is null) return new Flaw(EdgeProblems.FieldMissing, "command");
        if (CommandCatalogue.Named(command) is not { } spec) return new Flaw(EdgeProblems.CommandUnknown, "command");

        // A reversal's legs are read from the journal, which does not hold what the chain itself is about to do.
        if (!spec.InBatch || (inChain && spec.Name == CommandCatalogue.Reversal))
            return new Flaw(EdgeProblems.NotInBatch, "command");
        var fields = CommandFields.Rent();
        try
        {
            fields.Begin(spec);
            if (fields.ReadBody(json, inBatch) is { } flaw) return flaw;
            var built = spec.Build(fields, sealing);
            if (built.Flaw is null && caller?.May(spec.Needs | Bank.NeededFor(built.Command!)) == false)
                return new Flaw(EdgeProblems.ScopeMissing);
            // What has to be asked of the book before is not answered by what the chain itself is about to do.
            if (inChain && built.Ask is not null) return new Flaw(EdgeProblems.NotInBatch, "command");
            return new(built, fields.Print(), spec.Creates);
        }
        finally
        {
            fields.Return();
        }
    }

    public static implicit operator CommandBuilds(Flaw flaw) => new(flaw, default, false);
}
