using System.Text;
using System.Text.Json.Nodes;
using BankingEngine.Application.Signing;

namespace BankingEngine.Specs.Engine.Signing;

/// <summary>What is signed has one form and no other.</summary>
public sealed class CanonicalJsonSpecs
{
    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("\"\"")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("9007199254740991")]
    [InlineData("-9007199254740991")]
    [InlineData("[true,false,null]")]
    [InlineData("""{"a":1,"b":{"c":[{},[]]}}""")]
    [InlineData("""{"":"","a":"Grüße 😀"}""")]
    [InlineData("\"\\b\\f\\n\\r\\t\\\"\\\\\\u0000\\u001f\u007f/\"")]
    [InlineData("{\"\U0001F600\":1,\"\uFB33\":2}")]
    public void The_one_form_is_taken(string json) => Is(json).Should().BeTrue();

    [Theory]
    [InlineData("")]
    [InlineData(" {}")]
    [InlineData("{} ")]
    [InlineData("""{"a": 1}""")]
    [InlineData("""{"b":1,"a":2}""")]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"a":1,"\u0061":2}""")]
    [InlineData("{\"\uFB33\":1,\"\U0001F600\":2}")]
    [InlineData("""{"a":1,}""")]
    [InlineData("[1,]")]
    [InlineData("1.0")]
    [InlineData("1e3")]
    [InlineData("-0")]
    [InlineData("01")]
    [InlineData("+1")]
    [InlineData("-")]
    [InlineData("9007199254740992")]
    [InlineData("99999999999999999999")]
    [InlineData("\"\\u0061\"")]
    [InlineData("\"\\u000a\"")]
    [InlineData("\"\\u001F\"")]
    [InlineData("\"\\ud83d\\ude00\"")]
    [InlineData("\"\\/\"")]
    [InlineData("\"\\u00")]
    [InlineData("\"\t\"")]
    [InlineData("\"open")]
    [InlineData("tru")]
    [InlineData("{1:2}")]
    public void Every_other_form_is_none(string json) => Is(json).Should().BeFalse();

    [Theory]
    [InlineData(16, true)]
    [InlineData(17, false)]
    public void It_nests_so_deep_and_no_deeper(int depth, bool taken) =>
        Is(new string('[', depth) + "1" + new string(']', depth)).Should().Be(taken);

    [Fact]
    public void Bytes_that_are_not_utf8_are_none() =>
        CanonicalJson.IsCanonical([(byte)'"', 0xff, (byte)'"']).Should().BeFalse();

    /// <summary>RFC 8785 §3.2.2 and §3.2.3, without its numbers.</summary>
    [Fact]
    public void What_is_written_is_sorted_and_sparing_with_escapes()
    {
        var value = JsonNode.Parse(
            """
            { "\u20ac": "Euro", "\r": 1, "\ufb33": "Hebrew", "1": [ true, null ], "\ud83d\ude00": "Smile",
              "\u0080": "Control", "\u00f6": "\u000f\n\"\\\/A'\u007f" }
            """);
        var written = CanonicalJson.Write(value);
        Encoding.UTF8.GetString(written).Should().Be(
            "{\"\\r\":1,\"1\":[true,null],\"\u0080\":\"Control\",\"ö\":\"\\u000f\\n\\\"\\\\/A'\u007f\",\"€\":\"Euro\","
            + "\"\U0001F600\":\"Smile\",\"\uFB33\":\"Hebrew\"}");
        CanonicalJson.IsCanonical(written).Should().BeTrue();
    }

    [Theory]
    [InlineData("1.5")]
    [InlineData("9007199254740992")]
    public void A_number_that_is_no_small_integer_is_not_written(string number)
    {
        var writing = () => CanonicalJson.Write(JsonNode.Parse(number));
        writing.Should().Throw<FormatException>();
    }

    private static bool Is(string json) => CanonicalJson.IsCanonical(Encoding.UTF8.GetBytes(json));
}
