using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Gateway;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Host.Journals;
using Microsoft.Extensions.Logging.Abstractions;
using static BankingEngine.Specs.Api.Gateway.GatewayHost;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>Two legal entities behind one gateway: an auditor's key says whose book he reads, and of the other he does
/// not learn that it is there.</summary>
public sealed class SeveralBooksGatewaySpecs : IAsyncLifetime, IDisposable
{
    private const string Key = "first";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("bank-books-").FullName;
    private readonly GatewayHost _host = new();
    private RunningBook _custody = null!;
    private AuditGateway _gateway = null!;
    private string _ofRetail = "", _ofCustody = "";

    public async Task InitializeAsync()
    {
        await _host.InitializeAsync();
        var genesis = new Genesis(
            Tag.Of("custody"), BookMode.Live, "529900TESTBANK00TE42", AssetCode.Parse("USD"), Tag.Of("utc"), Tag.Of("daily"),
            Tag.Of("us"), 86_400, 100_000);
        _custody = await RunningBook.FoundAsync(
            _folder, new("custody", new byte[32]), NullLogger.Instance, _ => { }, async engine =>
                _ofCustody = await Founding.FoundAsync(
                    engine, genesis, BusinessDate.Parse("2026-01-05"), [], new([], []), Tag.Of(Key)));
        // Of the same name as the other book's.
        _ofRetail = (await _host.Served.Post("/v1/keys", $$"""{"key":"{{Key}}","scopes":["audit"]}"""))
            .Json.GetProperty("token").GetString()!;
        _gateway = (await _host.StartAsync([_host.Served.Book, _custody], null, _host.OverTls))!;
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _custody.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task The_key_says_whose_streams_and_events_there_are()
    {
        foreach (var (book, token, name, other) in new[]
        {
            (_host.Served.Book, _ofRetail, "book-sandbox", "book-custody"),
            (_custody, _ofCustody, "book-custody", "book-sandbox"),
        })
        {
            var end = (int)book.Engine.DurablePosition;
            var (all, own) = ((await Events(token, null))!, (await Events(token, name))!);
            all.Should().HaveCount(end).And.OnlyContain(e => e.StreamIdentifier.StreamName.ToStringUtf8() == name);
            own.Select(e => e.Id).Should().Equal(all.Select(e => e.Id));
            own[0].Id.String.Should().Be(EventIds.Of(book.Engine.Journal.Identity.Genesis.Span, 1).ToString());
            // The root that is named is the book's own: that of what its bank signs.
            var last = JsonDocument.Parse(own[^1].CustomMetadata.Memory).RootElement;
            last.GetProperty("size").GetInt64().Should().Be(book.Engine.Journal.Tail.Position);
            last.GetProperty("root").GetString().Should().Be(Convert.ToHexStringLower(book.Engine.Journal.Tail.Root.Span));
            (await Events(token, other)).Should().BeNull("a book of another is not there");
        }
        (await Events(_ofRetail, "account-customers:alice")).Should().NotBeEmpty();
        (await Events(_ofCustody, "account-customers:alice")).Should().BeNull("it is the other book's");
    }

    [Fact]
    public async Task A_subscription_sees_what_happens_in_its_own_book_alone()
    {
        using var channel = _host.Channel(_gateway, Key, _ofCustody);
        await using var call = channel.Open(EventStoreMethods.Read, Soon, default);
        await call.RequestAsync(Read(null, o => (o.Subscription, o.All.End) = (new(), new())));
        await call.ReadAsync();
        await call.ReadAsync();
        await _host.Served.Transfer("customers:alice", "customers:bob", "1.00");
        await _custody.Engine.SendAsync(
            new(default, Envelope.Engine, 0), new IssueKey(Tag.Of("late"), 1, 2, Scopes.Audit, null), "key.issue");
        (await call.ReadAsync())!.Event.Event.StreamIdentifier.StreamName.ToStringUtf8().Should().Be("book-custody");
    }

    [Fact]
    public async Task The_first_keys_of_two_books_have_their_calls_counted_apart()
    {
        var (open, refused) = (new List<GrpcClientCall<ReadReq, ReadResp>>(), 0);
        using var retail = _host.Channel(_gateway, "demo", _host.Served.Token);
        using var custody = _host.Channel(_gateway, Key, _ofCustody);
        foreach (var (channel, count) in new[] { (retail, 49), (custody, 10) })
        {
            for (var call = 0; call < count; call++)
            {
                open.Add(channel.Open(EventStoreMethods.Read, null, default));
                await open[^1].RequestAsync(Read(null, o => (o.Subscription, o.All.End) = (new(), new())));
                try
                {
                    await open[^1].ReadAsync();
                }
                catch (GrpcException bound) when (bound.Code == GrpcCode.ResourceExhausted)
                {
                    refused++;
                }
            }
        }
        refused.Should().Be(1);
        foreach (var call in open) await call.DisposeAsync();
    }

    [Fact]
    public async Task Whoever_needs_no_key_reads_the_first_book_which_alone_has_to_be_a_sandbox()
    {
        var settings = new[] { ("Gateway:Url", "http://127.0.0.1:0"), ("Gateway:AllowAnonymous", "true") };
        var gateway = (await _host.StartAsync([_host.Served.Book, _custody], null, settings))!;
        using var channel = new GrpcChannel(new(gateway.Address));
        (await Events(channel, "book-sandbox")).Should().NotBeEmpty();
        (await Events(channel, "book-custody")).Should().BeNull();
        var live = () => _host.StartAsync([_custody, _host.Served.Book], null, settings);
        await live.Should().ThrowAsync<GatewayConfigurationException>();
    }

    [ClientTheory]
    [InlineData("eventstore")]
    [InlineData("kurrent")]
    public async Task The_official_clients_read_the_book_of_their_key(string family)
    {
        foreach (var (token, name, other, end) in new[]
        {
            (_ofRetail, "book-sandbox", "book-custody", _host.Served.Book.Engine.DurablePosition),
            (_ofCustody, "book-custody", "book-sandbox", _custody.Engine.DurablePosition),
        })
        {
            var seen = await Clients.RunAsync(
                null, "whose.mjs", family,
                $"esdb://{Key}:{Uri.EscapeDataString(token)}@{_gateway.Address.Authority}?tlsCaFile={Uri.EscapeDataString(_host.AuthorityFile)}",
                name, other);
            seen.GetProperty("own").GetInt64().Should().Be(end);
            seen.GetProperty("all").GetInt64().Should().Be(end);
            seen.Texts("streams").Should().Equal(name);
            seen.GetProperty("other").GetString().Should().Be("stream-not-found");
        }
    }

    /// <returns>Null where there is no such stream.</returns>
    private async Task<List<ReadResp.Types.ReadEvent.Types.RecordedEvent>?> Events(string token, string? stream)
    {
        using var channel = _host.Channel(_gateway, Key, token);
        return await Events(channel, stream);
    }

    private static async Task<List<ReadResp.Types.ReadEvent.Types.RecordedEvent>?> Events(GrpcChannel channel, string? stream)
    {
        await using var call = channel.Open(EventStoreMethods.Read, Soon, default);
        await call.RequestAsync(Read(stream));
        var events = new List<ReadResp.Types.ReadEvent.Types.RecordedEvent>();
        while (await call.ReadAsync() is { } response)
        {
            if (response.StreamNotFound is not null) return null;
            events.Add(response.Event.Event);
        }
        return events;
    }
}
