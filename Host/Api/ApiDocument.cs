using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using static BankingEngine.Host.Api.ApiSchemas;

namespace BankingEngine.Host.Api;

/// <summary>
/// The API's description of itself: OpenAPI 3.1, the commands from the catalogue, and a page to read it on.
/// </summary>
public static class ApiDocument
{
    private const string
        Receipt = """
            {"type":"object","required":["command"],"properties":{
              "command":{"type":"string","format":"uuid"},"position":{"type":"integer","minimum":1},
              "recorded_at":{"type":"string","format":"date-time"},"type":{"type":"string"},
              "changed":{"type":"boolean"},"remembered_for_commands":{"type":"integer"},
              "events":{"type":"array","items":{"type":"object"}}}}
            """,
        BatchAnswer = """
            {"type":"object","required":["id","status"],"properties":{
              "id":{"type":"string"},"status":{"type":"integer"},"repeat":{"type":"boolean"},
              "line":{"type":"integer","minimum":1},"receipt":{"type":"object"},"problem":{"type":"object"}}}
            """;

    public static void Add(IServiceCollection services) => services.AddOpenApi(options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.AddDocumentTransformer(static (document, _, _) => DescribeAsync(document));
        options.AddOperationTransformer(static (operation, context, _) => DescribeAsync(operation, context));
    });

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapOpenApi("/openapi/{documentName}.json").Needs(Access.Nothing);

    /// <summary>The page for people; before routing, since it is files.</summary>
    public static void UsePage(IApplicationBuilder app) => app.UseWhen(
        context => context.Request.Path.StartsWithSegments("/docs"),
        branch => branch.UseSwaggerUI(page =>
        {
            page.RoutePrefix = "docs";
            page.SwaggerEndpoint("/openapi/v1.json", "BankingEngine");
        }));

    private static Task DescribeAsync(OpenApiDocument document)
    {
        document.Info = new()
        {
            Title = "BankingEngine",
            Version = "v1",
            Description =
                "A bank in one book of events. Amounts are texts; every command carries an Idempotency-Key and answers "
                + "the same again; what is refused says so as an RFC 9457 problem, explained at /problems/{code}.",
        };
        document.Components ??= new();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
        document.Components.SecuritySchemes["key"] =
            new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer" };
        return Task.CompletedTask;
    }

    private static Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<Access>().FirstOrDefault() is { Key: true } access)
        {
            operation.Security ??= [];
            operation.Security.Add(
                new() { [new OpenApiSecuritySchemeReference("key", context.Document)] = [.. NamesOf(access)] });
            Problem(operation, 401, "key.missing, key.not_recognised");
            Problem(operation, 403, "key.scope_missing");
            Problem(
                operation, 503,
                "engine.busy, engine.closing, clock.held, journal.unavailable, outcome_unknown: ask again, with the same id");
        }
        if (metadata.OfType<CommandSpec>().FirstOrDefault() is { } spec) Describe(operation, spec);
        else if (metadata.OfType<ReadSpec>().FirstOrDefault() is { } read)
            Describe(operation, read, context.Description.RelativePath ?? "");
        else if (context.Description.RelativePath == BatchEndpoints.Route.TrimStart('/')) DescribeBatch(operation);
        else if (context.Description.RelativePath == SignedEndpoints.Route.TrimStart('/')) DescribeSigned(operation);
        return Task.CompletedTask;
    }

    private static void Describe(OpenApiOperation operation, CommandSpec spec)
    {
        operation.Description =
            $"Command `{spec.Name}`" + (spec.InBatch ? ", also in /v1/batch." : "; not in /v1/batch.");
        operation.Parameters = [KeyParameter(), .. spec.InPath.Select(InPath)];
        var inBody = spec.Fields.Where(field => !spec.IsInPath(field)).ToList();
        var schema = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            AdditionalPropertiesAllowed = false,
            Properties = inBody.ToDictionary(field => field.Name, field => (IOpenApiSchema)ApiSchemas.Of(field)),
            Required = inBody.Where(field => (spec.Required & (1UL << spec.IndexOf(field))) != 0)
                .Select(field => field.Name).ToHashSet(),
        };
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [ResponseBody.JsonType] = new() { Schema = schema, Example = JsonNode.Parse(spec.Example) },
            },
        };
        operation.Responses?.Remove("200");
        Answers(
            operation, spec.Creates ? 201 : 200,
            "The receipt: command, position, recorded_at, type, and the event's own data. The same bytes for a "
            + $"repeat, which carries the header {CommandEndpoints.ReplayHeader}.",
            ResponseBody.JsonType, ApiSchemas.Of(Receipt));
        Problem(operation, 400, "request.*, amount.*: the request is malformed and left nothing");
        Problem(operation, 404, "what the command names is not there");
        Problem(operation, 409, "the state has moved on");
        Problem(operation, 422, "the rules of the book say no, or the id was used with other content");
    }

    private static void Describe(OpenApiOperation operation, ReadSpec spec, string route)
    {
        var inPath = ReadSpec.NamesIn(route).Select(name => Parameters.InPath[name]);
        operation.Parameters =
        [
            .. inPath.Select(parameter => ApiSchemas.InPath(parameter.Name, parameter.Schema, parameter.About)),
            .. spec.Parameters.Select(ApiSchemas.Of),
        ];
        var schema = spec.Type == ResponseBody.JsonType ? ApiSchemas.AnyObject : """{"type":"string"}""";
        Answers(operation, 200, spec.Answer, spec.Type, ApiSchemas.Of(schema));
        if (spec.Body is { } body)
        {
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    [ResponseBody.JsonType] = new()
                    {
                        Schema = ApiSchemas.Of(body),
                        Example = spec.Example is null ? null : JsonNode.Parse(spec.Example),
                    },
                },
            };
            Problem(operation, 400, "request.*, amount.*: the question is malformed");
        }
        if (spec.Parameters.Length > 0)
            Problem(operation, 400, "request.query_malformed: a parameter is unknown, stated twice or malformed");
        if (spec.NotFound is { } code) Problem(operation, 404, code);
    }

    private static void DescribeBatch(OpenApiOperation operation)
    {
        const string Array = """
            [{"id":"a-1","command":"account.add_asset","account":"customers:alice","asset":"USD"},
             {"id":"a-2","linked":[
               {"command":"transfer.make","debit":"customers:alice","credit":"customers:bob",
                "amount":{"asset":"EUR","amount":"2.00"}},
               {"command":"transfer.make","debit":"customers:bob","credit":"bank:fees",
                "amount":{"asset":"EUR","amount":"0.10"}}]}]
            """;
        const string Line = """{"id":"a-1","command":"account.add_asset","account":"customers:alice","asset":"USD"}""";
        operation.Description =
            $"At most {Limits.BatchItems:N0} items in an array, any number in a stream, one a line; at most "
            + $"{Limits.ChainLinks:N0} links in a chain. "
            + "Answers carry id, status, and a receipt or a problem, in order; `repeat` where the answer was given "
            + "before; and, in a stream, `line` (from 1) where the line is malformed.";
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [ResponseBody.JsonType] =
                    new() { Schema = ArrayOf(ApiSchemas.BatchItem()), Example = JsonNode.Parse(Array) },
                [RequestBodies.NdJson] =
                    new() { Schema = ApiSchemas.BatchItem(), Example = JsonNode.Parse(Line) },
            },
        };
        Answers(operation, 200, "An answer for each item, in order.", ResponseBody.JsonType,
            ArrayOf(ApiSchemas.Of(BatchAnswer)));
        Problem(operation, 400, "the array as a whole is malformed; nothing of it was done");
    }

    private static void DescribeSigned(OpenApiOperation operation)
    {
        const string Request = """
            {"type":"object","required":["signed","signatures"],"additionalProperties":false,"properties":{
              "signed":{"type":"string"},
              "signatures":{"type":"array","minItems":1,"maxItems":16,"items":{
                "type":"object","required":["key","signature"],"additionalProperties":false,"properties":{
                  "key":{"type":"string"},"signature":{"type":"string"},
                  "authenticator_data":{"type":"string"},"client_data":{"type":"string"}}}},
              "personal":{"type":"object","additionalProperties":{
                "type":"object","required":["text","salt"],"properties":{
                  "text":{"type":"string"},"salt":{"type":"string"}}}}}}
            """;
        operation.Description =
            "`signed` is the base64url of a canonical JSON object: as, book, command and fields or chain, expires, id. "
            + "`signatures` are by keys k1:, r1: (64 bytes, low s) or wa: (DER, with authenticator_data and "
            + "client_data). `personal` opens the texts that were signed by salted hash. No Idempotency-Key: the id is "
            + "signed. With a key the caller is the channel that forwards it.";
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [ResponseBody.JsonType] = new() { Schema = ApiSchemas.Of(Request) },
            },
        };
        operation.Responses?.Remove("200");
        foreach (var status in new[] { 200, 201 })
            Answers(operation, status, "The receipt, as of the command's own route.", ResponseBody.JsonType,
                ApiSchemas.Of(Receipt));
        Problem(operation, 400, "request.*, signed.*, signature.*, personal.*: malformed; nothing was left");
        Problem(operation, 401, "signature.key_unknown, signature.not_valid, passkey.*, key.not_recognised");
        Problem(operation, 403, "authority.*: the signatures do not suffice");
        Problem(operation, 422, "the rules of the book say no, or the id was used with other content");
        Problem(operation, 429, "signature.busy, request.rate_limited: come again after Retry-After");
        Problem(operation, 503, "engine.busy, engine.closing, clock.held, outcome_unknown: send the same again");
    }

    private static OpenApiParameter KeyParameter() => new()
    {
        Name = CommandIds.Header,
        In = ParameterLocation.Header,
        Required = true,
        Description =
            "The caller's id of this wish: a UUIDv7, unique in the book for ever, or 1 to 128 printable ASCII "
            + "characters of one's own.",
        Schema = ApiSchemas.Of("""{"type":"string","maxLength":128}"""),
    };

    private static OpenApiParameter InPath(Field field) => ApiSchemas.InPath(field.Name, field.Schema, field.About);

    private static OpenApiSchema ArrayOf(OpenApiSchema items) => new() { Type = JsonSchemaType.Array, Items = items };

    private static IEnumerable<string> NamesOf(Access access) =>
        Enum.GetValues<Domain.Kernel.Scopes>().Where(scope => uint.IsPow2((uint)scope) && (access.Scopes & scope) != 0)
            .Select(scope => scope.ToString().ToLowerInvariant());
}
