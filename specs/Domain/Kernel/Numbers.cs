using System.Numerics;
using BankingEngine.Domain.Kernel;
using FsCheck;
using FsCheck.Fluent;

namespace BankingEngine.Specs.Domain.Kernel;

/// <summary>
/// Generated numbers and texts for the properties of the kernel; a failure prints the seed to run again.
/// </summary>
internal static class Numbers
{
    private static readonly Gen<ulong> Word = Gen.Frequency(
        (3, Gen.Choose(0, int.MaxValue).Two().Select(pair => (ulong)pair.Item1 << 33 | (ulong)pair.Item2 << 2)),
        (1, Gen.Elements(0UL, 1UL, 2UL, ulong.MaxValue, ulong.MaxValue - 1, 1UL << 63, uint.MaxValue)));

    /// <summary>Small, wide and extreme 128-bit numbers of either sign.</summary>
    public static readonly Gen<Int128> Wide = Gen.Frequency(
        (3, Word.Two().Select(pair => unchecked((Int128)new UInt128(pair.Item1, pair.Item2)))),
        (2, Gen.Choose(-1_000_000, 1_000_000).Select(value => (Int128)value)),
        (1, Word.Select(value => (Int128)value)),
        (1, Gen.Elements(Int128.MinValue, Int128.MaxValue, Int128.MinValue + 1, Int128.One, Int128.NegativeOne)));

    public static readonly Gen<Rounding> AnyRounding = Gen.Elements(Enum.GetValues<Rounding>());

    public static readonly Gen<Asset> AnyAsset =
        Gen.Choose(0, Asset.MaxScale).Select(scale => Asset.Of("X-1", (byte)scale));

    public static readonly Gen<BusinessDate> AnyDate =
        Gen.Choose(BusinessDate.First.Day, BusinessDate.Last.Day).Select(day => new BusinessDate(day));

    /// <summary>Runs a property 2,000 times and throws, with the seed, at the first counterexample.</summary>
    public static void Holds<TValue>(Gen<TValue> values, Action<TValue> property) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2_000), Prop.ForAll(values.ToArbitrary(), property));

    public static BigInteger Big(Int128 value) => (BigInteger)value;

    /// <summary>A text of the letters, of a length up to one too many.</summary>
    public static Gen<string> Text(string letters, int longest) =>
        Gen.Choose(0, longest + 1).SelectMany(length =>
            Gen.Elements(letters.ToCharArray()).ArrayOf(length).Select(chosen => new string(chosen)));
}
