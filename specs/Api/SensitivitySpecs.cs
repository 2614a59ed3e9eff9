using System.Collections;
using System.Reflection;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;

namespace BankingEngine.Specs.Api;

/// <summary>Whose text is kept how: nothing is stored before somebody has said whether it is a person's.</summary>
public sealed class SensitivitySpecs
{
    /// <summary>Every text that an event holds, and why it may stand there.</summary>
    private static readonly Dictionary<string, Sensitivity> InEvents = new(StringComparer.Ordinal)
    {
        ["Particulars.Reference"] = Sensitivity.Open,
        ["Particulars.Remittance"] = Sensitivity.Personal,
        ["RestraintTerms.Note"] = Sensitivity.Personal,
        ["Metadata.Json"] = Sensitivity.Open,
        ["Reversed.Reason"] = Sensitivity.Open,
        ["Adjusted.Reason"] = Sensitivity.Open,
        ["Closed.Reason"] = Sensitivity.Open,
        ["Reopened.Reason"] = Sensitivity.Open,
        ["Lifted.Reason"] = Sensitivity.Open,
        ["Revoked.Reason"] = Sensitivity.Open,
        ["Registered.Title"] = Sensitivity.Open,
        ["Registered.Name"] = Sensitivity.Personal,
        ["StandingSet.Reason"] = Sensitivity.Open,
        ["IncapacityLifted.Reason"] = Sensitivity.Open,
        ["Added.Text"] = Sensitivity.Personal,
        ["Added.Reference"] = Sensitivity.Open,
        ["Ended.Reason"] = Sensitivity.Open,
        ["Recorded.Read"] = Sensitivity.Open,
        ["Recorded.Reason"] = Sensitivity.Open,
        ["Genesis.Entity"] = Sensitivity.Open,
        ["CheckpointKeyAnnounced.Name"] = Sensitivity.Open,
        ["CheckpointKeyAnnounced.PublicKey"] = Sensitivity.Open,
        ["TimerParked.Kind"] = Sensitivity.Open,
        ["TimerParked.Row"] = Sensitivity.Open,
        ["TimerParked.Fault"] = Sensitivity.Open,
        ["Led.Leader"] = Sensitivity.Open,
        ["ChartLine.Class"] = Sensitivity.Open,
        ["ChartLine.Title"] = Sensitivity.Open,
        ["Document.Text"] = Sensitivity.Open,
        ["VerificationRequested.Statement"] = Sensitivity.Personal,
        ["Started.Statement"] = Sensitivity.Personal,
        ["Refused.Asked"] = Sensitivity.Open,
        ["Refused.Code"] = Sensitivity.Open,
        ["Refused.Why"] = Sensitivity.Open,
        ["Faulted.Asked"] = Sensitivity.Open,
        ["Faulted.Fault"] = Sensitivity.Open,
        ["Linked.Command"] = Sensitivity.Open,
        ["Unlinked.Command"] = Sensitivity.Open,
        // Canonical text of commands: their personal fields stand in it sealed, each for whom it is about.
        ["Made.Content"] = Sensitivity.Open,
        ["Used.Content"] = Sensitivity.Open,
        ["Used.Reason"] = Sensitivity.Open,
        ["Subscribed.Url"] = Sensitivity.Open,
        // Sealed in the key store; an answer shows it once.
        ["Subscribed.Secret"] = Sensitivity.Secret,
        ["SecretRotated.Secret"] = Sensitivity.Secret,
    };

    [Fact]
    public void Every_text_of_every_event_is_declared()
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        var seen = new HashSet<Type>();
        foreach (var type in EventCatalogue.All) Walk(type.Type, seen, found);
        found.Should().BeEquivalentTo(InEvents.Keys);
    }

    [Fact]
    public void Personal_fields_of_commands_are_the_personal_texts_of_events()
    {
        var personal = Fields.All.Where(field => field.Sensitivity == Sensitivity.Personal)
            .Select(field => field.Name);
        personal.Should().BeEquivalentTo(
            InEvents.Where(e => e.Value == Sensitivity.Personal).Select(e => e.Key.Split('.')[1].ToLowerInvariant())
                .Distinct());
    }

    [Fact]
    public void An_erased_text_opens_no_more()
    {
        var folder = Directory.CreateTempSubdirectory("bank-keys-").FullName;
        using (var keys = new FileKeyStore(folder, "spec"))
        {
            var sealedText = keys.Seal("customers:anna", "remittance", "Grüße");
            sealedText.Should().StartWith("sealed.v1.customers:anna.").And.NotBe(
                keys.Seal("customers:anna", "remittance", "Grüße"));
            keys.TryOpen("remittance", sealedText, out var text).Should().BeTrue();
            text.Should().Be("Grüße");
            keys.TryOpen("note", sealedText, out _).Should().BeFalse("it was sealed as something else");
            keys.TryOpen("remittance", sealedText[..^4] + "AAAA", out _).Should().BeFalse();
            keys.Destroy("customers:anna").Should().BeTrue();
            keys.TryOpen("remittance", sealedText, out _).Should().BeFalse();
            keys.Seal("customers:anna", "remittance", "later");
            keys.TryOpen("remittance", sealedText, out _).Should().BeFalse("a new key opens nothing old");
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Keys_survive_their_process_and_only_the_owner_reads_them()
    {
        var folder = Directory.CreateTempSubdirectory("bank-keys-").FullName;
        string sealedText;
        UInt128 token;
        using (var keys = new FileKeyStore(folder, "spec")) (sealedText, token) =
            (keys.Seal("a:b", "note", "text"), keys.Token("note", "text"));
        using (var keys = new FileKeyStore(folder, "spec"))
        {
            keys.TryOpen("note", sealedText, out _).Should().BeTrue();
            keys.Token("note", "text").Should().Be(token);
            keys.Token("remittance", "text").Should().NotBe(token);
        }
        using (var other = new FileKeyStore(folder, "other")) other.TryOpen("note", sealedText, out _)
            .Should().BeFalse("it is of another book");
        if (!OperatingSystem.IsWindows())
        {
            foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
                File.GetUnixFileMode(file).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        Directory.Delete(folder, recursive: true);
    }

    private static void Walk(Type type, HashSet<Type> seen, SortedSet<string> found)
    {
        if (!seen.Add(type)) return;
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var held = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            if (held == typeof(string)) found.Add($"{type.Name}.{property.Name}");
            else if (held.IsGenericType && typeof(IEnumerable).IsAssignableFrom(held)) Walk(
                held.GetGenericArguments()[0], seen, found);
            else if (held.IsAbstract && held.Assembly == type.Assembly)
            {
                foreach (var kind in held.GetNestedTypes()) Walk(kind, seen, found);
            }
            else if (held.Namespace?.StartsWith("BankingEngine", StringComparison.Ordinal) == true) Walk(
                held, seen, found);
        }
    }
}
