using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace BankingEngine.Host.Api;

/// <summary>The pieces that the API's description is put together from: schemas, parameters, answers.</summary>
internal static class ApiSchemas
{
    /// <summary>Any object, where the members depend on the event.</summary>
    public const string AnyObject = """{"type":"object"}""";

    private const string ProblemSchema = """
        {"type":"object","required":["type","title","status","code"],"properties":{
          "type":{"type":"string","format":"uri-reference"},"title":{"type":"string"},"status":{"type":"integer"},
          "detail":{"type":"string"},"code":{"type":"string"},"field":{"type":"string"},
          "link":{"type":"integer","minimum":1},"fault":{"type":"string"},"position":{"type":"integer","minimum":1},
          "recorded_at":{"type":"string","format":"date-time"},"edition":{"type":"integer","minimum":1},
          "prints_edition":{"type":"integer","minimum":1},"sha256":{"type":"string"}}}
        """;

    /// <summary>What the members of a problem say, by name.</summary>
    private static readonly Dictionary<string, string> AboutProblems = new(StringComparer.Ordinal)
    {
        ["type"] = "Where the code is explained.",
        ["title"] = "One sentence, the same for every occurrence.",
        ["detail"] = "What is so in this case.",
        ["code"] = "Stable: decide by it.",
        ["field"] = "The field or parameter that it is about.",
        ["link"] = "The link of a chain that broke it, from 1.",
        ["fault"] = "Name of the fault in the log.",
        ["position"] = "Where the refusal stands in the journal; absent where nothing was left there.",
        ["edition"] = "The edition of its form in which a statement was issued.",
        ["prints_edition"] = "The edition of that form which this release prints.",
        ["sha256"] = "Of the bytes that were issued.",
    };

    public static OpenApiSchema Of(string json) => Of(JsonNode.Parse(json)!.AsObject());

    /// <summary>The few words of JSON schema that fields and parameters use.</summary>
    public static OpenApiSchema Of(JsonObject json) => new()
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
        Default = json["default"]?.DeepClone(),
        MinItems = json["minItems"]?.GetValue<int>(),
        MaxItems = json["maxItems"]?.GetValue<int>(),
        MaxProperties = json["maxProperties"]?.GetValue<int>(),
        Enum = json["enum"]?.AsArray().Select(value => value!.DeepClone()).ToList(),
        Items = json["items"] is JsonObject items ? Of(items) : null,
        Properties = json["properties"]?.AsObject()
            .ToDictionary(p => p.Key, p => (IOpenApiSchema)Of(p.Value!.AsObject())),
        Required = json["required"]?.AsArray().Select(name => name!.GetValue<string>()).ToHashSet(),
        AdditionalPropertiesAllowed = json["additionalProperties"] is not JsonValue,
        AdditionalProperties = json["additionalProperties"] is JsonObject others ? Of(others) : null,
    };

    public static OpenApiSchema Of(Field field)
    {
        var schema = Of(field.Schema);
        schema.Description = field.Sensitivity == Sensitivity.Open
            ? field.About
            : $"{field.About} ({field.Sensitivity.ToString().ToLowerInvariant()})";
        return schema;
    }

    /// <summary>A command in a batch: its name, and its fields, those of its address included.</summary>
    public static OpenApiSchema BatchItem()
    {
        var link = Link();
        var item = Link();
        link.Required = new HashSet<string> { "command" };
        item.Description = "A command with its fields; or, in place of both, `linked`.";
        item.Properties!["id"] = Described(
            """{"type":"string","maxLength":128}""", CommandIds.Header + " of this item.");
        item.Properties["linked"] = new OpenApiSchema
        {
            Type = JsonSchemaType.Array,
            MinItems = 1,
            MaxItems = Limits.ChainLinks,
            Description = "Commands that happen all or not at all.",
            Items = link,
        };
        item.Required = new HashSet<string> { "id" };
        return item;
    }

    public static OpenApiParameter Of(Parameter parameter) => new()
    {
        Name = parameter.Name,
        In = parameter.InHeader ? ParameterLocation.Header : ParameterLocation.Query,
        Required = parameter.Required,
        Description = parameter.About,
        Schema = Of(parameter.Schema),
    };

    public static OpenApiParameter InPath(string name, string schema, string about) => new()
    {
        Name = name,
        In = ParameterLocation.Path,
        Required = true,
        Description = about,
        Schema = Of(schema),
    };

    /// <summary>States that an operation answers with this status.</summary>
    public static void Answers(
        OpenApiOperation operation, int status, string description, string type, OpenApiSchema schema)
    {
        operation.Responses ??= [];
        operation.Responses[status.ToString(CultureInfo.InvariantCulture)] = new OpenApiResponse
        {
            Description = description,
            Content = new Dictionary<string, OpenApiMediaType> { [type] = new() { Schema = schema } },
        };
    }

    /// <summary>States that an operation may answer with a problem.</summary>
    public static void Problem(OpenApiOperation operation, int status, string description)
    {
        var schema = Of(ProblemSchema);
        foreach (var (name, about) in AboutProblems) ((OpenApiSchema)schema.Properties![name]).Description = about;
        Answers(operation, status, description, Problems.ContentType, schema);
    }

    private static OpenApiSchema Link()
    {
        var commands = CommandCatalogue.All.Where(spec => spec.InBatch).ToList();
        var properties = new Dictionary<string, IOpenApiSchema>
        {
            ["command"] = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Enum = [.. commands.Select(spec => JsonValue.Create(spec.Name))],
            },
        };
        foreach (var field in commands.SelectMany(spec => spec.Fields)) properties.TryAdd(field.Name, Of(field));
        return new() { Type = JsonSchemaType.Object, AdditionalPropertiesAllowed = false, Properties = properties };
    }

    private static OpenApiSchema Described(string json, string about)
    {
        var schema = Of(json);
        schema.Description = about;
        return schema;
    }
}
