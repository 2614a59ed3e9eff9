using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using static BankingEngine.Host.Grpc.EventStore.MemberInfo.Types;

namespace BankingEngine.Host.Journals.EventStore;

/// <summary>
/// The nodes behind a connection string: which one leads, which one history is read from. Finds them when first asked,
/// by gossip where the string says so, follows a node's word that another one leads, and looks anew after a failure.
/// </summary>
/// <remarks>Any thread.</remarks>
internal sealed class EventStoreCluster : IDisposable
{
    /// <summary>A node's word on who leads is followed so often in one call.</summary>
    private const int MostRedirects = 3;

    private static readonly VNodeState[] Readable = [VNodeState.Leader, VNodeState.Follower, VNodeState.ReadOnlyReplica];

    private readonly EventStoreSettings _settings;
    private readonly X509Certificate2Collection? _authorities;
    private readonly X509Certificate2? _certificate;
    private readonly SemaphoreSlim _finding = new(1, 1);
    private readonly Lock _gate = new();
    private GrpcChannel? _leader, _history;
    private DnsEndPoint? _said;
    private bool _disposed;

    /// <exception cref="JournalException">Refused: a certificate's file cannot be read.</exception>
    public EventStoreCluster(EventStoreSettings settings)
    {
        _settings = settings;
        try
        {
            if (settings.TlsCaFile is { } file)
            {
                _authorities = [];
                _authorities.ImportFromPemFile(file);
                if (_authorities.Count == 0) throw new CryptographicException("it holds no certificate");
            }
            if (settings.UserCertFile is { } own)
                _certificate = X509Certificate2.CreateFromPemFile(own, settings.UserKeyFile);
        }
        catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException or CryptographicException
            or ArgumentException)
        {
            throw new JournalException(
                JournalFault.Refused,
                "A file that the event store's connection string names (tlsCaFile, userCertFile, userKeyFile) cannot be "
                + $"used: {wrong.Message}",
                wrong);
        }
    }

    public EventStoreSettings Settings => _settings;

    /// <summary>Calls a node; again where it says that another one leads.</summary>
    /// <param name="history">Of the node that history is read from; else of the leader, which has to lead.</param>
    /// <param name="wait">Most time for all of it.</param>
    /// <param name="call">Gets the time that is left.</param>
    /// <exception cref="GrpcException">The call did not end well, or no node was found.</exception>
    public async Task<T> CallAsync<T>(
        bool history, TimeSpan wait, Func<GrpcChannel, TimeSpan, Task<T>> call, CancellationToken cancellation = default)
    {
        var started = Stopwatch.GetTimestamp();
        for (var redirects = 0; ; redirects++)
        {
            var left = wait - Stopwatch.GetElapsedTime(started);
            if (left <= TimeSpan.Zero) throw new GrpcException(GrpcCode.DeadlineExceeded, "The deadline is over.");
            var channel = await FindAsync(history, left, cancellation).ConfigureAwait(false);
            try
            {
                return await call(channel, wait - Stopwatch.GetElapsedTime(started)).ConfigureAwait(false);
            }
            catch (GrpcException failed)
            {
                if (failed.Leader is { } leader)
                {
                    Drop(channel, new DnsEndPoint(leader.Host, leader.Port));
                    if (redirects < MostRedirects) continue;
                }
                else if (IsOfTheNode(failed) && !cancellation.IsCancellationRequested) Drop(channel, said: null);
                throw At(channel, failed);
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _leader?.Dispose();
            if (!ReferenceEquals(_history, _leader)) _history?.Dispose();
            (_leader, _history) = (null, null);
        }
        _certificate?.Dispose();
        _finding.Dispose();
    }

    /// <summary>Whether a failure lies with the node or the way to it, so that another one is to be looked for.</summary>
    private static bool IsOfTheNode(GrpcException failed) => failed.Reason == GrpcException.NotLeader
        || failed.Code is GrpcCode.Unavailable or GrpcCode.DeadlineExceeded or GrpcCode.Cancelled or GrpcCode.Internal
            or GrpcCode.Unknown or GrpcCode.Aborted;

    /// <summary>The same failure, saying at which node.</summary>
    private static GrpcException At(GrpcChannel channel, GrpcException failed) =>
        new(failed.Code, $"{channel.Address.Authority}: {failed.Detail}", failed.Trailers, failed.InnerException ?? failed);

    private void Drop(GrpcChannel channel, DnsEndPoint? said)
    {
        lock (_gate)
        {
            if (!ReferenceEquals(channel, _leader) && !ReferenceEquals(channel, _history)) return;
            if (!ReferenceEquals(_history, _leader)) _history?.Dispose();
            _leader?.Dispose();
            (_leader, _history, _said) = (null, null, said);
        }
    }

    private async Task<GrpcChannel> FindAsync(bool history, TimeSpan wait, CancellationToken cancellation)
    {
        if (Known(history) is { } known) return known;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        ending.CancelAfter(wait);
        try
        {
            await _finding.WaitAsync(ending.Token).ConfigureAwait(false);
        }
        catch (Exception over) when (over is OperationCanceledException or ObjectDisposedException)
        {
            throw new GrpcException(GrpcCode.DeadlineExceeded, $"No node of {_settings} was found in time.", null, over);
        }
        try
        {
            if (Known(history) is { } found) return found;
            var (leader, other) = _said is { } said ? (said, said)
                : _settings.Discover ? await DiscoverAsync(ending.Token).ConfigureAwait(false)
                : (_settings.Hosts[0], _settings.Hosts[0]);
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                _leader = Open(leader, requiresLeader: true, _settings.GossipTimeout);
                _history = other.Equals(leader)
                    ? _leader
                    : Open(other, requiresLeader: false, _settings.GossipTimeout);
                _said = null;
                return history ? _history : _leader;
            }
        }
        catch (ObjectDisposedException closing)
        {
            throw new GrpcException(GrpcCode.Cancelled, "The journal is closing.", null, closing);
        }
        finally
        {
            if (!_disposed) _finding.Release();
        }
    }

    private GrpcChannel? Known(bool history)
    {
        lock (_gate) return history ? _history : _leader;
    }

    private GrpcChannel Open(DnsEndPoint at, bool requiresLeader, TimeSpan connect) => new(
        new(new UriBuilder(_settings.Tls ? Uri.UriSchemeHttps : Uri.UriSchemeHttp, at.Host, at.Port).Uri)
        {
            // Without TLS anyone on the way could read them: a warning says that they stay here.
            Credentials = _settings.Tls && _settings.User is { } user ? new(user, _settings.Password) : null,
            ConnectionName = _settings.ConnectionName,
            RequiresLeader = requiresLeader,
            KeepAliveInterval = _settings.KeepAliveInterval,
            KeepAliveTimeout = _settings.KeepAliveTimeout ?? System.Threading.Timeout.InfiniteTimeSpan,
            ConnectTimeout = connect,
            VerifiesCertificate = _settings.TlsVerifyCert,
            Authorities = _authorities,
            Certificate = _certificate,
        });

    /// <summary>Asks the seeds, in any order, until one of them knows a leader.</summary>
    private async Task<(DnsEndPoint Leader, DnsEndPoint History)> DiscoverAsync(CancellationToken cancellation)
    {
        var answers = new Dictionary<string, string>();
        Exception? last = null;
        for (var attempt = 1; attempt <= _settings.MaxDiscoverAttempts && !cancellation.IsCancellationRequested; attempt++)
        {
            var seeds = _settings.Hosts.ToArray();
            Random.Shared.Shuffle(seeds);
            foreach (var seed in seeds)
            {
                try
                {
                    var members = await GossipAsync(seed, cancellation).ConfigureAwait(false);
                    if (Choose(members) is { } chosen) return chosen;
                    answers[$"{seed.Host}:{seed.Port}"] = members.Count == 0
                        ? "knows no members"
                        : "knows no leader, but " + string.Join(", ", members.Select(Describe));
                }
                catch (GrpcException failed)
                {
                    last = failed;
                    answers[$"{seed.Host}:{seed.Port}"] = failed.Detail;
                }
            }
            try
            {
                await Task.Delay(_settings.DiscoveryInterval, cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }
        throw new GrpcException(
            GrpcCode.Unavailable,
            "No leader was found by gossip. " + string.Join("; ", answers.Select(a => $"{a.Key} {a.Value}")),
            null,
            last);
    }

    private async Task<IReadOnlyList<MemberInfo>> GossipAsync(DnsEndPoint seed, CancellationToken cancellation)
    {
        using var channel = Open(seed, requiresLeader: false, _settings.GossipTimeout);
        var cluster = await channel.CallAsync(EventStoreMethods.Gossip, new Empty(), _settings.GossipTimeout, cancellation)
            .ConfigureAwait(false);
        return [.. cluster.Members.Where(member => member.IsAlive && member.HttpEndPoint is not null)];
    }

    /// <returns>Null where nobody leads.</returns>
    private (DnsEndPoint Leader, DnsEndPoint History)? Choose(IReadOnlyList<MemberInfo> members)
    {
        var leader = members.FirstOrDefault(member => member.State == VNodeState.Leader);
        if (leader is null) return null;
        var wanted = _settings.NodePreference switch
        {
            NodePreference.Follower => members.Where(member => member.State == VNodeState.Follower),
            NodePreference.ReadOnlyReplica => members.Where(member => member.State == VNodeState.ReadOnlyReplica),
            NodePreference.Random => members.Where(member => Readable.Contains(member.State)),
            _ => [leader],
        };
        var candidates = wanted.ToArray();
        return (EndPointOf(leader), EndPointOf(candidates.Length > 0 ? Random.Shared.GetItems(candidates, 1)[0] : leader));
    }

    private static DnsEndPoint EndPointOf(MemberInfo member) =>
        new(member.HttpEndPoint.Address, (int)member.HttpEndPoint.Port);

    private static string Describe(MemberInfo member) =>
        $"{member.HttpEndPoint.Address}:{member.HttpEndPoint.Port} {member.State}";
}
