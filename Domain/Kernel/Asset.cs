namespace BankingEngine.Domain.Kernel;

/// <summary>What an amount counts: fiat, crypto, a security or a point alike.</summary>
/// <param name="Code">ISO 4217 for fiat; else as registered.</param>
/// <param name="Scale">Figures after the point of the smallest unit, 0 to 18. Never changes once registered.</param>
/// <exception cref="ArgumentOutOfRangeException">A scale above <see cref="MaxScale"/>.</exception>
public readonly record struct Asset(AssetCode Code, byte Scale)
{
    public const byte MaxScale = 18;

    // As wide as the code, so that an asset, and an amount of it, have no padding: equal bytes mean equal values,
    // and the other way round.
    private readonly UInt128 scale = InRange(Scale);

    public byte Scale
    {
        get => (byte)scale;
        init => scale = InRange(value);
    }

    /// <summary>Smallest units in one whole unit: 10 to the power of the scale.</summary>
    public Int128 MinorPerUnit => Digits.PowerOfTen(Scale);

    /// <inheritdoc cref="AssetCode.Parse"/>
    /// <param name="code">As <see cref="AssetCode"/> allows.</param>
    /// <param name="scale">0 to 18.</param>
    public static Asset Of(ReadOnlySpan<char> code, byte scale) => new(AssetCode.Parse(code), scale);

    /// <summary>The code and, after a slash, the scale: <c>USD/2</c>.</summary>
    public override string ToString() => $"{Code}/{Scale}";

    private static byte InRange(byte scale) => scale <= MaxScale
        ? scale
        : throw new ArgumentOutOfRangeException(nameof(scale), scale, "A scale is at most 18.");
}
