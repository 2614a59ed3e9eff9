using System.Net;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Api.Signing;

/// <summary>An account that is nothing but a key: no party, no API key, nobody who opened it.</summary>
public sealed class WalletSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Theory]
    [InlineData(KeyKind.Secp256k1)]
    [InlineData(KeyKind.P256)]
    [InlineData(KeyKind.Passkey)]
    public async Task A_wallet_that_was_credited_pays_by_its_signature_alone(KeyKind kind)
    {
        using var owner = new Signer(kind);
        await Ruled();
        var pay = new SignedCall(served)
        {
            As = [$"{owner.Wallet}@active"],
            Fields = Fields(owner.Wallet.ToString(), "custody:desk", "0.0001"),
            Signers = [owner],
        };
        (await pay.Send()).Code.Should().Be("signature.key_unknown", "there is no wallet yet");
        var credited = await served.Post("/v1/transfers", Fields("custody:desk", owner.Wallet.ToString(), "0.0005"));
        credited.Status.Should().Be(HttpStatusCode.Created, credited.Text);
        var paid = await pay.Send();
        paid.Status.Should().Be(HttpStatusCode.Created, paid.Text);
    }

    private static string Fields(string debit, string credit, string amount) =>
        $$$"""{"debit":"{{{debit}}}","credit":"{{{credit}}}","amount":{"asset":"BTC","amount":"{{{amount}}}"}}""";

    /// <summary>A rule under which wallets may hold a coin, and a custody account to credit them from.</summary>
    private async Task Ruled()
    {
        await served.Post("/v1/assets", """{"asset":"BTC","scale":8,"title":"Bitcoin"}""");
        await served.Post("/v1/accounts",
            """{"account":"custody:desk","class":"memorandum","chart":"9000","assets":["BTC"]}""");
        var today = await served.Book.Engine.ReadAsync((bank, _) => bank.Book.Day.Today);
        static Amount Coins(long minor) => new(minor, new Asset(AssetCode.Parse("BTC"), 8));
        var rule = new ReferenceContent.WalletRule(
            [new(Coins(1_000), Coins(100_000), Coins(1_000_000), Coins(10_000_000))], 86_400, 7_776_000);
        await served.Book.Engine.SendAsync(
            new(default, Envelope.Engine, 0), new PublishReference(Wallets.RuleName, today, rule, default),
            "reference.publish");
    }
}
