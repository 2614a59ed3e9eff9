using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Signing;

namespace BankingEngine.Specs.Engine.Signing;

/// <summary>When the assertion of a passkey speaks for a command.</summary>
public sealed class PasskeySpecs
{
    private static readonly byte[] Hash = SHA256.HashData("what was signed"u8);

    [Fact]
    public void An_assertion_over_the_commands_hash_holds_and_says_whether_the_person_was_verified()
    {
        using var authenticator = ECDsa.Create(Curve.P256.Named);
        using var verifier = new SignatureVerifier();
        foreach (var flags in new byte[] { 0x01, 0x05 })
        {
            var given = Samples.Assert(
                authenticator, Encoding.UTF8.GetBytes(Samples.ClientData(Hash)), Samples.AuthenticatorData(flags: flags));
            verifier.Verify(given, Hash, new PasskeyOrigins()).Should().Be(SigningFault.None);
            given.IsUserVerified.Should().Be(flags == 0x05);
        }
    }

    [Fact]
    public void A_changed_byte_of_what_the_authenticator_signed_is_found()
    {
        using var authenticator = ECDsa.Create(Curve.P256.Named);
        using var verifier = new SignatureVerifier();
        var given = Samples.Assert(
            authenticator, Encoding.UTF8.GetBytes(Samples.ClientData(Hash)), Samples.AuthenticatorData());
        given.AuthenticatorData![36] ^= 1;
        verifier.Verify(given, Hash, null).Should().Be(SigningFault.NotValid);
        verifier.Verify(given with { AuthenticatorData = null }, Hash, null).Should().Be(SigningFault.SignatureMalformed);
        verifier.Verify(given with { ClientData = null }, Hash, null).Should().Be(SigningFault.SignatureMalformed);
    }

    public static TheoryData<string, SigningFault> ClientData => new()
    {
        { Samples.ClientData(Hash), SigningFault.None },
        { Samples.ClientData(Hash, rest: ""), SigningFault.None },
        { Samples.ClientData(Hash, rest: ",\"other_keys\":{\"a\":[1]}"), SigningFault.None },
        { Samples.ClientData(Hash, rest: ",\"crossOrigin\":true"), SigningFault.CrossOrigin },
        { Samples.ClientData(Hash, rest: ",\"crossOrigin\":1"), SigningFault.ClientDataMalformed },
        { Samples.ClientData(Hash, rest: ",\"type\":\"webauthn.get\""), SigningFault.ClientDataMalformed },
        { Samples.ClientData(Hash, rest: ",\"ch\\u0061llenge\":\"x\""), SigningFault.ClientDataMalformed },
        { Samples.ClientData(Hash, type: "webauthn.create"), SigningFault.WrongType },
        { Samples.ClientData(SHA256.HashData("other"u8)), SigningFault.ChallengeDiffers },
        { Samples.ClientData(Hash.AsSpan(0, 31)), SigningFault.ChallengeDiffers },
        { Samples.ClientData(Hash, origin: "https://localhost"), SigningFault.None },
        { Samples.ClientData(Hash, origin: "https://localhost.evil.example"), SigningFault.OriginUnknown },
        { Samples.ClientData(Hash, origin: "https://localhost:80@evil.example"), SigningFault.OriginUnknown },
        { Samples.ClientData(Hash, origin: "https://bank.example"), SigningFault.OriginUnknown },
        { Samples.ClientData(Hash) + " x", SigningFault.ClientDataMalformed },
        { "[]", SigningFault.ClientDataMalformed },
        { "{}", SigningFault.ClientDataMalformed },
        { "", SigningFault.ClientDataMalformed },
        { new string('[', 5_000), SigningFault.ClientDataMalformed },
    };

    [Theory]
    [MemberData(nameof(ClientData))]
    public void Client_data_are_those_of_this_command_on_a_page_of_the_bank(string clientData, SigningFault fault) =>
        Check(Samples.AuthenticatorData(), clientData, new()).Should().Be(fault);

    public static TheoryData<byte[], SigningFault> AuthenticatorData => new()
    {
        { Samples.AuthenticatorData(flags: 0x01), SigningFault.None },
        { Samples.AuthenticatorData(flags: 0x1d), SigningFault.None },
        { Samples.AuthenticatorData(flags: 0x85, more: 5), SigningFault.None },
        { Samples.AuthenticatorData(flags: 0x05, more: 5), SigningFault.AuthenticatorDataMalformed },
        { Samples.AuthenticatorData(flags: 0x85), SigningFault.AuthenticatorDataMalformed },
        { Samples.AuthenticatorData(flags: 0x45, more: 50), SigningFault.AuthenticatorDataMalformed },
        { Samples.AuthenticatorData(flags: 0x85, more: 1_000), SigningFault.AuthenticatorDataMalformed },
        { Samples.AuthenticatorData()[..36], SigningFault.AuthenticatorDataMalformed },
        { [], SigningFault.AuthenticatorDataMalformed },
        { Samples.AuthenticatorData(flags: 0x04), SigningFault.UserAbsent },
        { Samples.AuthenticatorData("bank.example"), SigningFault.OtherRelyingParty },
    };

    [Theory]
    [MemberData(nameof(AuthenticatorData))]
    public void Authenticator_data_are_of_the_keys_relying_party_with_a_person_there(byte[] data, SigningFault fault) =>
        Check(data, Samples.ClientData(Hash), new()).Should().Be(fault);

    [Fact]
    public void Origins_that_are_configured_are_the_only_ones()
    {
        var origins = new PasskeyOrigins("https://bank.example", "https://app.bank.example:8443");
        bool Accepts(string origin) =>
            Check(Samples.AuthenticatorData(), Samples.ClientData(Hash, origin: origin), origins) == SigningFault.None;
        Accepts("https://bank.example").Should().BeTrue();
        Accepts("https://app.bank.example:8443").Should().BeTrue();
        Accepts("https://bank.example:443").Should().BeFalse();
        Accepts("http://bank.example").Should().BeFalse();
        Accepts("http://localhost").Should().BeFalse();
    }

    private static SigningFault Check(byte[] data, string clientData, PasskeyOrigins origins) => Passkeys.Check(
        Samples.PasskeyOf(Curve.RelyingPartyOf("localhost").ToArray()), data, Encoding.UTF8.GetBytes(clientData), Hash,
        origins);
}
