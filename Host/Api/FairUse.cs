using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using BankingEngine.Application.Engine;

namespace BankingEngine.Host.Api;

/// <summary>Who sends requests, as far as rates go: an API key, a signing key, or an address.</summary>
public readonly record struct Source(byte Kind, UInt128 Value)
{
    private const byte Address = 1, ApiKey = 2, SigningKey = 3;

    /// <summary>An address; of the sixth version its first 64 bits, which one customer has alone.</summary>
    public static Source Of(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        (address ?? IPAddress.None).MapToIPv6().TryWriteBytes(bytes, out _);
        if (address is { IsIPv4MappedToIPv6: false, AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6 })
            bytes[8..].Clear();
        return new(Address, System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    public static Source Of(in Caller caller) => new(ApiKey, (UInt128)(uint)caller.Number);

    public static Source Of(in Domain.Kernel.SigningKey key)
    {
        Span<byte> point = stackalloc byte[Domain.Kernel.SigningKey.PointBytes];
        key.CopyPoint(point);
        return new(SigningKey, System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(point[1..]));
    }
}

/// <summary>
/// Rates at the edge, in memory and forgotten at a restart; what money and state allow is the book's affair. Limits a
/// key, an address and a signing key, and keeps the work of signatures that fail below half a core.
/// </summary>
/// <remarks>
/// <c>FairUse:PerKeyPerSecond</c> (an API key; 0, the default: no limit), <c>FairUse:PerAddressPerSecond</c> (requests
/// without an API key), <c>FairUse:PerSigningKeyPerSecond</c> (commands that its signature holds for). Any thread.
/// </remarks>
public sealed class FairUse
{
    /// <summary>More than two cores can verify, so that one wallet host behind one address is not held up.</summary>
    public const int PerAddressPerSecond = 20_000;

    public const int PerSigningKeyPerSecond = 5_000;

    /// <summary>Time spent on signatures that fail, of one core's: above it, who failed lately waits.</summary>
    public const double FailingShare = 0.4;

    /// <summary>Above it, everyone waits of whom no signature held lately.</summary>
    public const double MostFailingShare = 0.5;

    /// <summary>Sources of whom it is remembered whether their last signatures held.</summary>
    public const int MaxRemembered = 16_384;

    /// <summary>How long it is remembered.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(60);

    private const int Slots = 10;
    private static readonly TimeSpan Slot = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<Source, long> _failed = new(), _held = new();
    private readonly Buckets? _keys, _addresses, _signers;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Lock _counting = new();
    private readonly TimeSpan[] _spent = new TimeSpan[Slots];
    private long _slot;

    public FairUse(IConfiguration configuration, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _start = _time.GetTimestamp();
        Buckets? Limit(string name, int usual)
        {
            var perSecond = configuration.GetValue("FairUse:" + name, usual);
            return perSecond <= 0 ? null : new(perSecond);
        }
        _keys = Limit("PerKeyPerSecond", 0);
        _addresses = Limit(nameof(PerAddressPerSecond), PerAddressPerSecond);
        _signers = Limit(nameof(PerSigningKeyPerSecond), PerSigningKeyPerSecond);
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>One request of an API key.</summary>
    /// <returns>A flaw that says when to come again; null where the request may go on.</returns>
    public Flaw? Take(in Caller caller) => _keys is null ? null : _keys.Take(Source.Of(caller), Now, "key");

    /// <summary>One request without an API key.</summary>
    public Flaw? Take(IPAddress? address) => _addresses?.Take(Source.Of(address), Now, "address");

    /// <summary>One command of a key whose signature holds.</summary>
    public Flaw? Take(in Domain.Kernel.SigningKey key) => _signers?.Take(Source.Of(key), Now, "signing_key");

    /// <summary>Whether a signature of this source may be verified now.</summary>
    public Flaw? MayVerify(in Source source)
    {
        var share = FailingNow();
        if (share < FailingShare) return null;
        var hasFailed = IsRecent(_failed, source);
        if (!hasFailed && (share < MostFailingShare || IsRecent(_held, source))) return null;
        var seconds = (int)Math.Ceiling((Slots * Slot).TotalSeconds);
        return new Flaw(SigningProblems.Busy, Detail: $"Come again in {seconds} seconds.") { RetryAfterSeconds = seconds };
    }

    /// <summary>Counts a verification.</summary>
    public void Verified(in Source source, bool held, TimeSpan took)
    {
        if (held)
        {
            Remember(_held, source);
            return;
        }
        Remember(_failed, source);
        lock (_counting)
        {
            Turn();
            _spent[_slot % Slots] += took;
        }
    }

    /// <summary>The share of one core that failing signatures took lately.</summary>
    private double FailingNow()
    {
        lock (_counting)
        {
            Turn();
            var sum = TimeSpan.Zero;
            foreach (var spent in _spent) sum += spent;
            return sum / (Slots * Slot);
        }
    }

    private void Turn()
    {
        var now = Now / Slot is var slots ? (long)slots : 0;
        for (var passed = long.Min(now - _slot, Slots); passed > 0; passed--) _spent[(now - passed + 1) % Slots] = default;
        _slot = long.Max(now, _slot);
    }

    private void Remember(ConcurrentDictionary<Source, long> who, in Source source)
    {
        if (!who.ContainsKey(source) && who.Count >= MaxRemembered) who.Clear();
        who[source] = Now.Ticks;
    }

    private bool IsRecent(ConcurrentDictionary<Source, long> who, in Source source) =>
        who.TryGetValue(source, out var at) && Now.Ticks - at < Remembered.Ticks;
}

/// <summary>
/// A bucket each for many sources: two seconds' worth at once, then so many a second. Kept as the instant at which the
/// bucket would be full again, so that one number is all there is to a source.
/// </summary>
internal sealed class Buckets(int perSecond)
{
    /// <summary>Sources with a bucket of their own; when all are in use, the others share one.</summary>
    public const int MaxTracked = 65_536;

    private const long Burst = 2 * TimeSpan.TicksPerSecond;

    private readonly ConcurrentDictionary<Source, Bucket> _buckets = new();
    private readonly Bucket _shared = new();

    private readonly long _interval = long.Max(1, TimeSpan.TicksPerSecond / perSecond);
    private int _count;
    private long _swept;

    /// <param name="which">What is limited, for the answer.</param>
    public Flaw? Take(in Source source, TimeSpan now, string which)
    {
        var bucket = Of(source, now.Ticks);
        while (true)
        {
            var full = Volatile.Read(ref bucket.FullAt);
            var next = long.Max(full, now.Ticks) + _interval;
            if (next - now.Ticks > Burst)
            {
                var seconds = (int)((next - now.Ticks - Burst + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond);
                var limit = perSecond.ToString(CultureInfo.InvariantCulture);
                return new Flaw(
                    SigningProblems.RateLimited, which, Detail: $"At most {limit} a second; it frees in {seconds} s.")
                { RetryAfterSeconds = seconds };
            }
            if (Interlocked.CompareExchange(ref bucket.FullAt, next, full) == full) return null;
        }
    }

    private Bucket Of(in Source source, long now)
    {
        if (_buckets.TryGetValue(source, out var known)) return known;
        if (Volatile.Read(ref _count) >= MaxTracked) Sweep(now);
        if (Volatile.Read(ref _count) >= MaxTracked) return _shared;
        var made = new Bucket();
        var kept = _buckets.GetOrAdd(source, made);
        if (ReferenceEquals(kept, made)) Interlocked.Increment(ref _count);
        return kept;
    }

    /// <summary>Forgets who has asked nothing for a while: a full bucket is a new one. Once a second at most.</summary>
    private void Sweep(long now)
    {
        var last = Volatile.Read(ref _swept);
        if (now - last < TimeSpan.TicksPerSecond || Interlocked.CompareExchange(ref _swept, now, last) != last) return;
        foreach (var (source, bucket) in _buckets)
        {
            if (Volatile.Read(ref bucket.FullAt) <= now && _buckets.TryRemove(source, out _))
                Interlocked.Decrement(ref _count);
        }
    }

    private sealed class Bucket
    {
        public long FullAt;
    }
}
