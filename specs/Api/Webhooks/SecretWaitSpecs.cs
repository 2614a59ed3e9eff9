using System.Net;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals;
using BankingEngine.Host.Webhooks;

namespace BankingEngine.Specs.Api.Webhooks;

/// <summary>Who wants a secret, and has to wait for others.</summary>
public sealed class SecretWaitSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_turn_that_does_not_come_is_not_waited_for_without_end()
    {
        const string Body = """{"webhook":"turns","url":"https://hooks.example/bank"}""";
        using (await served.Book.Turns.TakeAsync(WebhookSecrets.Turn, default))
        {
            var waiting = await Task.WhenAll(Enumerable.Range(1, 3).Select(i => served.Post("/v1/webhooks", Body, $"turns-{i}")))
                .WaitAsync(Patience);
            waiting.Should().OnlyContain(reply =>
                reply.Status == HttpStatusCode.ServiceUnavailable && reply.Code == "command.busy");
        }
        (await served.Post("/v1/webhooks", Body, "turns-1")).Status.Should().Be(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Keys_that_another_host_holds_are_said_to_be_so()
    {
        const string Body = """{"webhook":"keys","url":"https://hooks.example/bank"}""";
        using (DiskFileLayer.Instance.TryLock(Path.Combine(served.Folder, FileKeyStore.FolderName, "~new.lock")))
        {
            var reply = await served.Post("/v1/webhooks", Body, "keys-1").WaitAsync(Patience);
            (reply.Status, reply.Code).Should().Be((HttpStatusCode.ServiceUnavailable, "keys.unavailable"), reply.Text);
        }
        (await served.Post("/v1/webhooks", Body, "keys-1")).Status.Should().Be(HttpStatusCode.Created);
    }
}
