using System.Collections.Concurrent;
using System.Security.Cryptography;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Signing;

/// <summary>Verifies signatures with the base library's ECDSA, keeping the keys that were used last.</summary>
/// <remarks>
/// Any thread. The platform does not promise that one key object may be used by two threads at once, so a key has one
/// for each processor, taken out while it is used.
/// </remarks>
public sealed class SignatureVerifier : IDisposable
{
    /// <summary>Keys kept; beyond, those unused for longest make room.</summary>
    public const int MaxKeys = 4_096;

    private readonly ConcurrentDictionary<SigningKey, Kept> _kept = new();
    private readonly Lock _making = new();
    private int _count;

    /// <summary>Whether a signature of the right form is one of this key over this hash.</summary>
    /// <param name="hash">32 bytes.</param>
    /// <param name="signature">64 bytes.</param>
    public SigningFault Verify(in SigningKey key, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        if (!TryKeep(key, out var kept)) return SigningFault.WrongCurve;
        var verifying = kept.Take();
        var holds = verifying.VerifyHash(hash, signature, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        kept.Return(verifying);
        return holds ? SigningFault.None : SigningFault.NotValid;
    }

    /// <summary>Whether one key's part of the evidence holds over the hash of the signed bytes.</summary>
    /// <param name="origins">Null: any.</param>
    public SigningFault Verify(in SignatureEvidence given, ReadOnlySpan<byte> signedHash, PasskeyOrigins? origins)
    {
        if (EcSignature.Check(given.Key.Kind, given.Signature) is var fault and not SigningFault.None) return fault;
        if (given.Key.Kind != KeyKind.Passkey)
        {
            return given.AuthenticatorData is null && given.ClientData is null
                ? Verify(given.Key, signedHash, given.Signature)
                : SigningFault.SignatureMalformed;
        }
        if (given.AuthenticatorData is null || given.ClientData is null) return SigningFault.SignatureMalformed;
        var said = Passkeys.Check(given.Key, given.AuthenticatorData, given.ClientData, signedHash, origins);
        if (said != SigningFault.None) return said;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Passkeys.HashOf(given.AuthenticatorData, given.ClientData, hash);
        return Verify(given.Key, hash, given.Signature);
    }

    public void Dispose()
    {
        foreach (var kept in _kept.Values) kept.Dispose();
        _kept.Clear();
    }

    private bool TryKeep(in SigningKey key, out Kept kept)
    {
        var found = _kept.TryGetValue(key, out kept!);
        if (!found)
        {
            if (!Curve.TryPoint(key, out var point)) return false;
            kept = _kept.GetOrAdd(key, new Kept(new() { Curve = Curve.Of(key.Kind).Named, Q = point }));
            if (Interlocked.Increment(ref _count) > MaxKeys) MakeRoom();
        }
        kept.LastUsed = Environment.TickCount64;
        return true;
    }

    /// <summary>A quarter at once, so that a flood of new keys does not sort the cache for each.</summary>
    private void MakeRoom()
    {
        lock (_making)
        {
            if (_kept.Count > MaxKeys)
            {
                foreach (var (key, kept) in _kept.ToArray().OrderBy(pair => pair.Value.LastUsed).Take(MaxKeys / 4))
                {
                    if (_kept.TryRemove(new(key, kept))) kept.Dispose();
                }
            }
            Volatile.Write(ref _count, _kept.Count);
        }
    }

    /// <summary>The key objects of one key. One that is in use while the others go is left to its finalizer.</summary>
    private sealed class Kept(ECParameters parameters) : IDisposable
    {
        private readonly ECDsa?[] _idle = new ECDsa?[int.Min(Environment.ProcessorCount, 16)];

        public long LastUsed { get; set; }

        public ECDsa Take() => Interlocked.Exchange(ref Place(), null) ?? ECDsa.Create(parameters);

        public void Return(ECDsa used)
        {
            if (Interlocked.CompareExchange(ref Place(), used, null) is not null) used.Dispose();
        }

        public void Dispose()
        {
            for (var i = 0; i < _idle.Length; i++) Interlocked.Exchange(ref _idle[i], null)?.Dispose();
        }

        private ref ECDsa? Place() => ref _idle[Thread.GetCurrentProcessorId() % _idle.Length];
    }
}
