using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Domain.Kernel;

namespace BankingEngine.Specs.Rules;

/// <summary>Rows and keys are hashed by their bytes, so every byte of them must belong to a field.</summary>
public sealed class RowLayoutSpecs
{
    [Fact]
    public void Rows_without_references_have_no_padding()
    {
        var padded = Rows(typeof(Tables).Assembly).SelectMany(r => new[] { r.Row, r.Key })
            .Where(type => !HoldsReferences(type) && SizeOfFields(type) != SizeOf(type))
            .Select(type => $"{type.FullName}: {SizeOfFields(type)} bytes of fields in {SizeOf(type)}")
            .Distinct();
        padded.Should().BeEmpty();
    }

    [Fact]
    public void Rows_that_hold_references_say_how_they_are_written() =>
        Rows(typeof(Tables).Assembly).Where(r => HoldsReferences(r.Row) && r.Row.GetMethods(
                BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Count(m => m.Name is "Write" or "Read" || m.Name.EndsWith(".Write", StringComparison.Ordinal)
                || m.Name.EndsWith(".Read", StringComparison.Ordinal)) < 2)
            .Should().BeEmpty();

    [Fact]
    public void The_rule_sees_padding_where_there_is_some()
    {
        Rows(typeof(WideRow).Assembly).Select(r => r.Row).Should().Contain([typeof(WideRow), typeof(NotedRow)]);
        (SizeOf(typeof(WideRow)), SizeOfFields(typeof(WideRow))).Should().Be((80, 80));
        (SizeOf(typeof(Padded)), SizeOfFields(typeof(Padded))).Should().Be((32, 17));
        HoldsReferences(typeof(NotedRow)).Should().BeTrue();
    }

    private static IEnumerable<(Type Row, Type Key)> Rows(Assembly assembly) =>
        from type in assembly.GetTypes()
        where type.IsValueType && !type.ContainsGenericParameters
        from contract in type.GetInterfaces()
        where contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(IRow<,>)
        select (type, contract.GetGenericArguments()[1]);

    private static FieldInfo[] FieldsOf(Type type) =>
        type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);

    private static bool HoldsReferences(Type type) =>
        !type.IsValueType || (!type.IsPrimitive && FieldsOf(type)
            .Any(field => field.FieldType != type && HoldsReferences(field.FieldType)));

    private static int SizeOfFields(Type type)
    {
        if (type.IsEnum || type.IsPrimitive) return SizeOf(type);
        var sum = FieldsOf(type).Sum(field => SizeOfFields(field.FieldType));
        return type.GetCustomAttribute<InlineArrayAttribute>() is { } array ? sum * array.Length : sum;
    }

    private static int SizeOf(Type type) => (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!
        .MakeGenericMethod(type).Invoke(null, null)!;

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Padded(byte Small, UInt128 Large);
}
