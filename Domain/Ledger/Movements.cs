namespace BankingEngine.Domain.Ledger;

/// <summary>The net effect of one entry on one account in one asset.</summary>
/// <param name="Account">Row of the account.</param>
/// <param name="Asset">Row of the asset.</param>
/// <param name="Balance">Row of the balance, or −1 where the entry makes the first use of it.</param>
public record struct Movement(
    int Account, int Asset, int Balance, Int128 DebitsPosted, Int128 CreditsPosted, Int128 DebitsPending,
    Int128 CreditsPending);

/// <summary>
/// The movements of the entry at hand: legs gathered per account and asset, so that limits are judged once on the net
/// effect. One buffer, used again for each entry by the single writer.
/// </summary>
public sealed class Movements
{
    /// <summary>More legs than this are refused: an entry has to be readable, and its line to fit a block.</summary>
    public const int MaxLegs = 256;

    private readonly Movement[] _items = new Movement[2 * MaxLegs];

    public int Count { get; private set; }

    public ref Movement this[int index] => ref _items[index];

    public ReadOnlySpan<Movement> All => _items.AsSpan(0, Count);

    public void Clear() => Count = 0;

    /// <summary>The movement of an account in an asset, made when it is the entry's first.</summary>
    public ref Movement Of(LedgerTables tables, int account, int asset)
    {
        for (var i = 0; i < Count; i++)
        {
            if (_items[i].Account == account && _items[i].Asset == asset) return ref _items[i];
        }
        _items[Count] = new Movement(account, asset, tables.FindBalance(account, asset), 0, 0, 0, 0);
        return ref _items[Count++];
    }
}
