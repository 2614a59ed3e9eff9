using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;

namespace BankingEngine.Benchmarks;

/// <summary>The whole way over HTTP on this machine, every transfer durable before its answer: the host in a process of
/// its own, the load in another, side by side on the same cores.</summary>
public static class HttpBenchmarks
{
    public static void Run()
    {
        var figures = new Figures("http");
        foreach (var accounts in Sizes())
        {
            using var book = BenchmarkBook.Create(accounts);
            book.Engine.Dispose();
            using var host = BenchmarkHost.Start(book.Folder);
            host.AwaitReadModels(book.Token);
            Single(figures, host, book, accounts, connections: 64, rate: 0, hot: false);
            Single(figures, host, book, accounts, connections: 256, rate: 0, hot: false);
            Single(figures, host, book, accounts, connections: 256, rate: 0, hot: true);
            Single(figures, host, book, accounts, connections: 256, rate: 10_000, hot: false);
            Single(figures, host, book, accounts, connections: 256, rate: 20_000, hot: false);
            Single(figures, host, book, accounts, connections: 256, rate: 30_000, hot: false);
            var bulk = BenchmarkHost.Load(new(host.Port, book.Token, accounts, 4, 8, 0, Hot: false, Batch: 1_000));
            Say(figures, $"http_bulk_1000_{accounts}", bulk);
        }
        figures.Print();
    }

    /// <summary>Ten thousand accounts, and as many more as the variable says: the budget compares with ten million.</summary>
    private static int[] Sizes() =>
        int.TryParse(Environment.GetEnvironmentVariable("BENCH_ACCOUNTS"), CultureInfo.InvariantCulture, out var more) ? [10_000, more] : [10_000];

    private static void Single(Figures figures, BenchmarkHost host, BenchmarkBook book, int accounts, int connections, int rate, bool hot)
    {
        var result = BenchmarkHost.Load(new(host.Port, book.Token, accounts, connections, 8, rate, hot, Batch: 1));
        var loop = rate == 0 ? "closed" : $"open_{rate}";
        Say(figures, $"http_{loop}_{connections}{(hot ? "_hot" : "")}_{accounts}", result);
    }

    private static void Say(Figures figures, string name, LoadResult r)
    {
        Figures.Say($"{name}: {r.PerSecond:N0}/s, p50 {r.P50:F2} ms, p99 {r.P99:F2}, p99.9 {r.P999:F2}, max {r.Max:F1}; refused {r.Refused}, unsent {r.Unsent}");
        figures.Add(name, r.PerSecond);
        figures.Add(name + "_p50_ms", r.P50);
        figures.Add(name + "_p99_ms", r.P99);
        figures.Add(name + "_p999_ms", r.P999);
    }
}

/// <summary>The host as its own process on a free port.</summary>
public sealed class BenchmarkHost : IDisposable
{
    private const int StartSeconds = 300;
    private readonly Process _process;

    private BenchmarkHost(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    /// <summary>What the host has used of the processors so far, all its threads.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public static BenchmarkHost Start(string folder, params string[] more)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        var port = ((System.Net.IPEndPoint)probe.LocalEndPoint!).Port;
        probe.Close();
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { HostPath(), "serve", "--data", folder, "--urls", $"http://127.0.0.1:{port}" },
            RedirectStandardOutput = true,
        };
        foreach (var argument in more) start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        using var client = new HttpClient();
        for (var i = 0; i < StartSeconds * 10; i++)
        {
            try
            {
                if (client.GetAsync(new Uri($"http://127.0.0.1:{port}/health/ready")).GetAwaiter().GetResult().IsSuccessStatusCode) return new(process, port);
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            Thread.Sleep(100);
        }
        process.Kill();
        throw new InvalidOperationException("The host did not become ready in time.");
    }

    /// <summary>Lets the read models catch up with what the book held at the start, so that they do not run beside.</summary>
    public void AwaitReadModels(string token)
    {
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        for (var i = 0; i < StartSeconds; i++)
        {
            using var lag = JsonDocument.Parse(client.GetStringAsync(new Uri($"http://127.0.0.1:{Port}/v1/projections")).GetAwaiter().GetResult());
            if (lag.RootElement.GetProperty("projections").EnumerateArray().All(p => p.GetProperty("behind_by").GetInt64() == 0)) return;
            Thread.Sleep(1_000);
        }
    }

    /// <summary>Runs a load in a process of its own, its socket completions on the thread that polls.</summary>
    public static LoadResult Load(LoadPlan plan)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            ArgumentList = { "load", JsonSerializer.Serialize(plan) },
            RedirectStandardOutput = true,
        };
        start.Environment["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1";
        start.Environment["DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT"] = "1";
        using var process = Process.Start(start)!;
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return JsonSerializer.Deserialize<LoadResult>(said) ?? throw new InvalidOperationException(said);
    }

    /// <summary>Without warning, as a machine fails.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (_process.HasExited)
        {
            _process.Dispose();
            return;
        }
        using (var stop = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)])) stop?.WaitForExit();
        if (!_process.WaitForExit(20_000)) _process.Kill();
        _process.Dispose();
    }

    /// <summary>The host built beside this project, in the same configuration.</summary>
    private static string HostPath()
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        var configuration = here.Parent!.Name;
        for (var at = here; at is not null; at = at.Parent)
        {
            var path = Path.Combine(at.FullName, "Host", "bin", configuration, "net10.0", "BankingEngine.Host.dll");
            if (File.Exists(path)) return path;
        }
        throw new FileNotFoundException($"Build the host first: dotnet build -c {configuration} Host");
    }
}
