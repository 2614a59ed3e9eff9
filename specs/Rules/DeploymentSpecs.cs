using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace BankingEngine.Specs.Rules;

/// <summary>What is deployed is what is built.</summary>
public sealed partial class DeploymentSpecs
{
    [Fact]
    public void Docker_compose_names_the_image_that_publishing_the_host_makes()
    {
        var host = XDocument.Parse(Sources.Text("Host/Host.csproj"));
        var version = Property(XDocument.Parse(Sources.Text("Directory.Build.props")), "Version");
        var tag = Property(host, "ContainerImageTag").Replace("$(Version)", version, StringComparison.Ordinal);
        var made = $"{Property(host, "ContainerRepository")}:{tag}";

        Named().Matches(Sources.Text("docker-compose.yml")).Select(match => match.Value)
            .Should().HaveCountGreaterThan(1).And.AllBe(made);
    }

    private static string Property(XDocument project, string name) => project.Descendants(name).Single().Value;

    [GeneratedRegex("bankingengine:[^ ]*?(?=[.]?\\s)")]
    private static partial Regex Named();
}
