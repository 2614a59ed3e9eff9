using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Gateway;

/// <summary>
/// Who leads the books, as clients of a cluster ask for it: this host, or another whose gateway is known by
/// <c>Gateway:Nodes</c>.
/// </summary>
internal sealed class GatewayMembers
{
    private const string LeaderHeader = "requires-leader", Section = "Gateway:Nodes";

    private readonly Dictionary<string, (string Host, int Port)> _nodes = [];
    private readonly Guid _instance = Guid.NewGuid();

    /// <exception cref="GatewayConfigurationException">An address is none.</exception>
    public GatewayMembers(IConfiguration configuration)
    {
        foreach (var node in (configuration[Section] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var mark = Math.Max(0, node.LastIndexOf('='));
            var name = node[..mark].Trim();
            if (name.Length == 0 || !TryAddress(node[(mark + 1)..].Trim(), out var at))
                throw new GatewayConfigurationException($"{Section}: '{node.Trim()}' is not name=host:port.");
            _nodes[name] = at;
        }
    }

    /// <summary>What clients are told that look for a host: this one, and the one that leads where another does.</summary>
    /// <param name="books">Those the caller may mean; none while the host starts.</param>
    public ClusterInfo Gossip(HttpContext context, IReadOnlyList<RunningBook> books)
    {
        // Whatever name the caller found this host by is the one that he can reach it by.
        var found = context.Request.Host;
        var others = books.Where(book => !Leads(book)).ToList();
        var state = books.Count == 0 ? MemberInfo.Types.VNodeState.Initializing
            : others.Count == 0 ? MemberInfo.Types.VNodeState.Leader
            : MemberInfo.Types.VNodeState.Follower;
        var gossip = new ClusterInfo
        {
            Members = { Member(_instance, state, found.Host, found.Port ?? context.Connection.LocalPort) },
        };
        // Hosts lead each book for itself: where one leads all that the caller may mean, he is sent there.
        var leaders = others.Select(book => book.Leader).Distinct().ToList();
        if (others.Count == books.Count && leaders is [{ } leader] && _nodes.TryGetValue(leader, out var at))
            gossip.Members.Add(Member(InstanceOf(leader), MemberInfo.Types.VNodeState.Leader, at.Host, at.Port));
        return gossip;
    }

    /// <summary>Whether a caller who wants the host that leads is right here.</summary>
    /// <exception cref="GrpcException">He is not: NotFound with where the leader is, or Unavailable.</exception>
    public void ThrowIfElsewhere(HttpContext context, RunningBook book)
    {
        string? wanted = context.Request.Headers[LeaderHeader];
        if (!string.Equals(wanted, "true", StringComparison.OrdinalIgnoreCase) || Leads(book)) return;
        if (book.Leader is { } leader && _nodes.TryGetValue(leader, out var at))
        {
            throw GrpcException.Named(
                GrpcCode.NotFound, GrpcException.NotLeader, "Another host leads the book.",
                (GrpcException.LeaderHostTrailer, at.Host),
                (GrpcException.LeaderPortTrailer, at.Port.ToString(CultureInfo.InvariantCulture)));
        }
        throw new GrpcException(
            GrpcCode.Unavailable,
            "This host follows, and where the leader's gateway is it does not know: read with nodePreference=follower, "
            + "or at the host that leads.");
    }

    private static bool TryAddress(string text, out (string Host, int Port) address)
    {
        var isOne = Uri.TryCreate($"esdb://{text}", UriKind.Absolute, out var at) && at is { Port: > 0, Host.Length: > 0 }
            && at.PathAndQuery.Trim('/').Length == 0 && at.UserInfo.Length == 0;
        address = isOne ? (at!.DnsSafeHost, at.Port) : default;
        return isOne;
    }

    private static bool Leads(RunningBook book) => book.Engine.IsLeading;

    private static MemberInfo Member(Guid instance, MemberInfo.Types.VNodeState state, string host, int port) => new()
    {
        InstanceId = EventStoreNames.UuidOf(instance, structured: false),
        TimeStamp = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks,
        State = state,
        IsAlive = true,
        HttpEndPoint = new() { Address = host, Port = (uint)port },
    };

    /// <summary>Another's own is not known here: one that stays the same.</summary>
    private static Guid InstanceOf(string node) => new(SHA256.HashData(Encoding.UTF8.GetBytes(node)).AsSpan(0, 16));
}
