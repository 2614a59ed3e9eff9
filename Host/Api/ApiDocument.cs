namespace BankingEngine.Host.Api;

/// <summary>The API's description of itself.</summary>
public static class ApiDocument
{
    public static void Add(IServiceCollection services) => services.AddOpenApi();

    public static void Map(IEndpointRouteBuilder routes) => routes.MapOpenApi("/openapi/{documentName}.json").Needs(Access.Nothing);

    /// <summary>The page for people; before routing, since it is files.</summary>
    public static void UsePage(IApplicationBuilder app) => app.UseWhen(
        context => context.Request.Path.StartsWithSegments("/docs"),
        branch => branch.UseSwaggerUI(page =>
        {
            page.RoutePrefix = "docs";
            page.SwaggerEndpoint("/openapi/v1.json", "BankingEngine");
        }));
}
