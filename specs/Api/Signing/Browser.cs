using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace BankingEngine.Specs.Api.Signing;

/// <summary>A headless Chromium, spoken to by its own protocol over a raw web socket.</summary>
internal sealed class Browser : IDisposable
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly string _profile;
    private readonly ClientWebSocket _socket = new();
    private readonly CancellationTokenSource _limit = new(Patience);
    private int _next;

    private Browser(Process process, string profile) => (_process, _profile) = (process, profile);

    /// <summary>Where a browser is; null where there is none.</summary>
    public static string? Program => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => Names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    public static async Task<Browser> StartAsync()
    {
        var profile = Directory.CreateTempSubdirectory("bank-browser-").FullName;
        var start = new ProcessStartInfo(Program!)
        {
            ArgumentList =
            {
                "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
                "--remote-debugging-port=0", $"--user-data-dir={profile}", "about:blank",
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var browser = new Browser(Process.Start(start)!, profile);
        await browser.ConnectAsync();
        return browser;
    }

    /// <summary>Asks something, and waits for the answer to it.</summary>
    public async Task<JsonElement> AskAsync(string method, JsonObject? parameters = null, string? session = null)
    {
        var id = ++_next;
        var asked = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] };
        if (session is not null) asked["sessionId"] = session;
        await _socket.SendAsync(
            Encoding.UTF8.GetBytes(asked.ToJsonString()), WebSocketMessageType.Text, endOfMessage: true, _limit.Token);
        while (true)
        {
            var said = await ReadAsync();
            if (said.TryGetProperty("method", out var happened)) await HappenedAsync(happened.GetString()!, said);
            else if (said.GetProperty("id").GetInt32() == id)
            {
                said.TryGetProperty("error", out var error).Should().BeFalse($"{method}: {error}");
                return said.GetProperty("result");
            }
        }
    }

    /// <summary>What the next page that is asked for is made of.</summary>
    public string? Page { get; set; }

    /// <summary>Opens a page of this address, its text the one of <see cref="Page"/>.</summary>
    /// <returns>The session to speak to it.</returns>
    public async Task<string> OpenAsync(string url)
    {
        var target = await AskAsync("Target.createTarget", new() { ["url"] = "about:blank" });
        var attached = await AskAsync("Target.attachToTarget", new()
        {
            ["targetId"] = target.GetProperty("targetId").GetString(),
            ["flatten"] = true,
        });
        var session = attached.GetProperty("sessionId").GetString()!;
        await AskAsync("Fetch.enable", new() { ["patterns"] = new JsonArray(new JsonObject { ["urlPattern"] = "*.html" }) }, session);
        await AskAsync("WebAuthn.enable", null, session);
        await AskAsync("WebAuthn.addVirtualAuthenticator", new()
        {
            ["options"] = new JsonObject
            {
                ["protocol"] = "ctap2",
                ["transport"] = "internal",
                ["hasResidentKey"] = true,
                ["hasUserVerification"] = true,
                ["isUserVerified"] = true,
                ["automaticPresenceSimulation"] = true,
            },
        }, session);
        await AskAsync("Emulation.setFocusEmulationEnabled", new() { ["enabled"] = true }, session);
        await AskAsync("Page.navigate", new() { ["url"] = url }, session);
        for (var i = 0; i < 100; i++)
        {
            if ((await RunAsync(session, "Promise.resolve(typeof window.bank)")).GetString() == "object") return session;
            await Task.Delay(100, _limit.Token);
        }
        throw new TimeoutException("The page did not load.");
    }

    /// <summary>Runs an expression in a page and waits for what it promises.</summary>
    public async Task<JsonElement> RunAsync(string session, string expression)
    {
        var ran = await AskAsync("Runtime.evaluate", new()
        {
            ["expression"] = expression,
            ["awaitPromise"] = true,
            ["returnByValue"] = true,
        }, session);
        ran.TryGetProperty("exceptionDetails", out var thrown).Should().BeFalse($"{expression}: {thrown}");
        return ran.GetProperty("result").TryGetProperty("value", out var value) ? value : default;
    }

    public void Dispose()
    {
        _socket.Dispose();
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _limit.Dispose();
        Directory.Delete(_profile, recursive: true);
    }

    private async Task ConnectAsync()
    {
        const string Lead = "DevTools listening on ";
        string? line;
        do line = await _process.StandardError.ReadLineAsync(_limit.Token);
        while (line is not null && !line.StartsWith(Lead, StringComparison.Ordinal));
        _ = _process.StandardError.ReadToEndAsync();
        await _socket.ConnectAsync(new Uri(line![Lead.Length..]), _limit.Token);
    }

    private async Task HappenedAsync(string what, JsonElement said)
    {
        if (what != "Fetch.requestPaused") return;
        var answer = new JsonObject
        {
            ["id"] = ++_next,
            ["method"] = "Fetch.fulfillRequest",
            ["sessionId"] = said.GetProperty("sessionId").GetString(),
            ["params"] = new JsonObject
            {
                ["requestId"] = said.GetProperty("params").GetProperty("requestId").GetString(),
                ["responseCode"] = 200,
                ["responseHeaders"] = new JsonArray(new JsonObject { ["name"] = "Content-Type", ["value"] = "text/html" }),
                ["body"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(Page ?? "")),
            },
        };
        await _socket.SendAsync(
            Encoding.UTF8.GetBytes(answer.ToJsonString()), WebSocketMessageType.Text, endOfMessage: true, _limit.Token);
    }

    private async Task<JsonElement> ReadAsync()
    {
        using var text = new MemoryStream();
        var buffer = new byte[16 * 1024];
        ValueWebSocketReceiveResult read;
        do
        {
            read = await _socket.ReceiveAsync(buffer.AsMemory(), _limit.Token);
            text.Write(buffer, 0, read.Count);
        }
        while (!read.EndOfMessage);
        return JsonDocument.Parse(text.ToArray()).RootElement;
    }
}

/// <summary>A spec that needs a browser.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute()
    {
        if (Browser.Program is null) Skip = "No Chromium is installed.";
    }
}

/// <summary>The example page in a real browser, with a key of WebCrypto and a passkey.</summary>
public sealed class BrowserSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [BrowserFact]
    public async Task Payments_signed_in_a_browser_by_its_key_by_a_passkey_and_by_both_are_made()
    {
        using var browser = await Browser.StartAsync();
        browser.Page = await File.ReadAllTextAsync(Path.Combine(ExampleSpecs.Folder, "sign.html"));
        var page = await browser.OpenAsync($"http://localhost:{new Uri(served.Address).Port}/sign.html");
        async Task<string> Made(string name, string how) =>
            (await browser.RunAsync(page, $"bank.{how}().then(made => (window.{name} = made).key)")).GetString()!;
        var (key, passkey) = (await Made("own", "makeKey"), await Made("touch", "makePasskey"));
        key.Should().StartWith("r1:");
        passkey.Should().StartWith("wa:");

        // Several, so that both halves of the second number are met.
        for (var i = 0; i < 4; i++)
        {
            await Pays(browser, page, "[own]", 1, key);
            await Pays(browser, page, "[touch]", 1, passkey);
        }
        await Pays(browser, page, "[own, touch]", 2, key, passkey);
    }

    private async Task Pays(Browser browser, string page, string signers, int threshold, params string[] keys)
    {
        var factors = string.Join(",", keys.Order(StringComparer.Ordinal).Select(key => $$"""{"key":"{{key}}","weight":1}"""));
        var account = await served.Owned($$"""{"threshold":{{threshold}},"keys":[{{factors}}]}""");
        var paid = await browser.RunAsync(page, $"bank.pay({signers}, '{account}', 'customers:bob', 'EUR', '1.00')");
        paid.GetProperty("status").GetInt32().Should().Be(201, paid.ToString());
    }
}
