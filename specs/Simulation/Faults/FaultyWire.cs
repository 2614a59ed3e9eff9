using System.Net;
using System.Net.Sockets;

namespace BankingEngine.Specs.Simulation;

/// <summary>The wire between one host and its store: forwards connections, and can be cut in every way.</summary>
public sealed class FaultyWire : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly EndPoint _store;
    private readonly Lock _gate = new();
    private readonly HashSet<Pair> _pairs = [];
    private TaskCompletionSource _towards = Done(), _back = Done();
    private bool _refuses;

    /// <param name="store">Where the store listens.</param>
    public FaultyWire(EndPoint store)
    {
        _store = store;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>All connections are reset, and new ones too, until <see cref="Mend"/>.</summary>
    public void Cut()
    {
        lock (_gate) _refuses = true;
        foreach (var pair in Pairs()) pair.Reset();
    }

    /// <summary>Nothing passes and nobody is told, until <see cref="Mend"/>: then what was on its way arrives.
    /// </summary>
    /// <param name="towardsStore">What the host says does not arrive.</param>
    /// <param name="back">What the store answers does not.</param>
    public void Hang(bool towardsStore, bool back)
    {
        lock (_gate)
        {
            if (towardsStore && _towards.Task.IsCompleted) _towards = Undone();
            if (back && _back.Task.IsCompleted) _back = Undone();
        }
    }

    /// <summary>One direction of every connection ends in order; the other goes on.</summary>
    public void HalfClose(bool towardsStore)
    {
        foreach (var pair in Pairs()) pair.EndOneWay(towardsStore);
    }

    public void Mend()
    {
        lock (_gate)
        {
            _refuses = false;
            _towards.TrySetResult();
            _back.TrySetResult();
        }
    }

    public void Dispose()
    {
        _listener.Stop();
        Cut();
        Mend();
    }

    private static TaskCompletionSource Done()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }

    private static TaskCompletionSource Undone() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task Flows(bool towardsStore)
    {
        lock (_gate) return towardsStore ? _towards.Task : _back.Task;
    }

    private Pair[] Pairs()
    {
        lock (_gate) return [.. _pairs];
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ForwardAsync(await _listener.AcceptSocketAsync().ConfigureAwait(false));
        }
        catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException)
        {
            // The wire is taken down.
        }
    }

    private async Task ForwardAsync(Socket host)
    {
        var store = new Socket(
            _store.AddressFamily, SocketType.Stream,
            _store.AddressFamily == AddressFamily.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        using var pair = new Pair(host, store);
        lock (_gate)
        {
            _pairs.Add(pair);
            if (_refuses) pair.Reset();
        }
        try
        {
            host.NoDelay = true;
            await Flows(towardsStore: true).ConfigureAwait(false);
            await store.ConnectAsync(_store).ConfigureAwait(false);
            if (store.ProtocolType == ProtocolType.Tcp) store.NoDelay = true;
            await Task.WhenAll(PumpAsync(host, store, towardsStore: true), PumpAsync(store, host, towardsStore: false))
                .ConfigureAwait(false);
        }
        catch (Exception broken) when (IsBroken(broken))
        {
            pair.Reset();
        }
        lock (_gate) _pairs.Remove(pair);
    }

    private async Task PumpAsync(Socket from, Socket to, bool towardsStore)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer).ConfigureAwait(false) is var read and > 0)
            {
                await Flows(towardsStore).ConfigureAwait(false);
                for (var sent = 0; sent < read;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent)).ConfigureAwait(false);
            }
            await Flows(towardsStore).ConfigureAwait(false);
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception broken) when (IsBroken(broken))
        {
            from.Close(0);
            to.Close(0);
        }
    }

    private static bool IsBroken(Exception exception) => exception is SocketException or ObjectDisposedException;

    private sealed class Pair(Socket host, Socket store) : IDisposable
    {
        public void Reset()
        {
            host.Close(0);
            store.Close(0);
        }

        public void EndOneWay(bool towardsStore)
        {
            try
            {
                (towardsStore ? store : host).Shutdown(SocketShutdown.Send);
            }
            catch (Exception gone) when (IsBroken(gone))
            {
                // It ended by itself.
            }
        }

        public void Dispose() => Reset();
    }
}
