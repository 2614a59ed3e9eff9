using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace BankingEngine.Host.Api;

/// <summary>
/// The API's description of itself: OpenAPI 3.1, the commands from the catalogue, and a page to read it on.
/// </summary>
public static class ApiDocument
{
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
                "engine.busy, engine.closing, clock.held, outcome_unknown: ask again, with the same id");
        }
        if (metadata.OfType<CommandSpec>().FirstOrDefault() is { } spec) Describe(operation, spec);
        else if (context.Description.RelativePath == BatchEndpoints.Route.TrimStart('/')) DescribeBatch(operation);
        return Task.CompletedTask;
    }

    private static void Describe(OpenApiOperation operation, CommandSpec spec)
    {
        operation.Tags = null;
        operation.Description =
            $"Command `{spec.Name}`" + (spec.InBatch ? ", also in /v1/batch." : "; not in /v1/batch.");
        operation.Parameters = [KeyParameter(), .. spec.InPath.Select(PathParameter)];
        var inBody = spec.Fields.Where(field => !spec.IsInPath(field)).ToList();
        var schema = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            AdditionalPropertiesAllowed = false,
            Properties = inBody.ToDictionary(field => field.Name, field => (IOpenApiSchema)SchemaOf(field)),
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
        operation.Responses ??= [];
        operation.Responses.Remove("200");
        operation.Responses[spec.Creates ? "201" : "200"] = new OpenApiResponse
        {
            Description =
                "The receipt: command, position, recorded_at, type, and the event's own data. The same bytes for a "
                + $"repeat, which carries the header {CommandEndpoints.ReplayHeader}.",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [ResponseBody.JsonType] = new() { Schema = Schema("""{"type":"object"}""") },
            },
        };
        Problem(operation, 400, "request.*, amount.*: the request is malformed and left nothing");
        Problem(operation, 404, "what the command names is not there");
        Problem(operation, 409, "the state has moved on");
        Problem(operation, 422, "the rules of the book say no, or the id was used with other content");
    }

    private static void DescribeBatch(OpenApiOperation operation)
    {
        operation.Tags = null;
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
            $"At most {Limits.BatchItems:N0} items in an array, any number in a stream; at most "
            + $"{Limits.ChainLinks:N0} links in a chain. "
            + "Answers carry id, status, and a receipt or a problem, in order.";
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [ResponseBody.JsonType] =
                    new() { Schema = Schema("""{"type":"array"}"""), Example = JsonNode.Parse(Array) },
                [RequestBodies.NdJson] =
                    new() { Schema = Schema("""{"type":"string"}"""), Example = JsonValue.Create(Line) },
            },
        };
        Problem(operation, 400, "the array as a whole is malformed; nothing of it was done");
    }

    private static void Problem(OpenApiOperation operation, int status, string description)
    {
        operation.Responses ??= [];
        operation.Responses[status.ToString(CultureInfo.InvariantCulture)] = new OpenApiResponse
        {
            Description = description,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [Problems.ContentType] =
                    new() { Schema = Schema("""{"type":"object","required":["type","title","status","code"]}""") },
            },
        };
    }

    private static OpenApiParameter KeyParameter() => new()
    {
        Name = CommandIds.Header,
        In = ParameterLocation.Header,
        Required = true,
        Description =
            "The caller's id of this wish: a UUIDv7, unique in the book for ever, or 1 to 128 printable ASCII "
            + "characters of one's own.",
        Schema = Schema("""{"type":"string","maxLength":128}"""),
    };

    private static OpenApiParameter PathParameter(Field field) => new()
    {
        Name = field.Name,
        In = ParameterLocation.Path,
        Required = true,
        Description = field.About,
        Schema = Schema(field.Schema),
    };

    private static OpenApiSchema SchemaOf(Field field)
    {
        var schema = Schema(field.Schema);
        schema.Description = field.Sensitivity == Sensitivity.Open
            ? field.About
            : $"{field.About} ({field.Sensitivity.ToString().ToLowerInvariant()})";
        return schema;
    }

    private static OpenApiSchema Schema(string json) => Schema(JsonNode.Parse(json)!.AsObject());

    /// <summary>The few words of JSON schema that the fields use.</summary>
    private static OpenApiSchema Schema(JsonObject json) => new()
    {
        Type = json["type"]?.GetValue<string>() switch
        {
            "object" => JsonSchemaType.Object,
            "array" => JsonSchemaType.Array,
            "integer" => JsonSchemaType.Integer,
            "boolean" => JsonSchemaType.Boolean,
            _ => JsonSchemaType.String,
        },
        Format = json["format"]?.GetValue<string>(),
        Pattern = json["pattern"]?.GetValue<string>(),
        MaxLength = json["maxLength"]?.GetValue<int>(),
        Minimum = json["minimum"]?.ToJsonString(),
        Maximum = json["maximum"]?.ToJsonString(),
        MinItems = json["minItems"]?.GetValue<int>(),
        MaxItems = json["maxItems"]?.GetValue<int>(),
        MaxProperties = json["maxProperties"]?.GetValue<int>(),
        Enum = json["enum"]?.AsArray().Select(value => value!.DeepClone()).ToList(),
        Items = json["items"] is JsonObject items ? Schema(items) : null,
        Properties = json["properties"]?.AsObject()
            .ToDictionary(p => p.Key, p => (IOpenApiSchema)Schema(p.Value!.AsObject())),
        Required = json["required"]?.AsArray().Select(name => name!.GetValue<string>()).ToHashSet(),
        AdditionalPropertiesAllowed = json["additionalProperties"] is not JsonValue,
        AdditionalProperties = json["additionalProperties"] is JsonObject others ? Schema(others) : null,
    };

    private static IEnumerable<string> NamesOf(Access access) =>
        Enum.GetValues<Domain.Kernel.Scopes>().Where(scope => uint.IsPow2((uint)scope) && (access.Scopes & scope) != 0)
            .Select(scope => scope.ToString().ToLowerInvariant());
}
