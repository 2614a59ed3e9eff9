using System.Collections.Immutable;

namespace BankingEngine.Domain.Kernel;

/// <summary>A currency or fund of ISO 4217.</summary>
/// <param name="Asset">Its code, and its minor unit as scale.</param>
/// <param name="Numeric">Its three-figure code, 1 to 999, as card messages carry it.</param>
public readonly record struct Iso4217Currency(Asset Asset, short Numeric);

/// <summary>The active currencies and funds that have a minor unit.</summary>
/// <remarks>
/// Source: ISO 4217, list one of the maintenance agency as published on 2026-01-01, amendment 180 included. Metals,
/// bond market units, units of account and codes for tests have no minor unit and are left out: a book that needs
/// gold registers it with a scale of its own. A book's assets are reference data; this list only proposes scales.
/// </remarks>
public static class Iso4217
{
    private const int CodeLength = 3, EntryLength = 7;

    // Code, numeric code, minor unit; ascending.
    private const string Table = """
        AED7842 AFN9712 ALL0082 AMD0512 AOA9732 ARS0322 AUD0362 AWG5332 AZN9442 BAM9772 BBD0522 BDT0502
        BHD0483 BIF1080 BMD0602 BND0962 BOB0682 BOV9842 BRL9862 BSD0442 BTN0642 BWP0722 BYN9332 BZD0842
        CAD1242 CDF9762 CHE9472 CHF7562 CHW9482 CLF9904 CLP1520 CNY1562 COP1702 COU9702 CRC1882 CUP1922
        CVE1322 CZK2032 DJF2620 DKK2082 DOP2142 DZD0122 EGP8182 ERN2322 ETB2302 EUR9782 FJD2422 FKP2382
        GBP8262 GEL9812 GHS9362 GIP2922 GMD2702 GNF3240 GTQ3202 GYD3282 HKD3442 HNL3402 HTG3322 HUF3482
        IDR3602 ILS3762 INR3562 IQD3683 IRR3642 ISK3520 JMD3882 JOD4003 JPY3920 KES4042 KGS4172 KHR1162
        KMF1740 KPW4082 KRW4100 KWD4143 KYD1362 KZT3982 LAK4182 LBP4222 LKR1442 LRD4302 LSL4262 LYD4343
        MAD5042 MDL4982 MGA9692 MKD8072 MMK1042 MNT4962 MOP4462 MRU9292 MUR4802 MVR4622 MWK4542 MXN4842
        MXV9792 MYR4582 MZN9432 NAD5162 NGN5662 NIO5582 NOK5782 NPR5242 NZD5542 OMR5123 PAB5902 PEN6042
        PGK5982 PHP6082 PKR5862 PLN9852 PYG6000 QAR6342 RON9462 RSD9412 RUB6432 RWF6460 SAR6822 SBD0902
        SCR6902 SDG9382 SEK7522 SGD7022 SHP6542 SLE9252 SOS7062 SRD9682 SSP7282 STN9302 SVC2222 SYP7602
        SZL7482 THB7642 TJS9722 TMT9342 TND7883 TOP7762 TRY9492 TTD7802 TWD9012 TZS8342 UAH9802 UGX8000
        USD8402 USN9972 UYI9400 UYU8582 UYW9274 UZS8602 VED9262 VES9282 VND7040 VUV5480 WST8822 XAD3962
        XAF9500 XCD9512 XCG5322 XOF9520 XPF9530 YER8862 ZAR7102 ZMW9672 ZWG9242
        """;

    /// <summary>Every currency, ascending by code.</summary>
    public static ImmutableArray<Iso4217Currency> All { get; } = Read();

    /// <summary>The currency of that code.</summary>
    /// <returns>False where the list does not have it, or has it without a minor unit.</returns>
    public static bool TryGet(AssetCode code, out Asset asset)
    {
        int low = 0, high = All.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            asset = All[middle].Asset;
            if (asset.Code == code) return true;
            if (asset.Code < code) low = middle + 1;
            else high = middle - 1;
        }
        asset = default;
        return false;
    }

    /// <summary>The currency of that three-figure code.</summary>
    public static bool TryGet(int numeric, out Asset asset)
    {
        asset = default;
        foreach (var currency in All)
        {
            if (currency.Numeric != numeric) continue;
            asset = currency.Asset;
            return true;
        }
        return false;
    }

    private static ImmutableArray<Iso4217Currency> Read()
    {
        var currencies = ImmutableArray.CreateBuilder<Iso4217Currency>();
        foreach (var range in Table.AsSpan().SplitAny(' ', '\n'))
        {
            var entry = Table.AsSpan(range);
            if (entry.Length != EntryLength) throw new InvalidOperationException($"Not an entry: {entry}.");
            var numeric = (entry[3] - '0') * 100 + (entry[4] - '0') * 10 + (entry[5] - '0');
            currencies.Add(new(Asset.Of(entry[..CodeLength], (byte)(entry[^1] - '0')), (short)numeric));
        }
        return currencies.ToImmutable();
    }
}
