using System.Text.RegularExpressions;

namespace BankingEngine.Specs.Rules;

public sealed partial class SourceSpecs
{
    private const int MostLines = 600, MostColumns = 120, MostLinesOfAFunction = 70;
    private static readonly string[] Projects = ["Domain", "Application", "Projections", "Host"];

    [Fact]
    public void Domain_knows_no_floating_point_no_clock_no_chance_and_no_waiting() =>
        Domain().SelectMany(file => file.Lines.Select((line, i) => (Where: $"{file.Path}:{i + 1}", Code: Sources.Code(line))))
            .Where(line => Banned().IsMatch(line.Code)).Select(line => line.Where).Should().BeEmpty();

    [Fact]
    public void The_rule_sees_a_banned_word_where_there_is_one()
    {
        Banned().IsMatch(Sources.Code("var x = (double)minor;")).Should().BeTrue();
        Banned().IsMatch(Sources.Code("var now = DateTime.UtcNow;")).Should().BeTrue();
        Banned().IsMatch(Sources.Code("// a double entry")).Should().BeFalse();
        Banned().IsMatch(Sources.Code("throw new(\"double\");")).Should().BeFalse();
    }

    [Fact]
    public void Files_are_600_lines_at_most() =>
        All().Where(file => file.Lines.Length - 1 > MostLines).Select(file => $"{file.Path}: {file.Lines.Length - 1}").Should().BeEmpty();

    [Fact]
    public void Lines_of_the_domain_are_120_columns_at_most() => TooLong(Domain()).Should().BeEmpty();

    [Fact]
    public void Functions_are_70_lines_at_most() =>
        All().SelectMany(file => Functions(file.Lines).Where(f => f.Length > MostLinesOfAFunction)
            .Select(f => $"{file.Path}:{f.Line} has {f.Length} lines")).Should().BeEmpty();

    [Fact]
    public void The_rule_counts_the_lines_of_a_function()
    {
        string[] body = [.. Enumerable.Repeat("        x++;", 71)];
        string[] lines = ["namespace A;", "class B", "{", "    void Long()", "    {", .. body, "    }", "}"];
        Functions(lines).Should().ContainSingle(f => f.Line == 5 && f.Length == 73);
    }

    private static IEnumerable<Source> Domain() => Sources.In("Domain");

    private static IEnumerable<Source> All() => Projects.SelectMany(Sources.In);

    private static IEnumerable<string> TooLong(IEnumerable<Source> files) =>
        from file in files
        from line in file.Lines.Select((text, i) => (Text: text, Number: i + 1))
        where line.Text.Length > MostColumns
        select $"{file.Path}:{line.Number}: {line.Text.Length}";

    /// <summary>Blocks in braces that are members of a type: counted from brace to brace.</summary>
    private static IEnumerable<(int Line, int Length)> Functions(string[] lines)
    {
        var open = new Stack<(int Line, bool IsType)>();
        var declares = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var code = Sources.Code(lines[i]);
            if (TypeDeclaration().IsMatch(code)) declares = true;
            foreach (var c in code)
            {
                if (c == ';' && open.Count == 0) declares = false;
                if (c == '{')
                {
                    open.Push((i + 1, declares));
                    declares = false;
                }
                else if (c == '}' && open.Count > 0)
                {
                    var (line, isType) = open.Pop();
                    if (!isType && open.TryPeek(out var outer) && outer.IsType) yield return (line, i + 2 - line);
                }
            }
        }
    }

    [GeneratedRegex(@"\b(decimal|double|float|DateTime|DateTimeOffset|TimeZoneInfo|Stopwatch|Random|async|await|Task|Thread)\b|Guid\.NewGuid|Environment\.")]
    private static partial Regex Banned();

    [GeneratedRegex(@"^\s*(\[.*\]\s*)?((public|private|internal|protected|static|sealed|abstract|partial|readonly|ref|file)\s+)*(class|struct|record|interface|enum)\b")]
    private static partial Regex TypeDeclaration();
}
