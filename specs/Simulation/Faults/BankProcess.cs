using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace BankingEngine.Specs.Simulation;

/// <summary>The real program in a process of its own, which can be killed and paused without warning.</summary>
public sealed class BankProcess : IDisposable
{
    public static readonly TimeSpan StartsWithin = TimeSpan.FromSeconds(60);

    /// <summary>How long a caller waits before it asks another host.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);

    private const int Kill9 = 9, Term = 15, Continue = 18, Stop = 19;

    private readonly Process _process;
    private readonly HttpClient _client;
    private readonly StringBuilder _said;
    private bool _expected;

    private BankProcess(string name, Process process, HttpClient client, StringBuilder said) =>
        (Name, _process, _client, _said) = (name, process, client, said);

    public string Name { get; }

    /// <summary>With the demo's key.</summary>
    public HttpClient Client => _client;

    /// <summary>Whether it ended though nobody ended it.</summary>
    public bool HasFallen => !_expected && _process.HasExited;

    /// <summary>What it wrote.</summary>
    public string Said
    {
        get { lock (_said) return _said.ToString(); }
    }

    /// <param name="program">Path of the program's assembly.</param>
    /// <param name="name">How it names itself in the book.</param>
    /// <param name="place">What the store has to be told it by.</param>
    /// <exception cref="InvalidOperationException">It does not start; the message holds what it said.</exception>
    public static async Task<BankProcess> StartAsync(string program, string name, StorePlace place)
    {
        for (var began = Environment.TickCount64; ;)
        {
            var (process, said) = await TryStartAsync(program, name, place).ConfigureAwait(false);
            if (process is not null) return process;
            // As whoever keeps a service up does: where the store does not answer, it is started again.
            if (!said.Contains("journal.unknown", StringComparison.Ordinal)
                || Environment.TickCount64 - began > StartsWithin.TotalMilliseconds)
                throw new InvalidOperationException($"{name} does not start:\n{said}");
        }
    }

    private static async Task<(BankProcess? Process, string Said)> TryStartAsync(
        string program, string name, StorePlace place)
    {
        var runsThis = Environment.ProcessPath;
        var start = new ProcessStartInfo(
            runsThis?.EndsWith("dotnet", StringComparison.Ordinal) == true ? runsThis : "dotnet")
        {
            ArgumentList =
            {
                program, "serve", "--demo", "--data", place.Folder, "--book", place.Book, "--node", name, "--urls",
                "http://127.0.0.1:0",
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (place.Address.Length > 0) start.Environment["BANK_JOURNAL"] = place.Address;
        if (place.Keys.Length > 0) start.Environment["BANK_KEYS"] = place.Keys;
        foreach (var (setting, value) in place.Settings) start.Environment[setting] = value;
        var process = Process.Start(start)!;
        var said = new StringBuilder();
        var listening = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Hear(string? line)
        {
            lock (said) said.AppendLine(line);
            const string Mark = "Listening on ";
            if (line?.StartsWith(Mark, StringComparison.Ordinal) == true)
                listening.TrySetResult(line[Mark.Length..].Split(',')[0]);
        }
        process.OutputDataReceived += (_, line) => Hear(line.Data);
        process.ErrorDataReceived += (_, line) => Hear(line.Data);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => listening.TrySetResult(null);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var address = await listening.Task.WaitAsync(StartsWithin).ConfigureAwait(false);
        if (address is null)
        {
            process.WaitForExit();
            process.Dispose();
            return (null, said.ToString());
        }
        var client = new HttpClient { BaseAddress = new(address), Timeout = TimeSpan.FromSeconds(30) };
        client.DefaultRequestHeaders.Authorization =
            new("Bearer", await place.TokenAsync().ConfigureAwait(false));
        return (new(name, process, client, said), "");
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        _expected = true;
        Send(Kill9);
        await _process.WaitForExitAsync().ConfigureAwait(false);
    }

    /// <summary>SIGSTOP: it stands still, and does not know it.</summary>
    public void Pause() => Send(Stop);

    /// <summary>SIGCONT.</summary>
    public void Resume() => Send(Continue);

    /// <summary>SIGTERM: an orderly end.</summary>
    /// <returns>Position and digest that it ended with; null where it did not say.</returns>
    public async Task<(long Position, UInt128 Digest)?> EndAsync()
    {
        _expected = true;
        Send(Term);
        await _process.WaitForExitAsync().WaitAsync(StartsWithin).ConfigureAwait(false);
        const string Mark = "Closed at position ";
        if (Said.Split('\n').FirstOrDefault(line => line.StartsWith(Mark, StringComparison.Ordinal)) is not { } line)
            return null;
        var parts = line[Mark.Length..].TrimEnd('\r', '.').Split(", digest ");
        return (long.Parse(parts[0], CultureInfo.InvariantCulture),
            UInt128.Parse(parts[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    /// <summary>Sends a command.</summary>
    /// <returns>Null where the outcome is unknown, or this host does not decide.</returns>
    public async Task<Told?> SendAsync(Asked asked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, asked.Path);
        request.Content = new StringContent(asked.Body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        request.Headers.Add("Idempotency-Key", asked.Id.ToString());
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            using var response = await _client.SendAsync(request, patience.Token).ConfigureAwait(false);
            var body = await response.Content.ReadAsStringAsync(patience.Token).ConfigureAwait(false);
            return response.StatusCode == HttpStatusCode.ServiceUnavailable
                ? null
                : Told.Of((int)response.StatusCode, body, response.Headers.Contains("Idempotent-Replay"), Name);
        }
        catch (Exception broken) when (IsBroken(broken))
        {
            return null;
        }
    }

    /// <summary>Asks the book for an account's balances.</summary>
    /// <param name="after">0, or a position to wait for.</param>
    /// <returns>Null where there is no answer.</returns>
    public Task<Seen?> ReadAsync(string account, long after) => ReadAsync(account, after, Patience);

    /// <param name="longest">A question to a host that stands still is answered when it goes on.</param>
    /// <inheritdoc cref="ReadAsync(string, long)"/>
    public async Task<Seen?> ReadAsync(string account, long after, TimeSpan longest)
    {
        var wait = after == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"?after={after}");
        if (await GetAsync($"/v1/accounts/{account}/balances{wait}", longest).ConfigureAwait(false)
            is not var (text, follows)) return null;
        using var json = JsonDocument.Parse(text);
        var euros = json.RootElement.GetProperty("balances").EnumerateArray()
            .First(balance => balance.GetProperty("asset").GetString() == "EUR");
        return new(
            json.RootElement.GetProperty("position").GetInt64(), account,
            Minor(euros.GetProperty("posted").GetProperty("balance")),
            Minor(euros.GetProperty("pending").GetProperty("debits")), Name, follows);
    }

    /// <summary>Asks for a path.</summary>
    /// <returns>The body, and whether the host says that it follows; null where the status is not 200 or there is no
    /// answer.</returns>
    public async Task<(string Body, bool Follows)?> GetAsync(string path, TimeSpan longest)
    {
        using var patience = new CancellationTokenSource(longest);
        try
        {
            using var response = await _client.GetAsync(path, patience.Token).ConfigureAwait(false);
            var body = await response.Content.ReadAsStringAsync(patience.Token).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.InternalServerError)
                throw new InvalidOperationException($"{Name} answers {path} with a fault: {body}");
            return response.IsSuccessStatusCode ? (body, response.Headers.Contains("Bank-Role")) : null;
        }
        catch (Exception broken) when (IsBroken(broken))
        {
            return null;
        }
    }

    /// <summary>Whatever it answers, for people.</summary>
    public async Task<string> AnyAsync(string path, TimeSpan longest)
    {
        using var patience = new CancellationTokenSource(longest);
        try
        {
            using var response = await _client.GetAsync(path, patience.Token).ConfigureAwait(false);
            var body = await response.Content.ReadAsStringAsync(patience.Token).ConfigureAwait(false);
            return $"{(int)response.StatusCode} {body}";
        }
        catch (Exception broken) when (IsBroken(broken))
        {
            return broken.Message;
        }
    }

    /// <summary>Whether it takes commands.</summary>
    public async Task<bool> LeadsAsync() =>
        await GetAsync("/health/leading", Patience).ConfigureAwait(false) is not null;

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _expected = true;
            _process.Kill();
            _process.WaitForExit();
        }
        _process.Dispose();
        _client.Dispose();
    }

    private void Send(int signal)
    {
        if (!_process.HasExited && Signal(_process.Id, signal) != 0)
            throw new InvalidOperationException($"Signal {signal} does not reach {Name}.");
    }

    private static bool IsBroken(Exception exception) =>
        exception is HttpRequestException or IOException or OperationCanceledException;

    private static long Minor(JsonElement text) =>
        long.Parse(text.GetString()!.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Signal(int process, int signal);
}
