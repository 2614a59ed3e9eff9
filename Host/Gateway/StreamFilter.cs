using System.Diagnostics;
using System.Text.RegularExpressions;
using BankingEngine.Host.Grpc;
using FilterOptions = BankingEngine.Host.Grpc.EventStore.ReadReq.Types.Options.Types.FilterOptions;

namespace BankingEngine.Host.Gateway;

/// <summary>Which events of <c>$all</c> a reader wants, by stream or by type, by beginning or by pattern. Of one call;
/// not for use by two threads at once.</summary>
/// <remarks>
/// Patterns are matched in time linear in what is matched, but for those that look around or back: of these one match
/// and all of a call have a bound. Types and streams are few and each is matched once, so nobody who means well comes
/// near it.
/// </remarks>
public sealed class StreamFilter
{
    public const int MaxPatternLength = 512, MaxPrefixes = 64, MaxPrefixLength = 256;

    /// <summary>Events that are looked through for one step of a reader's checkpoints where he names no number: as the
    /// real server reads them.</summary>
    public const uint DefaultWindow = 32;

    /// <summary>Longest that one match takes.</summary>
    public static readonly TimeSpan MatchTimeout = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest that all matches of a call take together.</summary>
    public static readonly TimeSpan MatchBudget = TimeSpan.FromSeconds(1);

    /// <summary>Most events between two checkpoints that a reader may ask for.</summary>
    private const ulong MaxCheckpointInterval = int.MaxValue;

    /// <summary>Texts whose match is remembered: more than a book has types.</summary>
    private const int MaxRemembered = 1_024;

    private readonly bool _byType;
    private readonly Regex? _pattern;
    private readonly string[] _prefixes;
    private readonly Dictionary<string, bool> _matched = new(StringComparer.Ordinal);
    private TimeSpan _spent;

    private StreamFilter(bool byType, Regex? pattern, string[] prefixes, long interval) =>
        (_byType, _pattern, _prefixes, CheckpointInterval) = (byType, pattern, prefixes, interval);

    /// <summary>Events considered between two checkpoints of a subscription; 0 for a read, which has none.</summary>
    public long CheckpointInterval { get; }

    /// <param name="follows">Whether it is a subscription's, which needs to know how often checkpoints are sent.</param>
    /// <exception cref="GrpcException">InvalidArgument: the filter makes no sense, or is out of bounds.</exception>
    public static StreamFilter Of(FilterOptions options, bool follows)
    {
        ArgumentNullException.ThrowIfNull(options);
        var byType = options.FilterCase == FilterOptions.FilterOneofCase.EventType;
        var expression = byType ? options.EventType : options.StreamIdentifier;
        if (expression is null) throw Wrong("A filter is by stream or by event type.");
        if (follows && options.CheckpointIntervalMultiplier == 0)
            throw Wrong("The checkpoint interval multiplier of a subscription is 1 or more.");
        var window = options is { WindowCase: FilterOptions.WindowOneofCase.Max, Max: > 0 } ? options.Max : DefaultWindow;
        var interval = (long)Math.Min(MaxCheckpointInterval, (ulong)window * options.CheckpointIntervalMultiplier);
        if (expression.Regex.Length > 0) return new(byType, PatternOf(expression.Regex), [], interval);
        if (expression.Prefix.Count > MaxPrefixes || expression.Prefix.Any(prefix => prefix.Length > MaxPrefixLength))
            throw Wrong($"A filter has at most {MaxPrefixes} prefixes of at most {MaxPrefixLength} characters.");
        return new(byType, null, [.. expression.Prefix], interval);
    }

    /// <exception cref="GrpcException">InvalidArgument: the pattern takes too long.</exception>
    public bool Takes(IStreamEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var text = _byType ? entry.Type : entry.Stream;
        if (_pattern is null)
            return _prefixes.Length == 0 || Array.Exists(_prefixes, p => text.StartsWith(p, StringComparison.Ordinal));
        if (_matched.TryGetValue(text, out var known)) return known;
        var isMatch = Match(_pattern, text);
        if (_matched.Count == MaxRemembered) _matched.Clear();
        _matched[text] = isMatch;
        return isMatch;
    }

    private bool Match(Regex pattern, string text)
    {
        var begun = Stopwatch.GetTimestamp();
        try
        {
            var isMatch = pattern.IsMatch(text);
            _spent += Stopwatch.GetElapsedTime(begun);
            if (_spent <= MatchBudget || pattern.Options.HasFlag(RegexOptions.NonBacktracking)) return isMatch;
        }
        catch (RegexMatchTimeoutException)
        {
            // As is said below.
        }
        throw Wrong("The filter's pattern takes too long.");
    }

    private static Regex PatternOf(string text)
    {
        const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;
        if (text.Length > MaxPatternLength) throw Wrong($"A pattern has at most {MaxPatternLength} characters.");
        try
        {
            return new(text, Linear, MatchTimeout);
        }
        catch (NotSupportedException)
        {
            // It looks around or back, or would become too large.
            return new(text, Linear & ~RegexOptions.NonBacktracking, MatchTimeout);
        }
        catch (ArgumentException none)
        {
            throw Wrong($"The pattern is none: {none.Message}");
        }
    }

    private static GrpcException Wrong(string why) => new(GrpcCode.InvalidArgument, why);
}
