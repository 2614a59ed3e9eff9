using BankingEngine.Host.Journals;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace BankingEngine.Host.Api;

/// <summary>
/// Several books behind one address: the first at the root, each further one whole, its description included, below
/// <c>/books/&lt;name&gt;</c>. Keys, ids and positions of one mean nothing in another.
/// </summary>
internal static class SeveralBooks
{
    private const string Root = "/books";

    /// <summary>Builds an application for each book.</summary>
    /// <param name="builder">Of the first one, which listens.</param>
    /// <param name="arguments">The host's ordinary configuration.</param>
    /// <returns>The further ones are to be started before the first, and stopped after it.</returns>
    public static (WebApplication First, IReadOnlyList<WebApplication> Further) Build(
        WebApplicationBuilder builder, IReadOnlyList<RunningBook> books, string[] arguments)
    {
        var further = new List<WebApplication>();
        var servers = new List<(RunningBook Book, PassedOnServer Server)>();
        foreach (var book in books.Skip(1))
        {
            var server = new PassedOnServer();
            var own = ApiHost.CreateBuilder([.. arguments, "--Logging:LogLevel:Microsoft.Hosting.Lifetime=Warning"]);
            own.Services.AddSingleton<IServer>(server);
            further.Add(ApiHost.Build(own, book));
            servers.Add((book, server));
        }
        var first = ApiHost.Build(builder, books[0], app =>
        {
            foreach (var (book, server) in servers)
                app.Map($"{Root}/{book.Genesis.Name}", branch => branch.Run(server.ServeAsync));
        });
        return (first, further);
    }

    /// <summary>Takes its requests from another application instead of a socket.</summary>
    private sealed class PassedOnServer : IServer
    {
        private Func<IFeatureCollection, Task>? _serve;

        public IFeatureCollection Features { get; } = new FeatureCollection();

        public Task ServeAsync(HttpContext context) =>
            _serve?.Invoke(context.Features) ?? throw new InvalidOperationException("The book is not started yet.");

        public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
            where TContext : notnull
        {
            _serve = async features =>
            {
                // What the first application attached is its own: routes and services are found anew.
                var own = new FeatureCollection(features);
                own.Set<IEndpointFeature>(null);
                own.Set<IServiceProvidersFeature>(null);
                var served = application.CreateContext(own);
                Exception? fault = null;
                try
                {
                    await application.ProcessRequestAsync(served).ConfigureAwait(false);
                }
                catch (Exception thrown)
                {
                    fault = thrown;
                    throw;
                }
                finally
                {
                    application.DisposeContext(served, fault);
                }
            };
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose() { }
    }
}
