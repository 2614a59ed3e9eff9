using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace BankingEngine.Domain.Kernel;

/// <summary>A row of a <see cref="Table{TKey, TRow}"/>.</summary>
/// <remarks>
/// A row without references is hashed and stored by its bytes, so it must have no padding (specs/Rules checks every
/// row type), and equal rows must have equal bytes. A row with references implements both static members;
/// what it writes is what is hashed.
/// </remarks>
public interface IRow<TSelf, TKey>
    where TSelf : struct, IRow<TSelf, TKey>
    where TKey : unmanaged, IEquatable<TKey>
{
    /// <summary>The primary key: unique in its table, never changed by an update.</summary>
    TKey Key { get; }

    /// <summary>Writes all of a row that holds references; called for no other row.</summary>
    static virtual void Write(in TSelf row, ref RowWriter to) =>
        throw new NotSupportedException($"{typeof(TSelf).Name} holds references: it must implement Write.");

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    static virtual TSelf Read(ref RowReader from) =>
        throw new NotSupportedException($"{typeof(TSelf).Name} holds references: it must implement Read.");
}

/// <summary>A snapshot was cut short, damaged, or made for another schema. Delete it and replay the journal.</summary>
public sealed class SnapshotRefusedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The state is not what its digest says. Nothing may be answered from it any more.</summary>
public sealed class StateCorruptException(string message) : Exception(message);

/// <summary>Appends the fields of a row with references to a buffer that grows as needed.</summary>
public ref struct RowWriter
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private byte[] _buffer;
    private int _length;

    /// <param name="scratch">Used while it suffices; <see cref="Buffer"/> is the one to keep for the next row.</param>
    public RowWriter(byte[] scratch) => _buffer = scratch;

    public readonly byte[] Buffer => _buffer;
    public readonly ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>Appends a value by its bytes; its type must have no padding.</summary>
    public void Value<T>(in T value) where T : unmanaged =>
        MemoryMarshal.Write(Next(Unsafe.SizeOf<T>()), in value);

    /// <summary>Appends bytes and their length.</summary>
    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        Value(bytes.Length);
        bytes.CopyTo(Next(bytes.Length));
    }

    /// <summary>Appends values and their number, each by its bytes; their type must have no padding.</summary>
    public void Values<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        Value(values.Length);
        MemoryMarshal.AsBytes(values).CopyTo(Next(checked(values.Length * Unsafe.SizeOf<T>())));
    }

    /// <summary>Appends text as UTF-8.</summary>
    /// <exception cref="EncoderFallbackException">Half a surrogate pair: it would not be read back.</exception>
    public void Text(string text)
    {
        var length = Strict.GetByteCount(text);
        Value(length);
        Strict.GetBytes(text, Next(length));
    }

    private Span<byte> Next(int count)
    {
        if (_length + count > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(_length + count, Math.Max(256, _buffer.Length * 2)));
        }

        var next = _buffer.AsSpan(_length, count);
        _length += count;
        return next;
    }
}

/// <summary>Reads back what a <see cref="RowWriter"/> wrote, field by field.</summary>
/// <exception cref="SnapshotRefusedException">Any read beyond the end of the row.</exception>
public ref struct RowReader(ReadOnlySpan<byte> row)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private ReadOnlySpan<byte> _rest = row;

    public readonly bool AtEnd => _rest.IsEmpty;

    public T Value<T>() where T : unmanaged => MemoryMarshal.Read<T>(Next(Unsafe.SizeOf<T>()));

    /// <summary>The bytes, valid only while the row is being read.</summary>
    public ReadOnlySpan<byte> Bytes() => Next(Value<int>());

    public T[] Values<T>() where T : unmanaged
    {
        var count = Value<int>();
        if (count < 0 || count > _rest.Length) throw Short();
        return MemoryMarshal.Cast<byte, T>(Next(checked(count * Unsafe.SizeOf<T>()))).ToArray();
    }

    public string Text()
    {
        try
        {
            return Strict.GetString(Next(Value<int>()));
        }
        catch (DecoderFallbackException fault)
        {
            throw new SnapshotRefusedException("A row's text is not UTF-8.", fault);
        }
    }

    private ReadOnlySpan<byte> Next(int count)
    {
        if (count < 0 || count > _rest.Length) throw Short();
        var next = _rest[..count];
        _rest = _rest[count..];
        return next;
    }

    private static SnapshotRefusedException Short() => new("A row ends before its last field.");
}
