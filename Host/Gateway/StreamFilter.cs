using System.Text.RegularExpressions;
using BankingEngine.Host.Grpc;
using FilterOptions = BankingEngine.Host.Grpc.EventStore.ReadReq.Types.Options.Types.FilterOptions;

namespace BankingEngine.Host.Gateway;

/// <summary>Which events of <c>$all</c> a reader wants, by stream or by type, by beginning or by pattern.</summary>
/// <remarks>Patterns are matched in time linear in what is matched: none can hold the host up.</remarks>
public sealed class StreamFilter
{
    public const int MaxPatternLength = 512, MaxPrefixes = 64, MaxPrefixLength = 256;

    /// <summary>Longest that one match takes.</summary>
    public static readonly TimeSpan MatchTimeout = TimeSpan.FromMilliseconds(100);

    /// <summary>Most events between two checkpoints that a reader may ask for.</summary>
    private const ulong MaxCheckpointInterval = int.MaxValue;

    private readonly bool _byType;
    private readonly Regex? _pattern;
    private readonly string[] _prefixes;

    private StreamFilter(bool byType, Regex? pattern, string[] prefixes, long interval) =>
        (_byType, _pattern, _prefixes, CheckpointInterval) = (byType, pattern, prefixes, interval);

    /// <summary>Events considered between two checkpoints of a subscription, 1 or more.</summary>
    public long CheckpointInterval { get; }

    /// <exception cref="GrpcException">InvalidArgument: the filter makes no sense, or is out of bounds.</exception>
    public static StreamFilter Of(FilterOptions options, bool follows)
    {
        ArgumentNullException.ThrowIfNull(options);
        var byType = options.FilterCase == FilterOptions.FilterOneofCase.EventType;
        var expression = byType ? options.EventType : options.StreamIdentifier;
        if (expression is null) throw Wrong("A filter is by stream or by event type.");
        if (options.CheckpointIntervalMultiplier == 0) throw Wrong("The checkpoint interval multiplier is 1 or more.");
        var window = options.WindowCase == FilterOptions.WindowOneofCase.Max ? Math.Max(1, options.Max) : 1;
        var interval = (long)Math.Min(MaxCheckpointInterval, (ulong)window * options.CheckpointIntervalMultiplier);
        if (expression.Regex.Length > 0) return new(byType, PatternOf(expression.Regex), [], interval);
        if (expression.Prefix.Count > MaxPrefixes || expression.Prefix.Any(prefix => prefix.Length > MaxPrefixLength))
            throw Wrong($"A filter has at most {MaxPrefixes} prefixes of at most {MaxPrefixLength} characters.");
        return new(byType, null, [.. expression.Prefix], interval);
    }

    /// <exception cref="GrpcException">The pattern takes too long.</exception>
    public bool Takes(IStreamEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var text = _byType ? entry.Type : entry.Stream;
        if (_pattern is null)
            return _prefixes.Length == 0 || Array.Exists(_prefixes, p => text.StartsWith(p, StringComparison.Ordinal));
        try
        {
            return _pattern.IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new GrpcException(GrpcCode.ResourceExhausted, "The filter's pattern takes too long.");
        }
    }

    private static Regex PatternOf(string text)
    {
        if (text.Length > MaxPatternLength) throw Wrong($"A pattern has at most {MaxPatternLength} characters.");
        try
        {
            return new(text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, MatchTimeout);
        }
        catch (Exception wrong) when (wrong is ArgumentException or NotSupportedException)
        {
            throw Wrong("The pattern is none, or looks around or back, which is not taken.");
        }
    }

    private static GrpcException Wrong(string why) => new(GrpcCode.InvalidArgument, why);
}
