using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace BankingEngine.Specs.Simulation;

/// <summary>A server of the EventStoreDB protocol in a process of its own, which can be killed under its hosts.
/// </summary>
internal sealed class EventStoreStore : StoreUnderTest
{
    private static readonly TimeSpan StartsWithin = TimeSpan.FromSeconds(60);

    private readonly string _streams;
    private readonly int _port = FreePort();
    private Process _server;
    private int _books;

    public EventStoreStore()
    {
        _streams = NewFolder("streams");
        _server = Start();
    }

    public override string Name => "eventstore";

    public override int MostHosts => 2;

    public override IReadOnlyList<StoreFault> Faults =>
    [
        new("the store killed and restarted", async (_, random) =>
        {
            Kill();
            await Task.Delay(random.Next(0, 1_500)).ConfigureAwait(false);
            _server = Start();
        }),
    ];

    public override StoreBook NewBook()
    {
        FaultyWire[] wires = [.. Enumerable.Range(0, MostHosts + 1)
            .Select(_ => new FaultyWire(new IPEndPoint(IPAddress.Loopback, _port)))];
        return new SharedStoreBook(this, wires, host => string.Create(
            CultureInfo.InvariantCulture, $"esdb://127.0.0.1:{(host is { } by ? wires[by].Port : _port)}?tls=false"),
            $"book{++_books}", keepsKeys: false);
    }

    protected override void Close() => Kill();

    private void Kill()
    {
        _server.Kill();
        _server.WaitForExit();
        _server.Dispose();
    }

    private Process Start()
    {
        var runsThis = Environment.ProcessPath;
        var start = new ProcessStartInfo(
            runsThis?.EndsWith("dotnet", StringComparison.Ordinal) == true ? runsThis : "dotnet")
        {
            ArgumentList =
            {
                typeof(EventStoreStore).Assembly.Location, "eventstore", "--port",
                _port.ToString(CultureInfo.InvariantCulture), "--folder", _streams,
            },
            RedirectStandardOutput = true,
        };
        var server = Process.Start(start)!;
        var listens = server.StandardOutput.ReadLineAsync();
        return listens.Wait(StartsWithin) && listens.Result is { } said
            && said.StartsWith("Listening on ", StringComparison.Ordinal)
            ? server
            : throw new InvalidOperationException($"The event store does not start: {listens.Result}");
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
