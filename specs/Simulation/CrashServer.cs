using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Simulation;

/// <summary>The real program in a process of its own, which can be killed without warning.</summary>
internal sealed class CrashServer : IDisposable
{
    private static readonly TimeSpan StartsWithin = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly HttpClient _client;

    private CrashServer(Process process, HttpClient client) => (_process, _client) = (process, client);

    /// <param name="host">Path of the program's assembly.</param>
    /// <exception cref="InvalidOperationException">It does not start; the message holds what it said.</exception>
    public static async Task<CrashServer> StartAsync(string host, string folder)
    {
        var runsThis = Environment.ProcessPath;
        var start = new ProcessStartInfo(
            runsThis?.EndsWith("dotnet", StringComparison.Ordinal) == true ? runsThis : "dotnet")
        {
            ArgumentList = { host, "serve", "--demo", "--data", folder, "--urls", "http://127.0.0.1:0" },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
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
        if (address is null) throw new InvalidOperationException($"The server does not start:\n{said}");
        var client = new HttpClient { BaseAddress = new(address), Timeout = TimeSpan.FromSeconds(10) };
        var token = (await File.ReadAllTextAsync(Path.Combine(folder, "demo-key")).ConfigureAwait(false)).Trim();
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return new(process, client);
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().ConfigureAwait(false);
    }

    /// <summary>Sends a command.</summary>
    /// <returns>Null where the outcome is unknown: the connection broke, or the server could not say.</returns>
    public async Task<CrashAnswer?> SendAsync(CrashCommand command)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, command.Path);
        request.Content = new StringContent(command.Body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        request.Headers.Add("Idempotency-Key", command.Id.ToString());
        try
        {
            using var response = await _client.SendAsync(request).ConfigureAwait(false);
            var body = await response.Content.ReadAsStringAsync().ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.ServiceUnavailable) return null;
            return new((int)response.StatusCode, body, response.Headers.Contains("Idempotent-Replay"));
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or TaskCanceledException)
        {
            return null;
        }
    }

    /// <summary>Asks the book for an account's balances.</summary>
    public async Task<CrashRead?> ReadAsync(string account)
    {
        try
        {
            var text = await _client.GetStringAsync($"/v1/accounts/{account}/balances").ConfigureAwait(false);
            using var json = JsonDocument.Parse(text);
            var euros = json.RootElement.GetProperty("balances").EnumerateArray()
                .First(balance => balance.GetProperty("asset").GetString() == "EUR");
            return new(
                json.RootElement.GetProperty("position").GetInt64(), account,
                Minor(euros.GetProperty("posted").GetProperty("balance")),
                Minor(euros.GetProperty("pending").GetProperty("debits")));
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or TaskCanceledException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
        _client.Dispose();
    }

    private static long Minor(JsonElement text) =>
        long.Parse(text.GetString()!.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
}

/// <summary>One request, which is sent again as it is when its outcome is not known.</summary>
internal sealed record CrashCommand(CommandId Id, string Path, string Body, Command Command);

/// <param name="Again">Whether the server says that this is the answer to an earlier request.</param>
internal sealed record CrashAnswer(int Status, string Body, bool Again)
{
    public bool IsRefusal => Status >= 400;

    /// <summary>Position of the first event.</summary>
    public long Position
    {
        get
        {
            using var json = JsonDocument.Parse(Body);
            return json.RootElement.GetProperty("position").GetInt64();
        }
    }

    public string? Code
    {
        get
        {
            using var json = JsonDocument.Parse(Body);
            return json.RootElement.TryGetProperty("code", out var code) && IsRefusal ? code.GetString() : null;
        }
    }
}

/// <summary>What a reader was told of an account in euros, as of a position.</summary>
internal sealed record CrashRead(long Position, string Account, long Posted, long PendingDebits);
