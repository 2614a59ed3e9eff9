using System.Collections.Immutable;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Webhooks;

namespace BankingEngine.Specs.Domain.Webhooks;

public sealed class SubscriptionSpecs
{
    private const string Url = "https://hooks.example/bank";
    private static readonly Tag Id = Tag.Of("reporting"), By = Tag.Of("teller"), Other = Tag.Of("head");
    private static readonly Instant Noon = Instant.Parse("2026-01-05T12:00:00.000000Z");
    private readonly Bank _bank = new();
    private long _position = 10;

    [Fact]
    public void A_subscription_begins_behind_itself_unless_it_says_where()
    {
        Ask(Subscribe(from: null)).Should().Equal(Subscribed(from: 11));
        _bank.Webhooks.Rows.Delete(_bank.Webhooks.Rows.Find(Id));
        Ask(Subscribe(from: 1)).Should().Equal(Subscribed(from: 1));
    }

    [Theory]
    [InlineData(0, false), InlineData(1, true), InlineData(11, true), InlineData(12, false)]
    public void It_begins_at_a_position_that_is_there_or_comes_next(long from, bool accepted) =>
        Code(Subscribe(from)).Should().Be(accepted ? null : "webhook.beyond_end");

    [Fact]
    public void An_id_that_is_taken_is_refused_until_it_is_removed()
    {
        Ask(Subscribe());
        Code(Subscribe()).Should().Be("webhook.already_exists");
        Ask(new RemoveWebhook(Id));
        Code(new RemoveWebhook(Id)).Should().Be("webhook.not_found");
        Ask(Subscribe()).Should().ContainSingle();
    }

    [Fact]
    public void A_book_has_a_hundred_of_them()
    {
        for (var i = 0; i < Subscriptions.MaxWebhooks; i++) Ask(Subscribe() with { Id = Tag.Of($"w{i}") });
        Code(Subscribe()).Should().Be("webhook.too_many");
    }

    [Theory]
    [InlineData("http://hooks.example", BookMode.Live, "webhook.https_required")]
    [InlineData("http://hooks.example", BookMode.Sandbox, null)]
    [InlineData("ftp://hooks.example", BookMode.Sandbox, "webhook.https_required")]
    [InlineData("", BookMode.Live, "webhook.url_too_long")]
    [InlineData("https://h\u00f6oks.example", BookMode.Live, "webhook.url_too_long")]
    public void Its_address_is_of_the_form_that_the_book_takes(string url, BookMode mode, string? code)
    {
        Found(mode);
        Code(Subscribe() with { Url = url }).Should().Be(code);
        Code(Subscribe() with { Url = Url + new string('x', Subscriptions.MaxUrl) }).Should().Be("webhook.url_too_long");
    }

    [Fact]
    public void Its_filter_has_bounds()
    {
        ImmutableArray<string> types = [.. Enumerable.Repeat("a", Subscriptions.MaxTypes)];
        ImmutableArray<AccountId> accounts = [.. Enumerable.Repeat(AccountId.Parse("a"), Subscriptions.MaxAccounts)];
        Code(Subscribe() with { Types = types, Accounts = accounts }).Should().BeNull();
        Code(Subscribe() with { Types = types.Add("b") }).Should().Be("webhook.filter_too_long");
        Code(Subscribe() with { Accounts = accounts.Add(accounts[0]) }).Should().Be("webhook.filter_too_long");
    }

    [Theory]
    [InlineData(-1, false), InlineData(0, true), InlineData(604_800, true), InlineData(604_801, false)]
    public void Two_secrets_sign_for_a_week_at_most(long seconds, bool accepted)
    {
        Ask(Subscribe());
        Code(new RotateWebhookSecret(Id, "new", seconds)).Should()
            .Be(accepted ? null : "webhook.overlap_out_of_range");
        if (!accepted) return;
        Ask(new RotateWebhookSecret(Id, "new", seconds));
        var row = Row();
        (row.Secret, row.Former, row.FormerUntil).Should().Be(("new", "secret", Noon.AddSeconds(seconds)));
    }

    [Fact]
    public void A_replay_moves_the_beginning_and_nothing_else()
    {
        Ask(Subscribe());
        var before = Row();
        _position = 20;
        Ask(new ReplayWebhook(Id, 3)).Should().Equal(new WebhookEvent.Replayed(Id, 3));
        Row().Should().Be(before with { Since = 20, From = 3, Changed = 20 });
        Code(new ReplayWebhook(Id, 22)).Should().Be("webhook.beyond_end");
    }

    [Fact]
    public void What_was_decided_before_a_change_disables_no_more()
    {
        Ask(Subscribe());
        Ask(new RotateWebhookSecret(Id, "new", 0));
        Ask(new DisableWebhook(Id, Subscriptions.Gone, 9, AsOf: 10)).Should().BeEmpty("the secret was changed since");
        Ask(new DisableWebhook(Id, Subscriptions.Gone, 9, Row().Changed)).Should()
            .Equal(new WebhookEvent.Disabled(Id, Subscriptions.Gone, 9));
        Ask(new DisableWebhook(Id, Subscriptions.Asked, 0, 0)).Should().BeEmpty("it is so already");
        (Row().IsEnabled, Row().Undelivered).Should().Be((false, 9));
    }

    [Fact]
    public void Who_enables_it_lends_it_his_key()
    {
        Ask(Subscribe());
        Ask(new EnableWebhook(Id)).Should().BeEmpty("it is enabled in this name");
        Ask(new EnableWebhook(Id), Other).Should().Equal(new WebhookEvent.Enabled(Id, Other));
        Ask(new DisableWebhook(Id, Subscriptions.Asked, 0, 0));
        Ask(new EnableWebhook(Id), By).Should().Equal(new WebhookEvent.Enabled(Id, By));
        (Row().By, Row().IsEnabled, Row().Undelivered).Should().Be((By, true, 0));
    }

    [Fact]
    public void A_row_is_read_as_it_was_written()
    {
        Ask(Subscribe() with { Types = ["a.b.v1", "c.d.v1"], Accounts = [AccountId.Parse("x:y")] });
        Ask(new RotateWebhookSecret(Id, "new", 60));
        var writer = new RowWriter(new byte[16]);
        WebhookRow.Write(Row(), ref writer);
        var reader = new RowReader(writer.Written);
        WebhookRow.Read(ref reader).Should().BeEquivalentTo(Row());
        reader.AtEnd.Should().BeTrue();
    }

    private static SubscribeWebhook Subscribe(long? from = null) => new(Id, Url, [], [], "secret", from);

    private static WebhookEvent.Subscribed Subscribed(long from) => new(Id, Url, [], [], "secret", By, from);

    private WebhookRow Row() => _bank.Webhooks.Rows[_bank.Webhooks.Rows.Find(Id)];

    private string? Code(WebhookCommand command) => Decide(command, By).Rejected?.Code;

    private Decision Decide(WebhookCommand command, Tag by)
    {
        if (!_bank.Book.IsOpen) Found(BookMode.Live);
        return _bank.Webhooks.Decide(
            new Moment(Noon, default, _position, default, Scopes.All), by, command);
    }

    private Event[] Ask(WebhookCommand command, Tag? by = null)
    {
        var decision = Decide(command, by ?? By);
        decision.Rejected.Should().BeNull();
        foreach (var @event in decision) _bank.Evolve(_position++, default, @event);
        return [.. decision.Events];
    }

    private void Found(BookMode mode) => _bank.Book.Open(
        new(Tag.Of("test"), mode, "529900TESTBANK00TE42", AssetCode.Parse("EUR"), Tag.Of("utc"), Tag.Of("daily"),
            Tag.Of("de"), 86_400, 100_000), default);
}
