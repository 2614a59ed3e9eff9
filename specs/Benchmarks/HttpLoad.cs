using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace BankingEngine.Benchmarks;

/// <summary>What a load is made of.</summary>
/// <param name="Rate">Requests a second, sent whether or not earlier ones were answered (open loop); 0: closed loop.</param>
/// <param name="Hot">Every debit from one account.</param>
/// <param name="Batch">Transfers a request; 1 is a single transfer.</param>
public sealed record LoadPlan(int Port, string Token, int Accounts, int Connections, int Seconds, int Rate, bool Hot, int Batch);

/// <summary>What a load found. Times in milliseconds, of requests begun after the warm-up.</summary>
public sealed record LoadResult(double PerSecond, double P50, double P99, double P999, double Max, long Refused, long Unsent);

/// <summary>
/// A load generator over raw sockets, run in a process of its own: request bytes are patched in place and answers only
/// measured, so that it takes as little as it can of the cores it shares with the server. Open-loop times count from
/// the instant a request was due, so a stall of the server is not hidden by the callers it holds up.
/// </summary>
public sealed class HttpLoad
{
    private const int WarmUpSeconds = 4;
    private readonly LoadPlan _plan;
    private readonly Connection[] _connections;
    private readonly List<float> _times = new(4_000_000);
    private readonly Queue<long> _due = new();
    private readonly Stack<Connection> _idle = new();
    private readonly Lock _gate = new();
    private readonly Random _random = new(1);
    private long _measureFrom;
    private long _until;
    private long _done;
    private long _refused;
    private ulong _sequence;

    public HttpLoad(LoadPlan plan)
    {
        _plan = plan;
        _connections = [.. Enumerable.Range(0, plan.Connections).Select(_ => new Connection(this))];
    }

    public LoadResult Run()
    {
        var start = Stopwatch.GetTimestamp();
        _measureFrom = start + WarmUpSeconds * Stopwatch.Frequency;
        _until = _measureFrom + _plan.Seconds * Stopwatch.Frequency;
        if (_plan.Rate == 0)
        {
            foreach (var connection in _connections) connection.Send(Stopwatch.GetTimestamp());
            Thread.Sleep((WarmUpSeconds + _plan.Seconds) * 1_000 + 500);
        }
        else
        {
            foreach (var connection in _connections) _idle.Push(connection);
            SendAtRate(start);
        }
        lock (_gate)
        {
            _times.Sort();
            double At(double share) => _times.Count == 0 ? 0 : _times[(int)Math.Min(_times.Count - 1, _times.Count * share)];
            return new((double)_done * _plan.Batch / _plan.Seconds, At(0.5), At(0.99), At(0.999), At(1), _refused, _due.Count);
        }
    }

    /// <summary>Every millisecond sends what has become due; with no idle connection it waits, and its time runs.</summary>
    private void SendAtRate(long start)
    {
        var sent = 0L;
        while (Stopwatch.GetTimestamp() < _until)
        {
            Thread.Sleep(1);
            var due = (long)(Stopwatch.GetElapsedTime(start).TotalSeconds * _plan.Rate);
            for (; sent < due; sent++)
            {
                var at = start + (long)((double)sent / _plan.Rate * Stopwatch.Frequency);
                Connection? free;
                lock (_gate)
                {
                    if (!_idle.TryPop(out free)) _due.Enqueue(at);
                }
                free?.Send(at);
            }
        }
        Thread.Sleep(500);
    }

    private void Answered(Connection connection, long began, bool accepted)
    {
        var now = Stopwatch.GetTimestamp();
        long next = 0;
        lock (_gate)
        {
            if (!accepted) _refused++;
            if (began >= _measureFrom && now < _until)
            {
                _done++;
                _times.Add((float)((now - began) * 1e3 / Stopwatch.Frequency));
            }
            if (_plan.Rate != 0 && !_due.TryDequeue(out next)) _idle.Push(connection);
        }
        if (now >= _until) return;
        if (_plan.Rate == 0) connection.Send(now);
        else if (next != 0) connection.Send(next);
    }

    /// <summary>One connection with one request under way.</summary>
    private sealed class Connection : IDisposable
    {
        private readonly HttpLoad _load;
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private readonly SocketAsyncEventArgs _receive = new();
        private readonly byte[] _request;
        private readonly int[] _ids;
        private readonly int[] _debits;
        private readonly int[] _credits;
        private readonly byte[] _answer = new byte[1 << 20];
        private int _received;
        private long _began;

        public Connection(HttpLoad load)
        {
            _load = load;
            (_request, _ids, _debits, _credits) = Template(load._plan);
            _socket.Connect(IPAddress.Loopback, load._plan.Port);
            _receive.SetBuffer(_answer, 0, _answer.Length);
            _receive.Completed += (_, _) => Received();
        }

        public void Send(long began)
        {
            _began = began;
            lock (_load._random)
            {
                for (var i = 0; i < _ids.Length; i++) Patch(i);
            }
            _socket.Send(_request);
            _received = 0;
            Receive();
        }

        public void Dispose()
        {
            _receive.Dispose();
            _socket.Dispose();
        }

        private void Patch(int item)
        {
            var debit = _load._plan.Hot ? 0 : _load._random.Next(_load._plan.Accounts);
            var credit = (debit + 1 + _load._random.Next(_load._plan.Accounts - 1)) % _load._plan.Accounts;
            var milliseconds = (UInt128)(ulong)((DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMillisecond);
            var spread = unchecked(++_load._sequence * 0x9E3779B97F4A7C15) >> 2;
            var id = new Domain.Kernel.CommandId((milliseconds << 80) | ((UInt128)7 << 76) | ((UInt128)2 << 62) | spread);
            id.TryFormat(_request.AsSpan(_ids[item]), out _);
            Digits(debit, _request.AsSpan(_debits[item], 8));
            Digits(credit, _request.AsSpan(_credits[item], 8));
        }

        private void Receive()
        {
            _receive.SetBuffer(_received, _answer.Length - _received);
            if (!_socket.ReceiveAsync(_receive)) Received();
        }

        private void Received()
        {
            if (_receive.BytesTransferred == 0) throw new InvalidOperationException("The server closed the connection.");
            _received += _receive.BytesTransferred;
            var answer = _answer.AsSpan(0, _received);
            if (!IsWhole(answer)) Receive();
            else _load.Answered(this, _began, answer[9] == (byte)'2');
        }

        private static bool IsWhole(ReadOnlySpan<byte> answer)
        {
            var end = answer.IndexOf("\r\n\r\n"u8);
            if (end < 0) return false;
            var length = answer[..end].IndexOf("Content-Length: "u8);
            if (length < 0) return answer.EndsWith("0\r\n\r\n"u8);
            var digits = answer[(length + 16)..];
            digits = digits[..digits.IndexOf((byte)'\r')];
            return answer.Length >= end + 4 + int.Parse(digits, System.Globalization.CultureInfo.InvariantCulture);
        }

        private static void Digits(int value, Span<byte> to)
        {
            for (var i = to.Length - 1; i >= 0; i--, value /= 10) to[i] = (byte)('0' + value % 10);
        }
    }

    private static (byte[] Request, int[] Ids, int[] Debits, int[] Credits) Template(LoadPlan plan)
    {
        const string id = "00000000-0000-7000-8000-000000000000";
        const string pay = "\"debit\":\"cust:DDDDDDDD\",\"credit\":\"cust:CCCCCCCC\",\"amount\":{\"asset\":\"USD\",\"amount\":\"1.25\"}";
        var body = plan.Batch == 1
            ? $$"""{{{pay}}}"""
            : "[" + string.Join(',', Enumerable.Repeat($$"""{"id":"{{id}}","command":"transfer.make",{{pay}}}""", plan.Batch)) + "]";
        var path = plan.Batch == 1 ? "/v1/transfers" : "/v1/batch";
        var key = plan.Batch == 1 ? $"Idempotency-Key: {id}\r\n" : "";
        var text = $"POST {path} HTTP/1.1\r\nHost: bank\r\nAuthorization: Bearer {plan.Token}\r\n{key}"
            + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}";
        return (Encoding.ASCII.GetBytes(text), Places(id), Places("DDDDDDDD"), Places("CCCCCCCC"));

        int[] Places(string mark)
        {
            var places = new List<int>();
            for (var at = text.IndexOf(mark, StringComparison.Ordinal); at >= 0; at = text.IndexOf(mark, at + 1, StringComparison.Ordinal)) places.Add(at);
            return [.. places];
        }
    }
}
