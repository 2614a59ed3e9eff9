using System.Collections.Immutable;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>A permission of an account's own.</summary>
/// <param name="Parent">None for owner only.</param>
public readonly record struct PermissionRow(Level Level, Tag Parent, Authority Authority) : IRow<PermissionRow, Level>
{
    public Level Key => Level;

    public static void Write(in PermissionRow row, ref RowWriter to)
    {
        to.Value(row.Level);
        to.Value(row.Parent);
        row.Authority.Write(ref to);
    }

    public static PermissionRow Read(ref RowReader from) =>
        new(from.Value<Level>(), from.Value<Tag>(), Authority.Read(ref from));
}

/// <summary>A kind of command of an account, of one asset or of any.</summary>
/// <remarks>Sixty-four bytes without padding.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct LinkKey(AssetCode Asset, AccountId Account, ulong Command) : IComparable<LinkKey>
{
    public int CompareTo(LinkKey other) =>
        Account != other.Account ? Account.CompareTo(other.Account)
        : Command != other.Command ? Command.CompareTo(other.Command) : Asset.CompareTo(other.Asset);
}

[StructLayout(LayoutKind.Sequential)]
public readonly record struct LinkRow(LinkKey Key, Tag Permission) : IRow<LinkRow, LinkKey>;

/// <summary>A key that stands in some authority, and in how many.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct SigningKeyRow(SigningKey Key, long Uses, long Filler) : IRow<SigningKeyRow, SigningKey>;

/// <summary>What an API key stands for, where it is not the bank's channel.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct KeyBindingRow(Tag Key, Tag Exercises, Level Provides) : IRow<KeyBindingRow, Tag>;

/// <summary>Under which permissions an account's permissions may be changed.</summary>
public readonly record struct ChangeLimitRow(AccountId Account, ImmutableArray<Tag> Allow, ImmutableArray<Tag> Disallow)
    : IRow<ChangeLimitRow, AccountId>
{
    public AccountId Key => Account;

    public bool Allows(Tag permission) =>
        Allow.Length > 0 ? Allow.Contains(permission) : !Disallow.Contains(permission);

    public bool Equals(ChangeLimitRow other) => Account == other.Account
        && Allow.AsSpan().SequenceEqual(other.Allow.AsSpan())
        && Disallow.AsSpan().SequenceEqual(other.Disallow.AsSpan());

    public override int GetHashCode() => Account.GetHashCode();

    public static void Write(in ChangeLimitRow row, ref RowWriter to)
    {
        to.Value(row.Account);
        to.Values(row.Allow.AsSpan());
        to.Values(row.Disallow.AsSpan());
    }

    public static ChangeLimitRow Read(ref RowReader from) =>
        new(from.Value<AccountId>(), [.. from.Values<Tag>()], [.. from.Values<Tag>()]);
}
