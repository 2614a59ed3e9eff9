using System.Buffers.Text;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Application.Journal;

/// <summary>
/// Reads the commonest line, a plain single transfer exactly as <see cref="EventLine"/> writes it, without a JSON reader:
/// about a quarter of the time. Anything else, in any way, is left to the reader; so this decides speed, never meaning.
/// </summary>
internal static class MadeScan
{
    private const int DateLength = 10, TimeLength = 27;

    /// <summary>Lines in a row mostly share the second and the date: the last text and its value serve again.</summary>
    [ThreadStatic]
    private static Repeated? _last;

    public static bool TryRead(ReadOnlySpan<byte> line, out LineHead head, out Recorded recorded)
    {
        (head, recorded) = (default, default);
        var last = _last ??= new();
        var at = new Cursor(line);
        if (!at.Skip("{\"position\":"u8) || !at.TakeNumber(out var position)
            || !at.Skip(",\"at\":\""u8) || !at.Take(TimeLength, out var time)
            || !at.Skip("\",\"type\":\"transfer.made.v1\",\"by\":\""u8) || !at.TakeText(out var by)) return false;
        ReadOnlySpan<byte> command = default, print = default;
        if (at.Skip(",\"command\":\""u8) && !at.TakeText(out command)) return false;
        if (at.Skip(",\"print\":\""u8) && !at.TakeText(out print)) return false;
        if (!at.Skip(",\"data\":{\"id\":\""u8) || !at.TakeText(out var idText)
            || !at.Skip(",\"debit\":\""u8) || !at.TakeText(out var debitText)
            || !at.Skip(",\"credit\":\""u8) || !at.TakeText(out var creditText)
            || !at.Skip(",\"amount\":{\"asset\":\""u8) || !at.TakeText(out var assetText)
            || !at.Skip(",\"amount\":\""u8) || !at.TakeText(out var amountText)
            || !at.Skip("},\"particulars\":{\"booked_on\":\""u8) || !at.TakeText(out var date)
            || !at.Skip("}}}"u8) || !at.AtEnd) return false;
        CommandId commandId = default;
        UInt128 fingerprint = default;
        if (!last.TryInstant(time, out var recordedAt) || !Tag.TryParse(by, out var caller)
            || (!command.IsEmpty && !CommandId.TryParse(command, out commandId))
            || (!print.IsEmpty && !HexConverter.TryParse(print, out fingerprint))
            || !TransferId.TryParse(idText, out var id) || !AccountId.TryParse(debitText, out var debit)
            || !AccountId.TryParse(creditText, out var credit) || !AssetCode.TryParse(assetText, out var asset)
            || !Amount.TryParseCanonical(amountText, asset, out var amount) || !last.TryParticulars(date, out var said)) return false;
        if (command.IsEmpty && caller != Bank.EngineName) commandId = new(id.Value);
        head = new(position, recordedAt, caller, commandId, fingerprint, 1, 1);
        recorded = new(new TransferEvent.Made(id, debit, credit, amount, said), []);
        return true;
    }

    /// <summary>Where the scan stands in the line.</summary>
    private ref struct Cursor(ReadOnlySpan<byte> line)
    {
        private ReadOnlySpan<byte> _rest = line;

        public readonly bool AtEnd => _rest.IsEmpty;

        public bool Skip(scoped ReadOnlySpan<byte> expected)
        {
            if (!_rest.StartsWith(expected)) return false;
            _rest = _rest[expected.Length..];
            return true;
        }

        public bool Take(int length, out ReadOnlySpan<byte> taken)
        {
            taken = default;
            if (_rest.Length < length) return false;
            taken = _rest[..length];
            _rest = _rest[length..];
            return true;
        }

        /// <summary>Up to the next quotation mark, which is passed. An escaped text never parses as what it stands for.</summary>
        public bool TakeText(out ReadOnlySpan<byte> taken)
        {
            taken = default;
            var end = _rest.IndexOf((byte)'"');
            if (end < 0) return false;
            taken = _rest[..end];
            _rest = _rest[(end + 1)..];
            return true;
        }

        public bool TakeNumber(out long number)
        {
            if (!Utf8Parser.TryParse(_rest, out number, out var used)) return false;
            _rest = _rest[used..];
            return true;
        }
    }

    private sealed class Repeated
    {
        private const int SecondLength = 19;
        private readonly byte[] _second = new byte[SecondLength];
        private readonly byte[] _date = new byte[DateLength];
        private long _secondStart;
        private Particulars? _said;

        public bool TryInstant(ReadOnlySpan<byte> text, out Instant instant)
        {
            instant = default;
            if (!text[..SecondLength].SequenceEqual(_second))
            {
                if (!Instant.TryParse(text, out instant)) return false;
                text[..SecondLength].CopyTo(_second);
                _secondStart = instant.Microseconds - instant.Microseconds % Instant.MicrosecondsPerSecond;
                return true;
            }
            if (text[SecondLength] != (byte)'.' || text[TimeLength - 1] != (byte)'Z'
                || !Utf8Parser.TryParse(text[(SecondLength + 1)..(TimeLength - 1)], out uint fraction, out var used) || used != 6) return false;
            instant = new(_secondStart + fraction);
            return true;
        }

        public bool TryParticulars(ReadOnlySpan<byte> date, out Particulars said)
        {
            said = _said!;
            if (_said is not null && date.SequenceEqual(_date)) return true;
            if (date.Length != DateLength || !BusinessDate.TryParse(date, out var booked)) return false;
            date.CopyTo(_date);
            said = _said = new(BookedOn: booked);
            return true;
        }
    }
}
