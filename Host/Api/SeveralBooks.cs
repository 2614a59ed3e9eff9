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

    /// <summary>Builds the application of a further book, and has the first one pass on what is its.</summary>
    /// <returns>To be started before, and disposed of after the first one.</returns>
    public static WebApplication Mount(WebApplication first, RunningBook book, string[] arguments)
    {
        var server = new PassedOnServer();
        var builder = ApiHost.CreateBuilder(arguments);
        builder.Services.AddSingleton<IServer>(server);
        var further = ApiHost.Build(builder, book);
        first.Map($"{Root}/{book.Genesis.Name}", branch => branch.Run(server.ServeAsync));
        return further;
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
