using System.Collections.Immutable;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation.Model;

public sealed partial class ReferenceModel
{
    private const AccountFlags BothLimits =
        AccountFlags.DebitsMustNotExceedCredits | AccountFlags.CreditsMustNotExceedDebits;

    private string? Open(OpenAccount c)
    {
        if ((c.Flags & BothLimits) == BothLimits) return "account.limits_exclude_each_other";
        var any = c.Flags.HasFlag(AccountFlags.AnyAsset);
        if (any != c.Assets.IsEmpty) return "account.no_assets";
        if (c.Assets.Length > 64) return "account.too_many_assets";
        var name = c.Id.ToString();
        if (name.StartsWith("pos:", StringComparison.Ordinal) || name.StartsWith("eqv:", StringComparison.Ordinal)
            || name.StartsWith("client:", StringComparison.Ordinal))
            return "account.reserved_name";
        var balances = ImmutableSortedDictionary<string, ModelBalance>.Empty.WithComparers(StringComparer.Ordinal);
        foreach (var code in c.Assets)
        {
            if (Usable(code.ToString()) is { } no) return no;
            balances = balances.SetItem(code.ToString(), ModelBalance.Empty with { Opened = true });
        }
        if (_s.Accounts.ContainsKey(name)) return "account.already_exists";
        _s = _s.With(name, new ModelAccount(
            c.Class, c.Flags.HasFlag(AccountFlags.DebitsMustNotExceedCredits),
            c.Flags.HasFlag(AccountFlags.CreditsMustNotExceedDebits), Closed: false, any, System: false, balances));
        return Happened();
    }

    private string? Add(AddAsset c)
    {
        if (Standing(c.Id.ToString(), out var account) is { } no) return no;
        var asset = c.Asset.ToString();
        if (Usable(asset) is { } unusable) return unusable;
        if (account.In(asset).Opened) return null;
        _s = _s.With(c.Id.ToString(), asset, account.In(asset) with { Opened = true });
        return Happened();
    }

    private string? Limit(SetLimits c)
    {
        var name = c.Id.ToString();
        if (!_s.Accounts.TryGetValue(name, out var account)) return "account.not_found";
        if ((c.Limits & BothLimits) == BothLimits) return "account.limits_exclude_each_other";
        if (account.Closed) return "account.closed";
        var debits = c.Limits.HasFlag(AccountFlags.DebitsMustNotExceedCredits);
        var credits = c.Limits.HasFlag(AccountFlags.CreditsMustNotExceedDebits);
        if (debits == account.DebitsLimited && credits == account.CreditsLimited) return null;
        foreach (var b in account.Balances.Values)
        {
            if (debits && b.Free + b.Overdraft < 0) return "account.limit_already_broken";
            if (credits && b.CreditsPosted + b.CreditsPending > b.DebitsPosted) return "account.limit_already_broken";
        }
        _s = _s.With(name, account with { DebitsLimited = debits, CreditsLimited = credits });
        return Happened();
    }

    private string? Grant(GrantOverdraft c)
    {
        if (Resolve(c.Limit, out var limit) is { } no) return no;
        if (limit < 0) return "account.overdraft_negative";
        var name = c.Id.ToString();
        if (Standing(name, out var account) is { } gone) return gone;
        var balance = account.In(c.Limit.Asset.ToString());
        if (!balance.Opened) return "account.asset_not_opened";
        if (balance.Overdraft == limit) return null;
        _s = _s.With(name, c.Limit.Asset.ToString(), balance with { Overdraft = limit });
        return Happened();
    }

    private string? Close(CloseAccount c)
    {
        var name = c.Id.ToString();
        if (!_s.Accounts.TryGetValue(name, out var account)) return "account.not_found";
        if (account.Closed) return "account.already_closed";
        if (account.System) return "account.system";
        if (_s.Restraints.Values.Any(restraint => restraint.Account == name)) return "account.not_empty";
        if (account.Balances.Values.Any(b =>
            b.CreditsPosted != b.DebitsPosted || b.DebitsPending != 0 || b.CreditsPending != 0))
            return "account.not_empty";
        if (_s.Years.Keys.Any(key => key.Account == name)) return "account.year_open";
        _s = _s.With(name, account with { Closed = true });
        return Happened();
    }

    private string? Reopen(ReopenAccount c)
    {
        if (!_s.Accounts.TryGetValue(c.Id.ToString(), out var account)) return "account.not_found";
        if (!account.Closed) return "account.not_closed";
        _s = _s.With(c.Id.ToString(), account with { Closed = false });
        return Happened();
    }

    private string? Register(RegisterAsset c)
    {
        if (c.Scale > 18) return "asset.scale_out_of_range";
        if (_s.Assets.ContainsKey(c.Code.ToString())) return "asset.already_exists";
        _s = _s with { Assets = _s.Assets.Add(c.Code.ToString(), new(c.Scale, Retired: false)) };
        return Happened();
    }

    private string? Retire(RetireAsset c)
    {
        var code = c.Code.ToString();
        if (!_s.Assets.TryGetValue(code, out var asset)) return "asset.unknown";
        if (code == _founding.Functional) return "asset.functional";
        if (asset.Retired) return null;
        _s = _s with { Assets = _s.Assets.SetItem(code, asset with { Retired = true }) };
        return Happened();
    }

    private string? Standing(string name, out ModelAccount account)
    {
        if (!_s.Accounts.TryGetValue(name, out account!)) return "account.not_found";
        return account.Closed ? "account.closed" : null;
    }

    private string? Usable(string asset)
    {
        if (!_s.Assets.TryGetValue(asset, out var row)) return "asset.unknown";
        return row.Retired ? "asset.retired" : null;
    }

    /// <summary>An event without money.</summary>
    private string? Happened()
    {
        _parts++;
        return null;
    }
}
