using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Host.Api.Fields;

namespace BankingEngine.Host.Api;

/// <summary>
/// Commands of wallets. They have few of their own: a credit opens one, time closes it, and it pays as any account does.
/// </summary>
public static partial class CommandCatalogue
{
    private static CommandSpec[] OfWallets() =>
    [
        new("wallet.verify", "wallets/{account}/verify", Scopes.Parties, "Ask that a wallet be verified",
            [Account, Statement], [],
            static (f, sealing) =>
                new RequestVerification(f.Account, sealing.Seal(f, Statement, f.Account, f.Statement!)),
            """{"statement":"Identity session 4711 of the mobile app."}"""),
    ];
}
