using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

public static class BatchEndpoints
{
    public static void MapBatch(this IEndpointRouteBuilder routes, RunningBook book) { _ = book; }
}
