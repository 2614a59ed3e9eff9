using System.Diagnostics;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Domain.Accounts.AuthorityRejections;

namespace BankingEngine.Domain.Accounts;

/// <summary>
/// Accounts' permissions: a tree of named authorities, <c>owner</c> over <c>active</c> over any number of others, and
/// the links that say which of them a kind of command needs at least.
/// </summary>
/// <remarks>Source: AntelopeIO/spring eosio_contract.cpp and authorization_manager.cpp.</remarks>
public sealed class Permissions
{
    public const int MaxPermissions = 64, MaxLinks = 256, MaxChangeLimits = MaxPermissions;

    /// <summary>Of a wallet, which anybody has for next to nothing: strangers fill little of the book.</summary>
    public const int MaxPermissionsOfWallet = 8, MaxLinksOfWallet = 16, MaxFactorsOfWallet = 16;

    /// <summary>Permissions that one authority may lead to, in all.</summary>
    public const int MaxTree = 1_024;

    public static readonly Tag Owner = Tag.Of("owner"), Active = Tag.Of("active"), Channel = Tag.Of("channel");

    /// <summary>What a command is linked to that needs no particular permission of the account's.</summary>
    public static readonly Tag Any = Tag.Of("any");

    /// <summary>The bank itself: its permissions are those of its staff, its links its own rules.</summary>
    public static readonly AccountId Bank = AccountId.Parse("bank");

    /// <summary>What the bank's channels stand for.</summary>
    public static readonly Level BankChannel = new(Bank, Channel);

    private static readonly Authority ByBankChannel = Authority.Of(BankChannel);

    public Permissions(Tables tables)
    {
        Rows = new(tables, "accounts.permissions");
        InOrder = Rows.Ordered(static (in PermissionRow r, out Level k) => { k = r.Level; return true; }, unique: true);
        Links = new(tables, "accounts.links");
        LinksInOrder = Links.Ordered(static (in LinkRow r, out LinkKey k) => { k = r.Key; return true; }, unique: true);
        SigningKeys = new(tables, "accounts.signing_keys");
        Bindings = new(tables, "accounts.key_bindings");
        ChangeLimits = new(tables, "accounts.change_limits");
    }

    public Table<Level, PermissionRow> Rows { get; }
    public OrderedIndex<PermissionRow, Level> InOrder { get; }
    public Table<LinkKey, LinkRow> Links { get; }
    public OrderedIndex<LinkRow, LinkKey> LinksInOrder { get; }
    public Table<SigningKey, SigningKeyRow> SigningKeys { get; }
    public Table<Tag, KeyBindingRow> Bindings { get; }
    public Table<AccountId, ChangeLimitRow> ChangeLimits { get; }

    /// <summary>Whether an account decides itself who acts for it.</summary>
    public bool HasOwn(AccountId account) => Rows.Count > 0 && Rows.Find(new(account, Owner)) >= 0;

    public bool TryFind(Level level, out Authority authority)
    {
        var row = Rows.Count > 0 ? Rows.Find(level) : -1;
        authority = row >= 0 ? Rows[row].Authority : null!;
        return row >= 0;
    }

    /// <summary>What an API key stands for; the bank's channel unless it is bound.</summary>
    public KeyBindingRow BindingOf(Tag key) => Bindings.Count > 0 && Bindings.TryGet(key, out var bound)
        ? bound : new(key, Channel, BankChannel);

    /// <summary>
    /// The permission a command is linked to: of the asset first, then of any; none when it is not. Payments of an
    /// account that has a permission <c>channel</c> are linked to that unless it says otherwise.
    /// </summary>
    public Tag LinkOf(AccountId account, CommandName command, AssetCode asset)
    {
        if (StatedLinkOf(account, command, asset) is { IsNone: false } stated) return stated;
        return CommandNames.IsPayment(command) && Rows.Find(new(account, Channel)) >= 0 ? Channel : default;
    }

    private Tag StatedLinkOf(AccountId account, CommandName command, AssetCode asset)
    {
        if (Links.Count == 0) return default;
        var hash = command.Hash;
        if (!asset.IsNone && Links.TryGet(new(asset, account, hash), out var exact)) return exact.Permission;
        return Links.TryGet(new(default, account, hash), out var any) ? any.Permission : default;
    }

    /// <summary>Whether a permission is another of the same account, or stands above it.</summary>
    public bool IsSameOrAbove(AccountId account, Tag permission, Tag other)
    {
        for (var i = 0; i <= MaxPermissions && !other.IsNone; i++)
        {
            if (permission == other) return true;
            var row = Rows.Find(new(account, other));
            if (row < 0) return false;
            other = Rows[row].Parent;
        }
        return false;
    }

    /// <summary>
    /// The permission that one has to stand at or above to change permissions by this command.
    /// </summary>
    public (AccountId Account, Tag Minimum) DominatorOf(Command command) => command switch
    {
        SetPermission c => (c.Account, Rows.Find(new(c.Account, c.Name)) >= 0 || c.Parent.IsNone ? c.Name : c.Parent),
        RemovePermission c => (c.Account, c.Name),
        LinkPermission c => (c.Account, LinkChanger(c.Account, c.CommandName, c.Asset)),
        UnlinkPermission c => (c.Account, LinkChanger(c.Account, c.CommandName, c.Asset)),
        LimitChanges c => (c.Account, Owner),
        _ => throw new UnreachableException(command.GetType().Name),
    };

    /// <summary>
    /// What one has to stand at or above to limit a permission: what is above it; owner has nothing above.
    /// </summary>
    public Tag Above(Level level) =>
        Rows.TryGet(level, out var row) && !row.Parent.IsNone ? row.Parent : Owner;

    /// <summary>Whether a permission may have this authority.</summary>
    public Rejection? Check(Level level, Authority authority) =>
        Shape(level.Account, authority) ?? Resolve(level, authority);

    /// <summary>The least permission that a command of an account with permissions of its own needs.</summary>
    public Tag Minimum(AccountId account, CommandName command, AssetCode asset) =>
        LinkOf(account, command, asset) is { IsNone: false } linked ? linked : Active;

    public Decision Decide(CreatePermissions c)
    {
        if (HasOwn(c.Account)) return Exists;
        var level = new Level(c.Account, Owner);
        if (Check(level, c.Owner) is { } no) return no;
        if (Check(new(c.Account, Active), c.Active) is { } wrong) return wrong;
        return new PermissionEvent.Created(c.Account, c.Owner, c.Active, c.Channel);
    }

    public Decision Decide(SetPermission c)
    {
        if (!HasOwn(c.Account)) return NoneOfItsOwn;
        if (IsReserved(c.Name)) return NameReserved;
        if (Shape(c.Account, c.Authority) is { } malformed) return malformed;
        var level = new Level(c.Account, c.Name);
        var row = Rows.Find(level);
        if (row >= 0)
        {
            if (!c.Parent.IsNone && c.Parent != Rows[row].Parent) return ParentWrong;
            if (Rows[row].Authority.Equals(c.Authority)) return [];
        }
        else
        {
            if (c.Parent.IsNone || c.Parent == c.Name || Rows.Find(new(c.Account, c.Parent)) < 0) return ParentWrong;
            if (CountOf(c.Account) >= (Wallets.IsWallet(c.Account) ? MaxPermissionsOfWallet : MaxPermissions))
                return TooMany;
        }
        if (Resolve(level, c.Authority) is { } no) return no;
        return new PermissionEvent.Set(c.Account, c.Name, row >= 0 ? Rows[row].Parent : c.Parent, c.Authority);
    }

    public Decision Decide(RemovePermission c)
    {
        if (c.Name == Owner || c.Name == Active) return LastWayIn;
        if (Rows.Find(new(c.Account, c.Name)) < 0) return NotFound;
        foreach (var (level, row) in InOrder.From(new(c.Account, default)))
        {
            if (level.Account != c.Account) break;
            if (Rows[row].Parent == c.Name) return InUse;
        }
        foreach (var (key, row) in LinksInOrder.From(new(default, c.Account, 0)))
        {
            if (key.Account != c.Account) break;
            if (Links[row].Permission == c.Name) return InUse;
        }
        return new PermissionEvent.Removed(c.Account, c.Name);
    }

    public Decision Decide(LinkPermission c)
    {
        if (CheckLink(c.Account, c.CommandName) is { } no) return no;
        if (c.Permission != Any && Rows.Find(new(c.Account, c.Permission)) < 0) return NotFound;
        var key = new LinkKey(c.Asset, c.Account, CommandName.HashOf(c.CommandName));
        if (Links.TryGet(key, out var row) && row.Permission == c.Permission) return [];
        return LinksOf(c.Account) >= (Wallets.IsWallet(c.Account) ? MaxLinksOfWallet : MaxLinks)
            ? TooMany : new PermissionEvent.Linked(c.Account, c.CommandName, c.Asset, c.Permission);
    }

    public Decision Decide(UnlinkPermission c)
    {
        if (CheckLink(c.Account, c.CommandName) is { } no) return no;
        return Links.Find(new(c.Asset, c.Account, CommandName.HashOf(c.CommandName))) < 0
            ? LinkNotFound : new PermissionEvent.Unlinked(c.Account, c.CommandName, c.Asset);
    }

    public Decision Decide(LimitChanges c)
    {
        if (!HasOwn(c.Account)) return NoneOfItsOwn;
        if (c.Allow.Length > MaxChangeLimits || c.Disallow.Length > MaxChangeLimits) return TooMany;
        if ((c.Allow.Length > 0 && c.Disallow.Length > 0) || (c.Allow.Length > 0 && !c.Allow.Contains(Owner))
            || c.Disallow.Contains(Owner))
            return ChangesMalformed;
        return new PermissionEvent.ChangesLimited(c.Account, c.Allow, c.Disallow);
    }

    public Decision Decide(BindKey c, Keys keys)
    {
        if (!keys.Rows.TryGet(c.Key, out var key)) return Keys.NotFound;
        if (key.Revoked != 0) return Keys.NotUsable;
        var provides = c.Provides;
        if (c.Exercises.IsNone || provides.Permission.IsNone) return NameReserved;
        if (HasOwn(provides.Account) ? Rows.Find(provides) < 0 : provides.Account != Bank) return NotFound;
        return BindingOf(c.Key) == new KeyBindingRow(c.Key, c.Exercises, provides)
            ? [] : new PermissionEvent.KeyBound(c.Key, provides, c.Exercises);
    }

    public void Evolve(PermissionEvent @event)
    {
        switch (@event)
        {
            case PermissionEvent.Created e: Create(e); break;
            case PermissionEvent.Set e: Put(new PermissionRow(new(e.Account, e.Name), e.Parent, e.Authority)); break;
            case PermissionEvent.Removed e:
                var row = Rows.Find(new(e.Account, e.Name));
                Count(Rows[row].Authority, -1);
                Rows.Delete(row);
                break;
            case PermissionEvent.Linked e:
                Put(new LinkRow(new(e.Asset, e.Account, CommandName.HashOf(e.Command)), e.Permission));
                break;
            case PermissionEvent.Unlinked e:
                Links.Delete(Links.Find(new(e.Asset, e.Account, CommandName.HashOf(e.Command))));
                break;
            case PermissionEvent.ChangesLimited e: Limit(e); break;
            case PermissionEvent.KeyBound e:
                var bound = new KeyBindingRow(e.Key, e.Exercises, e.Provides);
                var at = Bindings.Find(e.Key);
                if (at < 0) Bindings.Insert(bound);
                else Bindings.Update(at, bound);
                break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    private void Create(PermissionEvent.Created e)
    {
        Put(new PermissionRow(new(e.Account, Owner), default, e.Owner));
        Put(new PermissionRow(new(e.Account, Active), Owner, e.Active));
        if (e.Channel) Put(new PermissionRow(new(e.Account, Channel), Active, ByBankChannel));
    }

    private void Put(in PermissionRow next)
    {
        var row = Rows.Find(next.Level);
        if (row >= 0)
        {
            Count(Rows[row].Authority, -1);
            Rows.Update(row, next);
        }
        else
        {
            Rows.Insert(next);
        }
        Count(next.Authority, 1);
    }

    private void Put(in LinkRow next)
    {
        var row = Links.Find(next.Key);
        if (row < 0) Links.Insert(next);
        else Links.Update(row, next);
    }

    private void Limit(PermissionEvent.ChangesLimited e)
    {
        var row = ChangeLimits.Find(e.Account);
        var next = new ChangeLimitRow(e.Account, e.Allow, e.Disallow);
        if (e.Allow.IsEmpty && e.Disallow.IsEmpty)
        {
            if (row >= 0) ChangeLimits.Delete(row);
        }
        else if (row < 0) ChangeLimits.Insert(next);
        else ChangeLimits.Update(row, next);
    }

    private void Count(Authority authority, int by)
    {
        foreach (var (key, _) in authority.Keys)
        {
            var row = SigningKeys.Find(key);
            if (row < 0) SigningKeys.Insert(new(key, by, 0));
            else if (SigningKeys[row].Uses + by == 0) SigningKeys.Delete(row);
            else SigningKeys.Update(row, new(key, SigningKeys[row].Uses + by, 0));
        }
    }

    /// <summary>Whether what an authority names exists, how deep it leads, and that it does not lead back.</summary>
    private Rejection? Resolve(Level level, Authority authority)
    {
        var visited = 0;
        return Resolve(level, authority, depth: 0, ref visited);
    }

    private Rejection? Resolve(Level start, Authority authority, int depth, ref int visited)
    {
        foreach (var (level, _) in authority.Accounts)
        {
            if (level == start) return Cyclic;
            if (++visited > MaxTree) return Authority.TooWide;
            if (depth >= Authority.MaxDepth) return TooDeep;
            if (TryFind(level, out var next))
            {
                if (Resolve(start, next, depth + 1, ref visited) is { } no) return no;
            }
            else if (depth == 0 && (level.Account == start.Account || !IsImplied(level))) return FactorUnknown;
        }
        return null;
    }

    /// <summary>A channel that may pay, since nothing else was said, does not say who else may.</summary>
    private Tag LinkChanger(AccountId account, string command, AssetCode asset) =>
        StatedLinkOf(account, new(command), asset) is { IsNone: false } linked && linked != Any ? linked : Active;

    /// <summary>
    /// Whether there is a permission that an API key or an approval can stand for. What the bank's channels stand for
    /// needs no row.
    /// </summary>
    public bool IsThere(Level level) => level == BankChannel || Rows.Find(level) >= 0 || IsImplied(level);

    /// <summary>Exists without a row: a wallet's own, and the bank's before it has any.</summary>
    private bool IsImplied(Level level)
    {
        if (HasOwn(level.Account)) return false;
        return level.Account == Bank
            || (Wallets.IsWallet(level.Account) && (level.Permission == Owner || level.Permission == Active));
    }

    private Rejection? CheckLink(AccountId account, string command)
    {
        if (!HasOwn(account)) return NoneOfItsOwn;
        if (!CommandNames.IsKnown(command)) return CommandUnknown;
        return CommandNames.IsFixed(command) ? CommandFixed : null;
    }

    private static Rejection? Shape(AccountId account, Authority authority) => authority.Check()
        ?? (Wallets.IsWallet(account) && authority.CountFactors() > MaxFactorsOfWallet ? Authority.TooWide : null);

    private static bool IsReserved(Tag name) =>
        name.IsNone || name == Any || name.ToString().StartsWith("bank.", StringComparison.Ordinal);

    private int CountOf(AccountId account)
    {
        var count = 0;
        foreach (var (level, _) in InOrder.From(new(account, default)))
        {
            if (level.Account != account) break;
            count++;
        }
        return count;
    }

    private int LinksOf(AccountId account)
    {
        var count = 0;
        foreach (var (key, _) in LinksInOrder.From(new(default, account, 0)))
        {
            if (key.Account != account) break;
            count++;
        }
        return count;
    }
}
