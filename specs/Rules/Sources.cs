using System.Runtime.CompilerServices;

namespace BankingEngine.Specs.Rules;

/// <param name="Path">From the root of the repository.</param>
/// <param name="Folder">The first folder below the project: the capability in Domain; empty for none.</param>
internal sealed record Source(string Path, string Folder, string Text)
{
    public string[] Lines { get; } = Text.Split('\n');
}

/// <summary>The sources as they stand in the repository this suite was built from.</summary>
internal static class Sources
{
    private static readonly string Root = RootOf();

    public static IEnumerable<Source> In(string project) =>
        from path in Directory.EnumerateFiles(Path.Combine(Root, project), "*.cs", SearchOption.AllDirectories)
        let relative = Path.GetRelativePath(Path.Combine(Root, project), path).Replace('\\', '/')
        where !relative.Split('/').Any(part => part is "bin" or "obj")
        orderby relative
        select new Source(
            $"{project}/{relative}", relative.Contains('/') ? relative[..relative.IndexOf('/')] : "", File.ReadAllText(path));

    /// <param name="path">From the root of the repository.</param>
    public static string Text(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>A line without what it says in comments, strings and characters, so that rules look at code only.</summary>
    public static string Code(string line)
    {
        var code = new System.Text.StringBuilder();
        var quote = '\0';
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (quote != '\0')
            {
                if (c == '\\') i++;
                else if (c == quote) quote = '\0';
            }
            else if (c == '/' && i + 1 < line.Length && line[i + 1] == '/') break;
            else if (c is '"' || (c == '\'' && i + 2 < line.Length && (line[i + 2] == '\'' || line[i + 1] == '\\'))) quote = c;
            else code.Append(c);
        }
        return code.ToString();
    }

    private static string RootOf([CallerFilePath] string here = "")
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(here)!);
        while (!File.Exists(Path.Combine(folder.FullName, "BankingEngine.sln")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException("The suite runs beside its sources.");
        return folder.FullName;
    }
}
