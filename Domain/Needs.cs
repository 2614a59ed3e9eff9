using System.Runtime.InteropServices;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Domain;

/// <summary>Whose permission every command needs: one table.</summary>
/// <remarks>
/// Who gives, allows: each account whose debits rise; and an asset or expense account with permissions of its own also
/// when its credits rise, since that empties it. What the bank does as the bank (limits, restraints, corrections,
/// reference data) is its own to allow: an API key by its scope, or by the bank's links where it has any.
/// </remarks>
public static class Needs
{
    /// <summary>Adds what a command needs.</summary>
    /// <param name="link">Of a chain, from 1; 0 when it stands alone.</param>
    public static void Of(Bank bank, Command command, int link, List<Need> into)
    {
        var need = new Need(NeedKind.Bank, command, Link: link);
        switch (command)
        {
            case MakeTransfer c: Gives(bank, need, c.Debit, c.Credit, c.Amount, c.Particulars, into); break;
            case ReserveTransfer c: Gives(bank, need, c.Debit, c.Credit, c.Amount, c.Particulars, into); break;
            case PostTransfer c:
                Resolves(bank, need, c.Id, payerMay: true, into);
                Dated(need, c.Particulars, into);
                break;
            case CancelTransfer c: Resolves(bank, need, c.Id, payerMay: false, into); break;
            case PostEntry c:
                var first = into.Count;
                foreach (var leg in c.Legs)
                {
                    if (leg.Side == Side.Debit || IsEmptiedByCredits(bank, leg.Account))
                        GivesMore(bank, need with { Account = leg.Account }, leg.Amount, first, into);
                }
                Dated(need, c.Particulars, into);
                break;
            case ExchangeAssets c:
                // The price is the bank's: a customer alone cannot state it.
                into.Add(Giving(need, c.Customer, c.Sold));
                into.Add(need);
                break;
            case OpenAccount c: Opens(bank, need, c.Id, into); break;
            case CloseAccount c: into.Add(need with { Kind = NeedKind.AccountOrBank, Account = c.Id }); break;
            case AddAsset c: into.Add(need with { Kind = NeedKind.AccountOrBank, Account = c.Id }); break;
            case CreatePermissions c:
                into.Add(need with { Kind = NeedKind.First, Account = c.Account });
                break;
            case SetPermission or RemovePermission or LinkPermission or UnlinkPermission or LimitChanges:
                var (account, minimum) = bank.Permissions.DominatorOf(command);
                into.Add(need with { Kind = NeedKind.Dominates, Account = account, Minimum = minimum });
                break;
            case SetSpendingLimit c: Limits(bank, need, new(c.Account, c.Permission), into); break;
            case RemoveSpendingLimit c: Limits(bank, need, new(c.Account, c.Permission), into); break;
            case RequestVerification c: into.Add(need with { Kind = NeedKind.Account, Account = c.Wallet }); break;
            case AllowRecovery c: Dominates(need, c.Account, Permissions.Owner, into); break;
            case StartRecovery c: Dominates(need, c.Account, Recovery.Permission, into); break;
            case CompleteRecovery c: Dominates(need, c.Account, Recovery.Permission, into); break;
            case VetoRecovery c: into.Add(need with { Kind = NeedKind.Account, Account = c.Account }); break;
            case BindKey c when c.Provides.Account != Permissions.Bank || bank.Permissions.HasOwn(Permissions.Bank):
                into.Add(need);
                into.Add(need with
                {
                    Kind = NeedKind.Dominates,
                    Account = c.Provides.Account,
                    Minimum = c.Provides.Permission,
                });
                break;
            case ProposalCommand c:
                into.Add(need with
                {
                    Kind = NeedKind.Speaks,
                    Account = c.Level.Account,
                    Minimum = c.Level.Permission,
                });
                break;
            case InvalidateApprovals c: into.Add(need with { Kind = NeedKind.Account, Account = c.Account }); break;
            default: into.Add(need); break;
        }
    }

    private static void Limits(Bank bank, in Need need, Level level, List<Need> into) =>
        Dominates(need, level.Account, bank.Permissions.Above(level), into);

    private static void Dominates(in Need need, AccountId account, Tag minimum, List<Need> into) =>
        into.Add(need with { Kind = NeedKind.Dominates, Account = account, Minimum = minimum });

    private static void Gives(
        Bank bank, in Need need, AccountId debit, AccountId credit, in StatedAmount amount, Particulars particulars,
        List<Need> into)
    {
        into.Add(Giving(need, debit, amount));
        if (IsEmptiedByCredits(bank, credit)) into.Add(Giving(need, credit, amount));
        Dated(need, particulars, into);
    }

    private static Need Giving(in Need need, AccountId account, in StatedAmount amount) =>
        need with { Kind = NeedKind.Gives, Account = account, Asset = amount.Asset, Moves = amount };

    /// <summary>Several legs of one account are one gift, so that no mandate's limit is passed leg by leg.</summary>
    /// <param name="first">Where this command's needs begin.</param>
    private static void GivesMore(Bank bank, in Need need, in StatedAmount amount, int first, List<Need> into)
    {
        foreach (ref var given in CollectionsMarshal.AsSpan(into)[first..])
        {
            if (given.Account != need.Account || given.Asset != amount.Asset || given.Moves is not { } before) continue;
            if (bank.Ledger.Resolve(before, out var sum) is null && bank.Ledger.Resolve(amount, out var more) is null
                && !WouldOverflow(sum.Minor, more.Minor))
                given = given with { Moves = new(amount.Asset, sum.Minor + more.Minor, sum.Asset.Scale) };
            return;
        }
        into.Add(Giving(need, need.Account, amount));
    }

    /// <summary>Amounts below zero, and sums that no account can hold, are refused when it is decided.</summary>
    private static bool WouldOverflow(Int128 left, Int128 right) =>
        left < 0 || right < 0 || left > Int128.MaxValue - right;

    private static bool IsEmptiedByCredits(Bank bank, AccountId account)
    {
        // The account first: deciding looks it up again, while most have no permissions.
        var row = bank.Ledger.Tables.Accounts.Find(account);
        return row >= 0 && bank.Ledger.Tables.Accounts[row].Class is AccountClass.Asset or AccountClass.Expense
            && bank.Permissions.HasOwn(account);
    }

    /// <summary>Dates move interest and availability: who is not the bank takes today's.</summary>
    private static void Dated(in Need need, Particulars particulars, List<Need> into)
    {
        if (particulars.BookedOn.HasValue || particulars.ValueOn.HasValue) into.Add(need);
    }

    /// <summary>
    /// A reservation is resolved by the bank or by who is to receive; the payer may post it, but not take it back.
    /// </summary>
    private static void Resolves(Bank bank, in Need need, TransferId id, bool payerMay, List<Need> into)
    {
        var t = bank.Ledger.Tables;
        if (!t.Reservations.TryGet(id, out var row))
        {
            into.Add(need);
            return;
        }
        var payee = t.Accounts[t.Balances[row.CreditBalance].Account].Id;
        var payer = t.Accounts[t.Balances[row.DebitBalance].Account].Id;
        into.Add(need with
        {
            Kind = NeedKind.AccountOrBank,
            Account = payee,
            Asset = AssetOf(bank, row),
            Or = payerMay ? payer : default,
        });
    }

    private static AssetCode AssetOf(Bank bank, in ReservationRow row) =>
        bank.Ledger.Tables.Assets[bank.Ledger.Tables.Balances[row.DebitBalance].Asset].Code;

    /// <summary>
    /// Below an account with permissions of its own, that one lets others open: <c>shop.acme</c>. Names that are the
    /// bank's are given by the bank alone; below a wallet, whose rules would not hold there, nobody else opens one.
    /// </summary>
    private static void Opens(Bank bank, in Need need, AccountId id, List<Need> into)
    {
        var suffix = AccountNames.SuffixOf(id);
        if (!suffix.IsNone && bank.Permissions.HasOwn(suffix) && !AccountNames.IsBanks(id) && !Wallets.IsWallet(suffix))
            into.Add(need with { Kind = NeedKind.Account, Account = suffix });
        else into.Add(need);
    }
}
