using System.Buffers;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Application.Ports;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Host.Api;

/// <summary>The checkpoints of a running book, signed with a key that the book itself announced.</summary>
/// <remarks>
/// The key is the key store's <c>checkpoint.pem</c> (on files <c>keys/checkpoint.pem</c>), PKCS #8, made when it is
/// missing. To change keys, move it away and start again: the book announces the new key, and what the old one signed
/// still holds.
/// </remarks>
public sealed class CheckpointService : IDisposable
{
    public const string KeyFile = "checkpoint.pem";

    /// <summary>Signed texts kept to be given again; the oldest makes room.</summary>
    private const int MaxKept = 64;

    private readonly Dictionary<long, string> kept = [];
    private readonly Queue<long> order = new();
    private readonly Lock gate = new();
    private readonly Func<BookEngine> current;
    private readonly CheckpointSigner signer;
    private bool announced;

    private CheckpointService(Func<BookEngine> current, CheckpointSigner signer) =>
        (this.current, this.signer) = (current, signer);

    /// <summary>How checkpoints and proofs name the book.</summary>
    public string Origin => signer.KeyName;

    public TreeStore Tree => current().Tree ?? throw new InvalidOperationException("This book keeps no tree.");

    /// <summary>Loads or makes the key, and has the book announce it unless it is the one announced last.</summary>
    /// <param name="current">The book's engine as it is now.</param>
    /// <param name="keys">Where the key lies.</param>
    /// <exception cref="System.Security.Cryptography.CryptographicException">What lies there is no private key on
    /// P-256.</exception>
    /// <exception cref="InvalidOperationException">The book refused the announcement.</exception>
    public static async Task<CheckpointService> OpenAsync(Func<BookEngine> current, IKeyStore keys)
    {
        ArgumentNullException.ThrowIfNull(current);
        ArgumentNullException.ThrowIfNull(keys);
        var origin = Checkpoint.OriginOf(current().Journal.Identity.Book);
        var signer = Load(keys, origin);
        var service = new CheckpointService(current, signer);
        try
        {
            await service.AnnounceAsync().ConfigureAwait(false);
        }
        catch (EngineUnavailableException)
        {
            // A book whose clock is held has to open, so that an operator can accept the clock, and one that follows
            // announces nothing: the key is announced when a checkpoint is first asked for.
        }
        catch
        {
            service.Dispose();
            throw;
        }
        return service;
    }

    /// <summary>The signed checkpoint of a size: the same text each time while it is kept.</summary>
    /// <param name="size">1 to the last durable position.</param>
    /// <exception cref="ArgumentOutOfRangeException">The book has not so many durable events.</exception>
    /// <exception cref="EngineUnavailableException">The key is not announced yet, and cannot be now.</exception>
    public async Task<string> AtAsync(long size)
    {
        if (!Volatile.Read(ref announced)) await AnnounceAsync().ConfigureAwait(false);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, current().DurablePosition);
        return Sign(size);
    }

    private string Sign(long size)
    {
        lock (gate)
        {
            if (kept.TryGetValue(size, out var text)) return text;
            // The time is the last event's, so that a checkpoint states nothing that the events do not.
            text = signer.Sign(new(Origin, size, Tree.Root(size), RecordedAt(size)));
            if (order.Count == MaxKept) kept.Remove(order.Dequeue());
            kept.Add(size, text);
            order.Enqueue(size);
            return text;
        }
    }

    /// <summary>
    /// The newest announced keys, in order of announcing, at most <see cref="BookEngine.MaxRowsRead"/>.
    /// </summary>
    public Task<CheckpointKeyRow[]> KeysAsync() => current().ReadAsync((bank, _) =>
    {
        var rows = bank.Book.CheckpointKeys;
        var first = Math.Max(0, rows.Count - BookEngine.MaxRowsRead);
        return Enumerable.Range(first, rows.Count - first).Select(row => rows[row]).ToArray();
    });

    public void Dispose() => signer.Dispose();

    internal async Task AnnounceAsync()
    {
        var key = new BookEvent.CheckpointKeyAnnounced(Origin, Convert.ToBase64String(signer.SubjectPublicKeyInfo));
        var known = await KeysAsync().ConfigureAwait(false);
        if (known.Length == 0 || known[^1].Announced != key)
        {
            var command = new AnnounceCheckpointKey(key.Name, key.PublicKey);
            var envelope = new Envelope(default, Envelope.Engine, 0);
            var answer = await current().SendAsync(envelope, command, "book.announce_checkpoint_key")
                .ConfigureAwait(false);
            if (answer.Ended.Ending != Ending.Accepted)
                throw new InvalidOperationException(
                    $"The checkpoint key was not announced: {EngineMeters.OutcomeOf(answer.Ended)}.");
        }
        Volatile.Write(ref announced, true);
    }

    private DateTimeOffset RecordedAt(long position)
    {
        var line = new ArrayBufferWriter<byte>();
        if (!current().Journal.TryReadEvent(position, line))
            throw new InvalidOperationException($"Event {position} is durable and not there.");
        return DateTimeOffset.UnixEpoch.AddMicroseconds(EventLine.Read(line.WrittenSpan).Head.At.Microseconds);
    }

    /// <summary>The key is durable before the book says that it signs with it.</summary>
    private static CheckpointSigner Load(IKeyStore keys, string origin)
    {
        byte[] Make()
        {
            using var made = CheckpointSigner.Create(origin);
            return System.Text.Encoding.ASCII.GetBytes(made.ToPem());
        }
        return CheckpointSigner.FromPem(origin, System.Text.Encoding.ASCII.GetString(keys.Named(KeyFile, Make)));
    }
}
