using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Host.Api.Fields;

namespace BankingEngine.Host.Api;

/// <summary>Commands about who may act for an account.</summary>
public static partial class CommandCatalogue
{
    private static CommandSpec[] OfAuthority() =>
    [
        new("permissions.create", "accounts/{account}/permissions", Scopes.Authority,
            "Give an account permissions of its own",
            [Account, OwnerAuthority, ActiveAuthority], [Channel],
            static (f, _) => new CreatePermissions(f.Account, f.OwnerAuthority!, f.ActiveAuthority!, f.Channel),
            """
            {"owner":{"threshold":1,"keys":[{"key":"r1:A2sX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW","weight":1}]},
             "active":{"threshold":1,"keys":[{"key":"r1:A2sX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW","weight":1}]}}
            """) { Creates = true },
        new("permission.set", "accounts/{account}/permissions/{permission}", Scopes.Authority,
            "Make a permission, or replace its authority",
            [Account, Permission, NewAuthority], [Parent],
            static (f, _) => new SetPermission(f.Account, f.Permission, f.Parent, f.NewAuthority!),
            """
            {"parent":"active","authority":{"threshold":2,"accounts":[{"level":"ann@active","weight":1},
             {"level":"bob@active","weight":1}],"waits":[{"seconds":86400,"weight":1}]}}
            """),
        new("permission.remove", "accounts/{account}/permissions/{permission}/remove", Scopes.Authority,
            "Remove a permission that nothing depends on",
            [Account, Permission], [],
            static (f, _) => new RemovePermission(f.Account, f.Permission),
            "{}"),
        new("permission.link", "accounts/{account}/links", Scopes.Authority,
            "State the least permission that a kind of command needs",
            [Account, LinkedCommand, Permission], [LinkedAsset],
            static (f, _) => new LinkPermission(f.Account, f.LinkedCommand!, f.LinkedAsset, f.Permission),
            """{"command_name":"transfer.make","asset":"EUR","permission":"payroll"}"""),
        new("permission.unlink", "accounts/{account}/links/remove", Scopes.Authority, "Take a link back",
            [Account, LinkedCommand], [LinkedAsset],
            static (f, _) => new UnlinkPermission(f.Account, f.LinkedCommand!, f.LinkedAsset),
            """{"command_name":"transfer.make","asset":"EUR"}"""),
        new("permissions.limit_changes", "accounts/{account}/change-limits", Scopes.Authority,
            "Fix under which permissions an account's permissions may change",
            [Account], [Allow, Disallow],
            static (f, _) => new LimitChanges(f.Account, f.Allow, f.Disallow),
            """{"allow":["owner"]}"""),
        new("key.bind", "keys/{key}/binding", Scopes.Keys, "Say what an API key stands for",
            [Key, Provides], [Exercises],
            static (f, _) => new BindKey(f.Key, f.Provides, f.Exercises),
            """{"provides":"bank@mobile","exercises":"channel"}"""),
    ];
}
