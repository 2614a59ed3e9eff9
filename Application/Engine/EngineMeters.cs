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
    private readonly Histogram<double> _blockTime;
    private readonly Action<Exception, string> _onFault;

    /// <param name="queueDepth">Read when the gauge is.</param>
    /// <param name="onFault">Told of every exception that a command met inside the engine.</param>
    public EngineMeters(Func<int> queueDepth, Action<Exception, string> onFault)
    {
        _onFault = onFault;
        _commands = _meter.CreateCounter<long>("bank.commands", "{command}", "Commands by kind and outcome.");
        _faults = _meter.CreateCounter<long>("bank.faults", "{fault}", "Commands that failed inside the engine.");
        _blockEvents = _meter.CreateHistogram<int>("bank.block.events", "{event}", "Events a block.");
        _blockTime = _meter.CreateHistogram<double>("bank.block.flush", "ms", "Sealing, writing and flushing a block.");
        _meter.CreateObservableGauge("bank.queue.depth", queueDepth, "{item}", "Work waiting for the writer.");
    }

    internal void Command(string named, in Ended ended)
    {
        if (!_commands.Enabled) return;
        _commands.Add(1, new("command", named), new("outcome", ended.Rejection?.Code ?? ended.Ending.ToString()));
    }

    internal void Fault(Exception fault, string named)
    {
        _faults.Add(1, new KeyValuePair<string, object?>("command", named));
        _onFault(fault, named);
    }

    internal void Block(int events, double milliseconds)
    {
        _blockEvents.Record(events);
        _blockTime.Record(milliseconds);
    }

    public void Dispose() => _meter.Dispose();
}
