using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>A key and how much its signature weighs.</summary>
public readonly record struct KeyFactor(SigningKey Key, ushort Weight);

/// <summary>Another account's permission and how much it weighs when it is satisfied itself.</summary>
public readonly record struct AccountFactor(Level Level, ushort Weight);

/// <summary>Time since the proposal, in seconds, and how much it weighs when it has passed.</summary>
public readonly record struct WaitFactor(int Seconds, ushort Weight);

/// <summary>Who suffices: factors whose weights reach the threshold.</summary>
/// <param name="Threshold">At least 1.</param>
/// <param name="Keys">Strictly ascending by the key's text.</param>
/// <param name="Accounts">Strictly ascending by account, then permission.</param>
/// <param name="Waits">Strictly ascending by seconds.</param>
/// <remarks>
/// Source: AntelopeIO/spring authority.hpp, whose rules <see cref="Check"/> follows; harder than there: 256 factors
/// instead of 65,536, no factor of weight zero, and waiting alone never suffices.
/// </remarks>
public sealed record Authority(
    uint Threshold, ImmutableArray<KeyFactor> Keys, ImmutableArray<AccountFactor> Accounts,
    ImmutableArray<WaitFactor> Waits)
{
    public const int MaxFactors = 256;

    /// <summary>45 days.</summary>
    public const int MaxWaitSeconds = 3_888_000;

    /// <summary>How deep accounts' permissions may stand in accounts' permissions.</summary>
    public const int MaxDepth = 6;

    public static readonly Rejection
        Empty = new("authority.threshold_zero", "An authority's threshold is 1 or more."),
        TooWide = new(
            "authority.too_wide", $"An authority has at most {MaxFactors} factors, a wallet's 16, its tree 1,024."),
        Unsorted = new(
            "authority.unsorted", "Keys, accounts and waits each stand in ascending order, none of them twice."),
        WeightZero = new("authority.weight_zero", "A factor weighs 1 to 65,535."),
        WaitOutOfRange = new(
            "authority.wait_out_of_range", $"A wait takes 1 to {MaxWaitSeconds} seconds."),
        Unsatisfiable = new("authority.unsatisfiable", "All factors together do not reach the threshold."),
        WaitsSuffice = new("authority.waits_suffice", "Waiting alone must not reach the threshold.");

    /// <summary>How many factors it has.</summary>
    public int CountFactors() => Keys.Length + Accounts.Length + Waits.Length;

    /// <summary>An authority of one key.</summary>
    public static Authority Of(SigningKey key) => new(1, [new(key, 1)], [], []);

    /// <summary>An authority of one permission of another account.</summary>
    public static Authority Of(Level level) => new(1, [], [new(level, 1)], []);

    /// <summary>What can be said without knowing the book.</summary>
    public Rejection? Check()
    {
        if (Threshold == 0) return Empty;
        if (CountFactors() > MaxFactors) return TooWide;
        long waits = 0, sum = 0;
        for (var i = 0; i < Keys.Length; i++)
        {
            if (Keys[i].Weight == 0) return WeightZero;
            if (Keys[i].Key.IsNone || (i > 0 && Keys[i].Key <= Keys[i - 1].Key)) return Unsorted;
            sum += Keys[i].Weight;
        }
        for (var i = 0; i < Accounts.Length; i++)
        {
            if (Accounts[i].Weight == 0) return WeightZero;
            if (i > 0 && Accounts[i].Level <= Accounts[i - 1].Level) return Unsorted;
            sum += Accounts[i].Weight;
        }
        for (var i = 0; i < Waits.Length; i++)
        {
            if (Waits[i].Weight == 0) return WeightZero;
            if (Waits[i].Seconds is < 1 or > MaxWaitSeconds) return WaitOutOfRange;
            if (i > 0 && Waits[i].Seconds <= Waits[i - 1].Seconds) return Unsorted;
            waits += Waits[i].Weight;
        }
        if (sum + waits < Threshold) return Unsatisfiable;
        return waits >= Threshold ? WaitsSuffice : null;
    }

    public bool Equals(Authority? other) => other is not null && Threshold == other.Threshold
        && Keys.AsSpan().SequenceEqual(other.Keys.AsSpan()) && Accounts.AsSpan().SequenceEqual(other.Accounts.AsSpan())
        && Waits.AsSpan().SequenceEqual(other.Waits.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Threshold, Keys.Length, Accounts.Length, Waits.Length);

    internal void Write(ref RowWriter to)
    {
        to.Value(Threshold);
        to.Values(Keys.Select(f => f.Key).ToArray().AsSpan());
        to.Values(Keys.Select(f => f.Weight).ToArray().AsSpan());
        to.Values(Accounts.Select(f => f.Level).ToArray().AsSpan());
        to.Values(Accounts.Select(f => f.Weight).ToArray().AsSpan());
        to.Values(Waits.Select(f => f.Seconds).ToArray().AsSpan());
        to.Values(Waits.Select(f => f.Weight).ToArray().AsSpan());
    }

    internal static Authority Read(ref RowReader from)
    {
        var threshold = from.Value<uint>();
        var (keys, keyWeights) = (from.Values<SigningKey>(), from.Values<ushort>());
        var (levels, levelWeights) = (from.Values<Level>(), from.Values<ushort>());
        var (waits, waitWeights) = (from.Values<int>(), from.Values<ushort>());
        return new(threshold,
            [.. keys.Zip(keyWeights, (key, weight) => new KeyFactor(key, weight))],
            [.. levels.Zip(levelWeights, (level, weight) => new AccountFactor(level, weight))],
            [.. waits.Zip(waitWeights, (seconds, weight) => new WaitFactor(seconds, weight))]);
    }
}
