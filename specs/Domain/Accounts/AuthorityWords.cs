using System.Globalization;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Domain.Ledger;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>Authorities as one writes them down: <c>2: a*1 b*1 ann@active*1 60s*1</c>, where a to z are keys, A to Z passkeys.</summary>
internal static class AuthorityWords
{
    public static readonly Tag Owner = Permissions.Owner, Active = Permissions.Active;

    public static SigningKey Key(char letter)
    {
        Span<byte> point = stackalloc byte[SigningKey.PointBytes];
        (point[0], point[^1]) = (2, (byte)letter);
        return char.IsUpper(letter) ? new(KeyKind.Passkey, point, new byte[SigningKey.RelyingPartyBytes]) : new(KeyKind.P256, point);
    }

    public static SigningKey[] KeysOf(string letters) => [.. letters.Select(Key)];

    public static Level At(string level) => Level.Parse(level);

    public static Authority Rule(string text)
    {
        var parts = text.Split([':', ' '], StringSplitOptions.RemoveEmptyEntries);
        var factors = parts[1..].Select(part => part.Split('*')).Select(p => (What: p[0], Weight: ushort.Parse(p[1], CultureInfo.InvariantCulture)));
        var keys = factors.Where(f => f.What.Length == 1).Select(f => new KeyFactor(Key(f.What[0]), f.Weight));
        var levels = factors.Where(f => f.What.Contains('@')).Select(f => new AccountFactor(At(f.What), f.Weight));
        var waits = factors.Where(f => f.What.EndsWith('s') && !f.What.Contains('@'))
            .Where(f => f.What.Length > 1)
            .Select(f => new WaitFactor(int.Parse(f.What[..^1], CultureInfo.InvariantCulture), f.Weight));
        return new(uint.Parse(parts[0], CultureInfo.InvariantCulture), [.. keys], [.. levels], [.. waits]);
    }

    public static CreatePermissions Own(string account, string owner, string? active = null, bool channel = false) =>
        new(AccountId.Parse(account), Rule(owner), Rule(active ?? owner), channel);

    public static SetPermission Set(string account, string name, string parent, string authority) =>
        new(AccountId.Parse(account), Tag.Of(name), parent.Length == 0 ? default : Tag.Of(parent), Rule(authority));

    public static LinkPermission Link(string account, string command, string permission, string? asset = null) =>
        new(AccountId.Parse(account), command, asset is null ? default : AssetCode.Parse(asset), Tag.Of(permission));

    /// <summary>Signed by these keys to run under these levels, for ten minutes from now.</summary>
    public static Proof Signed(this SpecBook book, string levels, string keys, int seconds = 600) => new(
        [.. levels.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(At)], [.. KeysOf(keys)],
        book.Now.AddSeconds(seconds), """{"signed":"e30"}""");

    /// <summary>Without an API key.</summary>
    public static Ended Sign(this SpecBook book, Command command, string levels, string keys) =>
        book.Send(command, caller: Envelope.Signer, proof: book.Signed(levels, keys));
}
