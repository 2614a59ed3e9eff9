using System.CommandLine;
using System.CommandLine.Parsing;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Cli;

/// <summary>An option whose value is the address of a store, with a password perhaps. No other option takes one.</summary>
internal sealed class AddressOption(string name) : Option<string?>(name);

/// <summary>Keeps a password that stands in a command line out of what the program says.</summary>
internal static class Secrets
{
    private const string Rest = "…";

    private static readonly char[] Cuts = [':', '='];

    /// <summary>What the parser says, with arguments that may be addresses, or parts of one that a blank cut off, shown
    /// by how they begin.</summary>
    public static string Mask(string said, string[] arguments)
    {
        var isAddressed = arguments.Any(argument => ValuesOf(argument).Any(JournalAddress.IsLike));
        // The longest first: a shorter one may be a part of it.
        foreach (var value in arguments.SelectMany(ValuesOf).Distinct().OrderByDescending(value => value.Length))
        {
            var shown = Shown(value, isAddressed);
            if (shown != value) said = said.Replace($"'{value}'", $"'{shown}'", StringComparison.Ordinal);
        }
        return said;
    }

    /// <summary>An option that was given the address of a store and does not take one; null: there is none.</summary>
    public static Option? Misplaced(ParseResult parsed)
    {
        for (SymbolResult? at = parsed.CommandResult; at is CommandResult command; at = at.Parent)
        {
            foreach (var option in command.Children.OfType<OptionResult>())
            {
                if (option.Option is not AddressOption && option.Tokens.Any(token => JournalAddress.IsLike(token.Value)))
                    return option.Option;
            }
        }
        return null;
    }

    /// <summary>An argument, and what stands in it behind an option's name.</summary>
    private static IEnumerable<string> ValuesOf(string argument)
    {
        yield return argument;
        var cut = argument.StartsWith('-') ? argument.IndexOfAny(Cuts) : -1;
        if (cut > 0) yield return argument[(cut + 1)..];
    }

    private static string Shown(string value, bool isAddressed)
    {
        var cut = value.IndexOfAny(Cuts);
        if (cut >= 0) return value[..(cut + 1)] + Rest;
        return isAddressed && !value.StartsWith('-') ? Rest : value;
    }
}
