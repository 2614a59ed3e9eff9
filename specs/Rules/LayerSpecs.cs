using System.Reflection;
using System.Text.RegularExpressions;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;

namespace BankingEngine.Specs.Rules;

/// <summary>Arrows point one way: Domain, Application, Projections, Host.</summary>
public sealed partial class LayerSpecs
{
    private const string Own = "BankingEngine.";
    private static readonly Assembly Domain = typeof(Bank).Assembly;
    private static readonly Assembly Application = typeof(EventCatalogue).Assembly;

    [Fact]
    public void Domain_references_nothing_but_the_base_class_library() =>
        Domain.GetReferencedAssemblies().Should().OnlyContain(a => a.Name!.StartsWith("System.", StringComparison.Ordinal));

    [Fact]
    public void Application_knows_the_domain_and_nothing_above() =>
        Application.GetReferencedAssemblies().Select(a => a.Name!).Where(name => name.StartsWith(Own, StringComparison.Ordinal))
            .Should().BeSubsetOf([Own + "Domain"]);

    [Fact]
    public void Projections_know_the_domain_and_the_application_and_not_the_host() =>
        Assembly.Load(Own + "Projections").GetReferencedAssemblies().Select(a => a.Name!)
            .Where(name => name.StartsWith(Own, StringComparison.Ordinal)).Should().BeSubsetOf([Own + "Domain", Own + "Application"]);

    /// <summary>What two capabilities share stands in Kernel or Ledger; only the catalogue, above them, names all.</summary>
    [Fact]
    public void A_capability_uses_kernel_and_ledger_and_no_other_capability()
    {
        var wrong = new List<string>();
        foreach (var file in Sources.In("Domain").Where(f => f.Folder.Length > 0))
        {
            foreach (var named in Namespaces().Matches(file.Text).Select(m => m.Groups[1].Value).Distinct())
            {
                if (named != file.Folder && named is not ("Kernel" or "Ledger")) wrong.Add($"{file.Path} uses {named}");
                if (file.Folder == "Kernel" && named == "Ledger") wrong.Add($"{file.Path}: the kernel knows no ledger");
            }
        }
        wrong.Should().BeEmpty();
    }

    /// <summary>The same from the compiled signatures: fields, parameters, results, bases.</summary>
    [Fact]
    public void Nor_does_it_by_the_types_it_is_made_of()
    {
        var wrong = new List<string>();
        foreach (var type in Domain.GetTypes().Where(t => Capability(t).Length > 0))
        {
            foreach (var used in Mentioned(type))
            {
                var (from, to) = (Capability(type), Capability(used));
                if (to.Length > 0 && to != from && to is not ("Kernel" or "Ledger")) wrong.Add($"{type} uses {used}");
                if (from == "Kernel" && to == "Ledger") wrong.Add($"{type} uses {used}");
            }
        }
        wrong.Should().BeEmpty();
    }

    private static string Capability(Type type) =>
        type.Namespace is { } name && name.StartsWith(Own + "Domain.", StringComparison.Ordinal) ? name[(Own + "Domain.").Length..] : "";

    private static IEnumerable<Type> Mentioned(Type type)
    {
        const BindingFlags all = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic
            | BindingFlags.DeclaredOnly;
        var direct = type.GetFields(all).Select(f => f.FieldType)
            .Concat(type.GetMethods(all).SelectMany(m => m.GetParameters().Select(p => p.ParameterType).Append(m.ReturnType)))
            .Concat(type.GetConstructors(all).SelectMany(c => c.GetParameters().Select(p => p.ParameterType)))
            .Concat(type.GetInterfaces());
        if (type.BaseType is { } parent) direct = direct.Append(parent);
        return direct.SelectMany(Parts).Distinct();
    }

    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType) return Parts(type.GetElementType()!);
        return type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type) : [type];
    }

    [GeneratedRegex(@"BankingEngine\.Domain\.([A-Z][A-Za-z]+)\b")]
    private static partial Regex Namespaces();
}
