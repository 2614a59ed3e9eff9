using System.Buffers;
using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>
/// Answers to commands. A receipt is a function of the event lines and nothing else, so that the answer to a repeat,
/// read back from the journal, is the same byte for byte.
/// </summary>
public static class Receipts
{
    /// <summary>How a sealed text begins, as a member and within the text of a proposal's content.</summary>
    private static readonly byte[][] SealedFields =
    [
        .. Fields.All.Where(field => field.Sensitivity == Sensitivity.Personal)
            .SelectMany(field => new[] { $"\"{field.Name}\":\"", $"\\\"{field.Name}\\\":\\\"" })
            .Select(begin => System.Text.Encoding.ASCII.GetBytes(begin + SealedText.Prefix)),
    ];

    /// <summary>How a secret begins that an event keeps sealed for the engine alone. It is no member of a receipt: the
    /// secret itself is <see cref="Shown"/> once, and who took a repeat's ciphertext for it would sign with that.</summary>
    private static readonly byte[] SealedSecret =
        System.Text.Encoding.ASCII.GetBytes(",\"secret\":\"" + SealedText.Prefix);

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _line;

    [ThreadStatic]
    private static Utf8JsonWriter? _lineJson;

    /// <summary>Writes the answer to a command.</summary>
    /// <param name="creates">Whether a success makes something.</param>
    /// <param name="secret">The token of a key made now; a repeat does not have it.</param>
    /// <param name="detail">Of a refusal: what the edge knows besides.</param>
    /// <returns>The HTTP status; 400 or more when it is a problem.</returns>
    public static int Write(
        ResponseBody to, RunningBook book, CommandId id, in Answer answer, bool creates, Shown? secret = null,
        string? detail = null)
    {
        var ended = answer.Ended;
        if (ended.Ending == Ending.NotTaken) return Problems.Write(to.Json, ended.Rejection!);
        if (ended.Parts == 0) return Already(to.Bytes, id);
        if (ended.Ending == Ending.Repeated)
            return WriteStored(to, book, id, ended.Position, ended.Parts, creates, detail);
        if (ended.Parts == 1) return WriteLine(to, book, id, LineOf(answer, id, 0), creates, secret, detail);
        BeginMany(to.Bytes, book, id, ended.Position, LineOf(answer, id, 0));
        for (var i = 0; i < ended.Parts; i++) AddEvent(to.Bytes, LineOf(answer, id, i), i);
        to.Bytes.Write("]}"u8);
        return creates ? StatusCodes.Status201Created : StatusCodes.Status200OK;
    }

    /// <summary>Writes the answer to a command of the past from the journal.</summary>
    public static int WriteStored(
        ResponseBody to, RunningBook book, CommandId id, long position, int parts, bool creates,
        string? detail = null)
    {
        var first = Stored(book, position);
        if (parts == 1) return WriteLine(to, book, id, first, creates, secret: null, detail);
        BeginMany(to.Bytes, book, id, position, first);
        for (var i = 0; i < parts; i++) AddEvent(to.Bytes, Stored(book, position + i), i);
        to.Bytes.Write("]}"u8);
        return creates ? StatusCodes.Status201Created : StatusCodes.Status200OK;
    }

    private static int WriteLine(
        ResponseBody to, RunningBook book, CommandId id, ReadOnlySpan<byte> line, bool creates, Shown? secret,
        string? detail)
    {
        var parts = LineParts.Of(line);
        if (parts.Type.SequenceEqual("command.refused.v1"u8) || parts.Type.SequenceEqual("command.faulted.v1"u8))
        {
            var (head, recorded) = EventLine.Read(line);
            return recorded.Event is CommandEvent.Refused refused
                ? Problems.Write(to.Json, refused, head, detail)
                : Problems.Write(to.Json, (CommandEvent.Faulted)recorded.Event, head);
        }
        var bytes = to.Bytes;
        Begin(bytes, book, id);
        bytes.Write(",\"position\":"u8);
        WriteEvent(bytes, parts);
        if (secret is { } shown)
        {
            bytes.Write(System.Text.Encoding.ASCII.GetBytes($",\"{shown.Name}\":\"{shown.Text}\""));
        }
        bytes.Write("}"u8);
        return creates ? StatusCodes.Status201Created : StatusCodes.Status200OK;
    }

    private static int Already(ArrayBufferWriter<byte> to, CommandId id)
    {
        to.Write("{\"command\":\""u8);
        WriteText(to, id);
        to.Write("\",\"changed\":false}"u8);
        return StatusCodes.Status200OK;
    }

    /// <summary>
    /// The command's id and, when it is not a UUIDv7, for how many further commands it is remembered.
    /// </summary>
    private static void Begin(ArrayBufferWriter<byte> to, RunningBook book, CommandId id)
    {
        to.Write("{\"command\":\""u8);
        WriteText(to, id);
        to.Write("\""u8);
        if (id.Version == 7) return;
        to.Write(",\"remembered_for_commands\":"u8);
        WriteNumber(to, book.Genesis.IdMemory);
    }

    private static void BeginMany(
        ArrayBufferWriter<byte> to, RunningBook book, CommandId id, long position, ReadOnlySpan<byte> line)
    {
        Begin(to, book, id);
        to.Write(",\"position\":"u8);
        WriteNumber(to, position);
        to.Write(",\"recorded_at\":"u8);
        to.Write(LineParts.Of(line).At);
        to.Write(",\"events\":["u8);
    }

    private static void AddEvent(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> line, int index)
    {
        to.Write(index == 0 ? "{\"position\":"u8 : ",{\"position\":"u8);
        WriteEvent(to, LineParts.Of(line));
        to.Write("}"u8);
    }

    /// <summary>Position, time, type, the members of the data, and the legs that stand beside them.</summary>
    private static void WriteEvent(ArrayBufferWriter<byte> to, in LineParts parts)
    {
        to.Write(parts.Position);
        to.Write(",\"recorded_at\":"u8);
        to.Write(parts.At);
        to.Write(",\"type\":\""u8);
        to.Write(parts.Type);
        to.Write("\""u8);
        var members = parts.Data[1..^1];
        if (!members.IsEmpty)
        {
            to.Write(","u8);
            WriteUnsealed(to, members);
        }
        if (parts.Legs.IsEmpty) return;
        to.Write(",\"legs\":"u8);
        to.Write(parts.Legs);
    }

    /// <summary>
    /// Copies an event's data, a word in place of each sealed text: ciphertext says nothing to a caller. A sealed
    /// secret is left out.
    /// </summary>
    private static void WriteUnsealed(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> members)
    {
        if (members.IndexOf(SealedSecret) is >= 0 and var secret)
        {
            WriteUnsealed(to, members[..secret]);
            var rest = members[(secret + SealedSecret.Length)..];
            WriteUnsealed(to, rest[(rest.IndexOf((byte)'"') + 1)..]);
            return;
        }
        foreach (var field in SealedFields)
        {
            var at = members.IndexOf(field);
            if (at < 0) continue;
            var start = at + field.Length - SealedText.Prefix.Length;
            var end = start + members[start..].IndexOfAny((byte)'"', (byte)'\\');
            WriteUnsealed(to, members[..start]);
            to.Write("sealed"u8);
            WriteUnsealed(to, members[end..]);
            return;
        }
        to.Write(members);
    }

    /// <summary>
    /// The line of an event as the journal has it, but for who sent it and the fingerprint, which receipts leave out.
    /// </summary>
    private static ReadOnlySpan<byte> LineOf(in Answer answer, CommandId id, int index)
    {
        var line = _line ??= new(1024);
        var json = _lineJson ??= new(line, EventJson.Line);
        line.ResetWrittenCount();
        json.Reset();
        EventLine.Write(
            json, new(answer.Ended.Position + index, answer.At, Bank.EngineName, id, default, 1, 1),
            answer.Events[index]);
        json.Flush();
        return line.WrittenSpan;
    }

    private static ReadOnlySpan<byte> Stored(RunningBook book, long position)
    {
        var line = _line ??= new(1024);
        line.ResetWrittenCount();
        if (!book.Engine.Journal.TryReadEvent(position, line))
            throw new InvalidOperationException($"Event {position} was acknowledged and is not in the journal.");
        return line.WrittenSpan;
    }

    internal static void WriteText<T>(ArrayBufferWriter<byte> to, T value) where T : struct, IUtf8Text<T>
    {
        value.TryFormat(to.GetSpan(Utf8Text.LongestText), out var length);
        to.Advance(length);
    }

    internal static void WriteNumber(ArrayBufferWriter<byte> to, long value)
    {
        System.Buffers.Text.Utf8Formatter.TryFormat(value, to.GetSpan(20), out var length);
        to.Advance(length);
    }

    /// <summary>The parts of an event line, found without reading what is in them.</summary>
    private ref struct LineParts
    {
        public ReadOnlySpan<byte> Position, At, Type, Data, Legs;

        public static LineParts Of(ReadOnlySpan<byte> line)
        {
            var parts = default(LineParts);
            var reader = new Utf8JsonReader(line);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.ValueSpan;
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                var value = line[start..(int)reader.BytesConsumed];
                if (name.SequenceEqual("position"u8)) parts.Position = value;
                else if (name.SequenceEqual("at"u8)) parts.At = value;
                else if (name.SequenceEqual("type"u8)) parts.Type = value[1..^1];
                else if (name.SequenceEqual("data"u8)) parts.Data = value;
                else if (name.SequenceEqual("legs"u8)) parts.Legs = value;
            }
            return parts;
        }
    }
}
