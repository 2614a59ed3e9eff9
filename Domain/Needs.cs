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
            case MakeTransfer c: Gives(bank, need, c.Debit, c.Credit, c.Amount.Asset, c.Particulars, into); break;
            case ReserveTransfer c: Gives(bank, need, c.Debit, c.Credit, c.Amount.Asset, c.Particulars, into); break;
            case PostTransfer c:
                Resolves(bank, need, c.Id, payerMay: true, into);
                Dated(need, c.Particulars, into);
                break;
            case CancelTransfer c: Resolves(bank, need, c.Id, payerMay: false, into); break;
            case PostEntry c:
                foreach (var leg in c.Legs)
                {
                    if (leg.Side == Side.Debit || IsEmptiedByCredits(bank, leg.Account))
                        into.Add(need with { Kind = NeedKind.Gives, Account = leg.Account, Asset = leg.Amount.Asset });
                }
                Dated(need, c.Particulars, into);
                break;
            case ExchangeAssets c:
                // The price is the bank's: a customer alone cannot state it.
                into.Add(need with { Kind = NeedKind.Gives, Account = c.Customer, Asset = c.Sold.Asset });
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
                    Kind = NeedKind.Speaks, Account = c.Level.Account, Minimum = c.Level.Permission,
                });
                break;
            case InvalidateApprovals c: into.Add(need with { Kind = NeedKind.Account, Account = c.Account }); break;
            default: into.Add(need); break;
        }
    }

    private static void Gives(
        Bank bank, in Need need, AccountId debit, AccountId credit, AssetCode asset, Particulars particulars,
        List<Need> into)
    {
        into.Add(need with { Kind = NeedKind.Gives, Account = debit, Asset = asset });
        if (IsEmptiedByCredits(bank, credit))
            into.Add(need with { Kind = NeedKind.Gives, Account = credit, Asset = asset });
        Dated(need, particulars, into);
    }

    private static bool IsEmptiedByCredits(Bank bank, AccountId account)
    {
        if (!bank.Permissions.HasOwn(account)) return false;
        var row = bank.Ledger.Tables.Accounts.Find(account);
        return row >= 0 && bank.Ledger.Tables.Accounts[row].Class is AccountClass.Asset or AccountClass.Expense;
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

    /// <summary>Below an account with permissions of its own, that one lets others open: <c>shop.acme</c>.</summary>
    private static void Opens(Bank bank, in Need need, AccountId id, List<Need> into)
    {
        var suffix = AccountNames.SuffixOf(id);
        if (!suffix.IsNone && bank.Permissions.HasOwn(suffix))
            into.Add(need with { Kind = NeedKind.Account, Account = suffix });
        else into.Add(need);
    }
}
