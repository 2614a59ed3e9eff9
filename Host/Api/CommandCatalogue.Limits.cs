using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Host.Api.Fields;

namespace BankingEngine.Host.Api;

/// <summary>Commands about what may be spent, and about the way back in after keys are lost.</summary>
public static partial class CommandCatalogue
{
    private static CommandSpec[] OfLimits() =>
    [
        new("limit.set", "accounts/{account}/spending-limits", Scopes.Authority,
            "Limit what may be spent of an asset under a permission",
            [Account, Permission, Fields.Asset], [PerTransaction, PerWindow, WindowSeconds, Counterparties, PasskeyAbove],
            static (f, _) => new SetSpendingLimit(
                f.Account, f.Permission, f.Asset, f.Has(PerTransaction) ? f.PerTransaction : null,
                f.Has(PerWindow) ? f.PerWindow : null, f.WindowSeconds, f.Counterparties,
                f.Has(PasskeyAbove) ? f.PasskeyAbove : null),
            """
            {"permission":"channel","asset":"EUR","per_transaction":{"asset":"EUR","amount":"500.00"},
             "per_window":{"asset":"EUR","amount":"2000.00"},"window_seconds":86400}
            """),
        new("limit.remove", "accounts/{account}/spending-limits/remove", Scopes.Authority, "Take a spending limit back",
            [Account, Permission, Fields.Asset], [],
            static (f, _) => new RemoveSpendingLimit(f.Account, f.Permission, f.Asset),
            """{"permission":"channel","asset":"EUR"}"""),
        new("recovery.allow", "accounts/{account}/recovery/allow", Scopes.Authority,
            "Let the permission recovery replace owner and active after a delay",
            [Account, DelaySeconds], [],
            static (f, _) => new AllowRecovery(f.Account, f.Number),
            """{"delay_seconds":604800}"""),
        new("recovery.start", "accounts/{account}/recovery/start", Scopes.Authority,
            "Begin to replace the lost keys of an account",
            [Account, OwnerAuthority, Statement], [],
            static (f, sealing) => new StartRecovery(
                f.Account, f.OwnerAuthority!, sealing.Seal(f, Statement, f.Account, f.Statement!)),
            """
            {"owner":{"threshold":1,"keys":[{"key":"r1:A2sX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW","weight":1}]},
             "statement":"Passport seen at the branch."}
            """),
        new("recovery.veto", "accounts/{account}/recovery/veto", Scopes.Authority, "Stop a recovery: the keys are not lost",
            [Account], [],
            static (f, _) => new VetoRecovery(f.Account),
            "{}"),
        new("recovery.complete", "accounts/{account}/recovery/complete", Scopes.Authority,
            "Replace owner and active, after the delay",
            [Account], [],
            static (f, _) => new CompleteRecovery(f.Account),
            "{}"),
    ];
}
