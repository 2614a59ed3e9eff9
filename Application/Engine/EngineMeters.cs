using System.Diagnostics.Metrics;
using BankingEngine.Domain;

namespace BankingEngine.Application.Engine;

/// <summary>What the engine tells of itself: counters and histograms under the meter <c>BankingEngine</c>.</summary>
public sealed class EngineMeters : IDisposable
{
    public const string MeterName = "BankingEngine";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _commands;
    private readonly Counter<long> _faults;
    private readonly Histogram<int> _blockEvents;
    private readonly Histogram<int> _blockBytes;
    private readonly Histogram<double> _sealTime;
    private readonly Histogram<double> _flushTime;
    private readonly Action<Exception, string> _onFault;

    /// <param name="queueDepth">Read when the gauge is.</param>
    /// <param name="position">The last durable position; read when its counter is.</param>
    /// <param name="onFault">Told of every exception that a command met inside the engine.</param>
    public EngineMeters(Func<int> queueDepth, Func<long> position, Action<Exception, string> onFault)
    {
        _onFault = onFault;
        _commands = _meter.CreateCounter<long>("bank.commands", "{command}", "Commands by kind and outcome.");
        _faults = _meter.CreateCounter<long>("bank.faults", "{fault}", "Commands that failed inside the engine.");
        _blockEvents = _meter.CreateHistogram<int>("bank.block.events", "{event}", "Events a block.");
        _blockBytes = _meter.CreateHistogram<int>("bank.block.bytes", "By", "Bytes of event lines a block.");
        _sealTime = _meter.CreateHistogram<double>("bank.block.seal", "ms", "Hashing a block's events and its root.");
        _flushTime = _meter.CreateHistogram<double>("bank.block.flush", "ms", "Writing a block and making it durable.");
        _meter.CreateObservableGauge("bank.queue.depth", queueDepth, "{item}", "Work waiting for the writer.");
        _meter.CreateObservableCounter("bank.position", position, "{event}", "The last durable position.");
    }

    /// <summary>How a command ended: <c>accepted</c>, <c>repeated</c>, <c>faulted</c>, or the rejection's code.</summary>
    public static string OutcomeOf(in Ended ended) => ended.Rejection?.Code ?? ended.Ending switch
    {
        Ending.Accepted => "accepted",
        Ending.Repeated => "repeated",
        Ending.Faulted => "faulted",
        _ => "refused",
    };

    internal void Command(string named, in Ended ended)
    {
        if (!_commands.Enabled) return;
        _commands.Add(1, new("command", named), new("outcome", OutcomeOf(ended)));
    }

    internal void Fault(Exception fault, string named)
    {
        _faults.Add(1, new KeyValuePair<string, object?>("command", named));
        _onFault(fault, named);
    }

    internal void Block(int events, int bytes, double sealMilliseconds, double flushMilliseconds)
    {
        _blockEvents.Record(events);
        _blockBytes.Record(bytes);
        _sealTime.Record(sealMilliseconds);
        _flushTime.Record(flushMilliseconds);
    }

    public void Dispose() => _meter.Dispose();
}
