using System.Net;
using System.Text.Json;
using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Api;

/// <summary>A leader that stood still, and cannot know yet whether another leads.</summary>
public sealed class PausedLeaderSpecs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Shared => JournalStore.Shared;

    [Theory]
    [MemberData(nameof(Shared))]
    public async Task A_leader_that_stood_still_and_hears_nothing_says_that_its_lead_is_not_proven(string kind)
    {
        using var store = StoreUnderTest.Named(kind);
        using var book = store.NewBook();
        using var first = await Host(book, 0);
        await Until(first, "/health/leading", said => said.Status == "ok");
        using var second = await Host(book, 1);
        (await Health(first, "/health/ready")).Should().Be((HttpStatusCode.OK, "ok", "leader"));

        first.Pause();
        book.WireOf(0)!.Hang(towardsStore: true, back: true);
        await Until(second, "/health/leading", said => said.Status == "ok");
        string[] paths = ["/health/ready", "/health/leading", "/health/live"];
        var asked = paths.Select(path => Health(first, path)).ToList();
        await Task.Delay(200);
        first.Resume();
        (await Task.WhenAll(asked).WaitAsync(Patience)).Should().Equal(
            (HttpStatusCode.ServiceUnavailable, "lead_unproven", "unproven"),
            (HttpStatusCode.ServiceUnavailable, "lead_unproven", "unproven"),
            (HttpStatusCode.OK, "lead_unproven", "unproven"));

        book.WireOf(0)!.Mend();
        await Until(first, "/health/ready", said => said is (HttpStatusCode.OK, "following", "follower"));
    }

    [Theory]
    [MemberData(nameof(Shared))]
    public async Task A_leader_that_another_replaced_while_it_stood_still_never_says_again_that_it_leads(string kind)
    {
        using var store = StoreUnderTest.Named(kind);
        using var book = store.NewBook();
        using var first = await Host(book, 0);
        await Until(first, "/health/leading", said => said.Status == "ok");
        using var second = await Host(book, 1);
        first.Pause();
        await Until(second, "/health/leading", said => said.Status == "ok");
        var asked = Enumerable.Range(0, 16).Select(_ => Health(first, "/health/ready")).ToList();
        await Task.Delay(200);
        first.Resume();
        foreach (var said in await Task.WhenAll(asked).WaitAsync(Patience)) NotLeading(said);
        await Until(first, "/health/ready", said => NotLeading(said).Status == "following");
    }

    private static (HttpStatusCode Code, string? Status, string? Role) NotLeading(
        (HttpStatusCode Code, string? Status, string? Role) said)
    {
        said.Role.Should().NotBe("leader", $"it says {said.Status}");
        said.Status.Should().NotBe("ok");
        (said.Code == HttpStatusCode.OK).Should().Be(said.Status == "following", $"it says {said.Status}");
        return said;
    }

    private static Task<BankProcess> Host(StoreBook book, int host) =>
        BankProcess.StartAsync(CrashLoop.ProgramBesideThis, $"host-{host}", book.PlaceOf(host));

    private static async Task<(HttpStatusCode Code, string? Status, string? Role)> Health(BankProcess host, string path)
    {
        using var answer = await host.Client.GetAsync(path);
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        var role = json.RootElement.GetProperty("role").GetString();
        if (role == "unproven") json.RootElement.TryGetProperty("leader", out _).Should().BeFalse("it may be another");
        return (answer.StatusCode, json.RootElement.GetProperty("status").GetString(), role);
    }

    /// <summary>Asks until the host says what is wanted.</summary>
    private static async Task Until(
        BankProcess host, string path, Func<(HttpStatusCode Code, string? Status, string? Role), bool> isWanted)
    {
        for (var began = Environment.TickCount64; Environment.TickCount64 - began < Patience.TotalMilliseconds;)
        {
            if (isWanted(await Health(host, path))) return;
            await Task.Delay(10);
        }
        throw new TimeoutException($"It did not come to it: {host.Said}");
    }
}
