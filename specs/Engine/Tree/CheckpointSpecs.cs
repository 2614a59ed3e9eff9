using System.Globalization;
using System.Security.Cryptography;
using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Specs.Engine.Tree;

public sealed class CheckpointSpecs
{
    private const string Name = "book-main";

    private static readonly Checkpoint Whole = new(
        Name, 20_852_163, TreeHash.OfLeaf([1]),
        DateTimeOffset.Parse("2026-01-05T12:00:00.1234567Z", CultureInfo.InvariantCulture), UInt128.MaxValue >> 5);

    private static readonly Checkpoint Bare = new(Name, 0, TreeHash.Empty);

    private static readonly string Pem = CheckpointSigner.Create(Name).ToPem();

    [Fact]
    public void A_checkpoint_reads_as_the_public_format_says()
    {
        Whole.Body().Should().Be(
            $"book-main\n20852163\n{Convert.ToBase64String(SHA256.HashData([0, 1]))}\n"
            + "recorded 2026-01-05T12:00:00.1234567Z\ndigest 07ffffffffffffffffffffffffffffff\n");
        Bare.Body().Should().Be("book-main\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
        using var signer = CheckpointSigner.FromPem(Name, Pem);
        signer.Sign(Bare).Should().MatchRegex($"^{System.Text.RegularExpressions.Regex.Escape(Bare.Body())}"
            + "\n— book-main [A-Za-z0-9+/]{96,104}={0,2}\n$");
    }

    [Fact]
    public void What_was_signed_is_read_back_and_verifies()
    {
        using var signer = CheckpointSigner.FromPem(Name, Pem);
        var withoutDigest = Whole with { Digest = null };
        foreach (var checkpoint in new[] { Whole, Bare, withoutDigest, Whole with { RecordedAt = null } })
        {
            var text = signer.Sign(checkpoint);
            Checkpoint.TryParse(text, out var read).Should().BeTrue();
            read.Should().Be(checkpoint);
            Checkpoint.Verify(text, Name, signer.SubjectPublicKeyInfo).Should().BeTrue();
        }
    }

    [Fact]
    public void The_id_of_a_key_begins_the_hash_of_the_public_key_as_signed_notes_have_it_for_ecdsa()
    {
        using var signer = CheckpointSigner.FromPem(Name, Pem);
        var hash = SHA256.HashData(signer.SubjectPublicKeyInfo);
        Convert.FromBase64String(signer.Sign(Bare).Split(' ')[^1].Trim())[..4].Should().Equal(hash[..4]);
        var parts = CheckpointSigner.VerifierKeyOf(Name, signer.SubjectPublicKeyInfo).Split('+', 3);
        parts[..2].Should().Equal(Name, Convert.ToHexStringLower(hash[..4]));
        Convert.FromBase64String(parts[2]).Should().Equal([0x02, .. signer.SubjectPublicKeyInfo]);
    }

    [Fact]
    public void Any_changed_character_of_the_body_voids_the_signature()
    {
        using var signer = CheckpointSigner.FromPem(Name, Pem);
        var text = signer.Sign(Whole);
        for (var i = 0; i < Whole.Body().Length; i++)
        {
            var changed = text[..i] + (text[i] == '0' ? '1' : '0') + text[(i + 1)..];
            Checkpoint.Verify(changed, Name, signer.SubjectPublicKeyInfo).Should().BeFalse("character {0}", i);
        }
    }

    [Fact]
    public void Another_key_or_another_name_does_not_verify()
    {
        using var signer = CheckpointSigner.FromPem(Name, Pem);
        using var other = CheckpointSigner.Create(Name);
        var text = signer.Sign(Whole);
        Checkpoint.Verify(text, Name, other.SubjectPublicKeyInfo).Should().BeFalse();
        Checkpoint.Verify(text, "book-other", signer.SubjectPublicKeyInfo).Should().BeFalse();
        Checkpoint.Verify(text, Name, signer.SubjectPublicKeyInfo[..^1]).Should().BeFalse();
        Checkpoint.Verify(text, Name, [.. signer.SubjectPublicKeyInfo, 0]).Should().BeFalse();
        Checkpoint.Verify(text, Name, []).Should().BeFalse();
        Checkpoint.Verify(text, "", signer.SubjectPublicKeyInfo).Should().BeFalse();
    }

    [Fact]
    public void Signatures_of_others_are_ignored_but_every_one_of_our_own_must_hold()
    {
        using var signer = CheckpointSigner.FromPem(Name, Pem);
        using var next = CheckpointSigner.Create(Name);
        var text = signer.Sign(Whole) + next.SignatureLineFor(Whole.Body())
            + $"— witness.example {Convert.ToBase64String(new byte[76])}\n";
        Checkpoint.Verify(text, Name, signer.SubjectPublicKeyInfo).Should().BeTrue();
        Checkpoint.Verify(text, Name, next.SubjectPublicKeyInfo).Should().BeTrue();
        Checkpoint.TryParse(text, out var read).Should().BeTrue();
        read.Should().Be(Whole);

        var forged = text + signer.SignatureLineFor(Bare.Body());
        Checkpoint.Verify(forged, Name, signer.SubjectPublicKeyInfo).Should().BeFalse();
        Checkpoint.Verify(forged, Name, next.SubjectPublicKeyInfo).Should().BeTrue();
    }

    [Theory]
    [InlineData("book-main\n0020\nR\n"), InlineData("book-main\n+20\nR\n"), InlineData("book-main\n-1\nR\n")]
    [InlineData("book-main\n 20\nR\n"), InlineData("book-main\n9223372036854775808\nR\n")]
    [InlineData("book-main\n\nR\n"), InlineData("book-main\n20\n"), InlineData("\n20\nR\n")]
    [InlineData("book main\n20\nR\n"), InlineData("a+b\n20\nR\n"), InlineData("bücher\n20\nR\n")]
    [InlineData("book-main\n20\nR\nextra line\n"), InlineData("book-main\n20\nR\ndigest 1\n")]
    [InlineData("book-main\n20\nR\ndigest 0000000000000000000000000000000A\n"), InlineData("book-main\n20\nR \n")]
    [InlineData("book-main\n20\nR\nrecorded 2026-01-05T12:00:00Z\n"), InlineData("book-main\n20\nR\n\n")]
    [InlineData("book-main\n20\nR\nrecorded 2026-02-30T12:00:00.0000000Z\n"), InlineData("book-main\r\n20\nR\n")]
    [InlineData("book-main\n20\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n"), InlineData("book-main\n20\nAAAA\n")]
    public void A_body_with_another_spelling_is_refused_even_if_signed(string body)
    {
        using var signer = CheckpointSigner.FromPem(Name, Pem);
        body = body.Replace("R", TreeHash.Empty.ToBase64(), StringComparison.Ordinal);
        Checkpoint.TryParse($"{body}\n{signer.SignatureLineFor(body)}", out var read).Should().BeFalse();
        read.Should().BeNull();
    }

    [Theory]
    [InlineData(""), InlineData("- book-main AAAAAAAA\n"), InlineData("— book-main AAAAAAAA")]
    [InlineData("— AAAAAAAA\n")]
    [InlineData("— book-main AAAAAA==\n"), InlineData("— book-main  AAAAAAAA\n"), InlineData("— book-main AAAAAAB=\n")]
    [InlineData("— book-main AAAAAAAA \n"), InlineData("— book-main AAAA AAAA\n"), InlineData("— a+b AAAAAAAA\n")]
    public void A_malformed_signature_line_is_refused(string line) =>
        Checkpoint.TryParse($"{Bare.Body()}\n{line}", out _).Should().BeFalse();

    [Fact]
    public void As_many_signatures_as_allowed_are_read_and_not_one_more()
    {
        string Signed(int lines) => $"{Bare.Body()}\n{string.Concat(Enumerable.Repeat("— witness AAAAAAAA\n", lines))}";
        Checkpoint.TryParse(Signed(Checkpoint.MaximumSignatures), out _).Should().BeTrue();
        Checkpoint.TryParse(Signed(Checkpoint.MaximumSignatures + 1), out _).Should().BeFalse();
        Checkpoint.TryParse(null, out _).Should().BeFalse();
        Checkpoint.TryParse(new string('a', 20_000), out _).Should().BeFalse();
    }

    [Fact]
    public void No_mutation_of_a_checkpoint_makes_reading_throw_or_reads_as_two_texts()
    {
        const int seed = 20_260_106;
        var random = new Random(seed);
        using var signer = CheckpointSigner.FromPem(Name, Pem);
        var spki = signer.SubjectPublicKeyInfo.ToArray();
        var text = signer.Sign(Whole);
        const string letters = "\0\n\r\t 019aAzZ+/=-—é\ud800�";
        for (var i = 0; i < 20_000; i++)
        {
            var mutated = text.ToList();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var at = random.Next(mutated.Count);
                switch (random.Next(4))
                {
                    case 0: mutated[at] = letters[random.Next(letters.Length)]; break;
                    case 1: mutated.RemoveAt(at); break;
                    case 2: mutated.Insert(at, letters[random.Next(letters.Length)]); break;
                    default: mutated.RemoveRange(at, Math.Min(random.Next(30), mutated.Count - at - 1)); break;
                }
            }
            var candidate = new string([.. mutated]);
            if (Checkpoint.TryParse(candidate, out var read))
                candidate.Should().StartWith(read.Body() + "\n— ", "seed {0}, round {1}", seed, i);
            if (i < 2_000 && Checkpoint.Verify(candidate, Name, spki))
                candidate.Should().StartWith(Whole.Body(), "seed {0}, round {1}", seed, i);
        }
    }

    [Fact]
    public void A_damaged_public_key_verifies_nothing_and_never_throws()
    {
        using var signer = CheckpointSigner.FromPem(Name, Pem);
        var text = signer.Sign(Whole);
        for (var i = 0; i < signer.SubjectPublicKeyInfo.Length; i++)
        {
            foreach (var change in new byte[] { 0x01, 0x80, 0xff })
            {
                var key = signer.SubjectPublicKeyInfo.ToArray();
                key[i] ^= change;
                // The id is made to fit, so that the key itself is looked at.
                var id = BitConverter.GetBytes(CheckpointSigner.IdOf(key)).Reverse().ToArray();
                var line = text.Split(' ')[^1].Trim();
                var fitting = Convert.ToBase64String([.. id, .. Convert.FromBase64String(line)[4..]]);
                var renamed = text.Replace(line, fitting, StringComparison.Ordinal);
                Checkpoint.Verify(renamed, Name, key).Should().BeFalse("byte {0} changed by {1}", i, change);
            }
        }
    }

    [Fact]
    public void Only_private_keys_on_the_named_curve_sign()
    {
        using var wrongCurve = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var right = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        foreach (var pem in new[] { wrongCurve.ExportPkcs8PrivateKeyPem(), right.ExportSubjectPublicKeyInfoPem() })
        {
            var load = () => CheckpointSigner.FromPem(Name, pem);
            load.Should().Throw<CryptographicException>();
        }
        var noPem = () => CheckpointSigner.FromPem(Name, "secret");
        noPem.Should().Throw<ArgumentException>();
        var noName = () => CheckpointSigner.Create("two words");
        noName.Should().Throw<ArgumentException>();
    }
}
