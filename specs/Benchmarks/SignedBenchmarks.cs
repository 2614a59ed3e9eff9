using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Application.Signing;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Benchmarks;

/// <summary>
/// Signed transfers over HTTP, no API key: each signature verified and each transfer durable before its answer. They are
/// signed beforehand; the load sends them as they are, in a process of its own on the same cores.
/// </summary>
public static class SignedBenchmarks
{
    private const int Accounts = 256, Connections = 64;

    /// <summary>Enough for some seconds at the rate that is wanted; a variable makes it another number.</summary>
    private static int Requests => int.TryParse(
        Environment.GetEnvironmentVariable("BENCH_SIGNED"), CultureInfo.InvariantCulture, out var count) ? count : 100_000;

    public static void Run()
    {
        var figures = new Figures("signed");
        Verify(figures);
        foreach (var kind in Enum.GetValues<KeyKind>()) Send(figures, kind);
        figures.Print();
    }

    /// <summary>What one signature costs one core, without anything around it.</summary>
    private static void Verify(Figures figures)
    {
        using var verifier = new SignatureVerifier();
        foreach (var kind in Enum.GetValues<KeyKind>())
        {
            using var owner = new Owner(kind);
            var bytes = Encoding.UTF8.GetBytes("what was signed");
            var hash = SHA256.HashData(bytes);
            var given = owner.Sign(bytes);
            verifier.Verify(given, hash, null);
            var (count, started) = (0, Stopwatch.GetTimestamp());
            for (; Stopwatch.GetElapsedTime(started).TotalSeconds < 1; count++) verifier.Verify(given, hash, null);
            var each = Stopwatch.GetElapsedTime(started).TotalMicroseconds / count;
            Figures.Say($"verify_{kind}: {each:F1} us");
            figures.Add($"verify_{kind}_us", each);
        }
    }

    private static void Send(Figures figures, KeyKind kind)
    {
        using var book = BenchmarkBook.Create(Accounts);
        var owners = Enumerable.Range(0, Accounts).Select(_ => new Owner(kind)).ToArray();
        for (var i = 0; i < Accounts; i++) Give(book, book.Accounts[i], owners[i].Key);
        var signingId = SigningIdOf(book);
        book.Engine.Dispose();
        using var host = BenchmarkHost.Start(book.Folder);
        host.AwaitReadModels(book.Token);
        var file = Path.Combine(book.Folder, "requests");
        Write(file, owners, book, signingId);
        var result = Load(host.Port, file);
        Figures.Say($"signed_{kind}: {result.PerSecond:N0}/s, p50 {result.P50:F2} ms, p99 {result.P99:F2}, max {result.Max:F1}; refused {result.Refused}");
        figures.Add($"signed_{kind}", result.PerSecond);
        figures.Add($"signed_{kind}_p99_ms", result.P99);
        foreach (var owner in owners) owner.Dispose();
    }

    private static void Give(BenchmarkBook book, AccountId account, SigningKey key)
    {
        var alone = new Authority(1, [new(key, 1)], [], []);
        var answer = book.Engine.SendAsync(
            book.NewEnvelope(), new CreatePermissions(account, alone, alone, Channel: false), "permissions.create")
            .GetAwaiter().GetResult();
        if (answer.Ended.Ending != Ending.Accepted) throw new InvalidOperationException(answer.Ended.Rejection?.Code);
    }

    private static string SigningIdOf(BenchmarkBook book)
    {
        var line = new ArrayBufferWriter<byte>();
        book.Engine.Journal.TryReadEvent(1, line);
        return TreeHash.OfLeaf(line.WrittenSpan).ToString();
    }

    /// <summary>All requests, each behind its length, made on all cores.</summary>
    private static void Write(string file, Owner[] owners, BenchmarkBook book, string signingId)
    {
        var expires = new Instant(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1_000).AddSeconds(3_000);
        var requests = new byte[Requests][];
        Parallel.For(0, Requests, i =>
        {
            var debit = i % Accounts;
            var credit = (debit + 1 + i / Accounts % (Accounts - 1)) % Accounts;
            var signed = Encoding.ASCII.GetBytes(
                $$$$"""{"as":["{{{{book.Accounts[debit]}}}}@active"],"book":"{{{{signingId}}}}","command":"transfer.make","expires":"{{{{expires}}}}","fields":{"amount":{"amount":"0.01","asset":"USD"},"credit":"{{{{book.Accounts[credit]}}}}","debit":"{{{{book.Accounts[debit]}}}}"},"id":"{{{{Guid.CreateVersion7()}}}}"}""");
            var body = $$"""{"signed":"{{Base64Url.EncodeToString(signed)}}","signatures":[{{owners[debit].Json(signed)}}]}""";
            requests[i] = Encoding.ASCII.GetBytes(
                $"POST /v1/signed HTTP/1.1\r\nHost: bank\r\nContent-Type: application/json\r\n"
                + $"Content-Length: {body.Length}\r\n\r\n{body}");
        });
        using var to = File.Create(file);
        var length = new byte[4];
        foreach (var request in requests)
        {
            BinaryPrimitives.WriteInt32LittleEndian(length, request.Length);
            to.Write(length);
            to.Write(request);
        }
    }

    private static LoadResult Load(int port, string file)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            ArgumentList = { "load-signed", port.ToString(CultureInfo.InvariantCulture), file },
            RedirectStandardOutput = true,
        };
        start.Environment["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1";
        using var process = Process.Start(start)!;
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return JsonSerializer.Deserialize<LoadResult>(said) ?? throw new InvalidOperationException(said);
    }

    /// <summary>Sends what a file holds, each connection its next as soon as the last is answered.</summary>
    public static async Task<LoadResult> SendAsync(int port, string file)
    {
        var all = await File.ReadAllBytesAsync(file);
        var places = new List<(int At, int Length)>();
        for (var at = 0; at < all.Length; at = places[^1].At + places[^1].Length)
            places.Add((at + 4, BinaryPrimitives.ReadInt32LittleEndian(all.AsSpan(at))));
        var (next, refused, warm) = (-1, 0L, places.Count / 5);
        var times = new float[places.Count];
        long began = 0;
        async Task Run()
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, port);
            var answer = new byte[64 * 1024];
            for (int i; (i = Interlocked.Increment(ref next)) < places.Count;)
            {
                if (i == warm) Volatile.Write(ref began, Stopwatch.GetTimestamp());
                var started = Stopwatch.GetTimestamp();
                await socket.SendAsync(all.AsMemory(places[i].At, places[i].Length));
                var received = 0;
                do
                {
                    var count = await socket.ReceiveAsync(answer.AsMemory(received));
                    if (count == 0) throw new InvalidOperationException("The server closed the connection.");
                    received += count;
                }
                while (!IsWhole(answer.AsSpan(0, received)));
                if (answer[9] != (byte)'2') Interlocked.Increment(ref refused);
                times[i] = (float)Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            }
        }

        await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => Task.Run(Run)));
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var measured = times[warm..];
        Array.Sort(measured);
        double At(double share) => measured[(int)Math.Min(measured.Length - 1, measured.Length * share)];
        return new(measured.Length / seconds, At(0.5), At(0.99), At(0.999), At(1), refused, 0);
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var end = answer.IndexOf("\r\n\r\n"u8);
        if (end < 0) return false;
        var length = answer[(answer.IndexOf("Content-Length: "u8) + 16)..];
        length = length[..length.IndexOf((byte)'\r')];
        return answer.Length >= end + 4 + int.Parse(length, CultureInfo.InvariantCulture);
    }

    /// <summary>Somebody with a key; of a passkey, an authenticator too.</summary>
    private sealed class Owner : IDisposable
    {
        private static readonly byte[] Data = [.. SHA256.HashData("localhost"u8), 0x05, 0, 0, 0, 1];
        private readonly ECDsa _key;

        public Owner(KeyKind kind)
        {
            _key = ECDsa.Create(Curve.Of(kind).Named);
            Key = Curve.KeyOf(_key, kind, kind == KeyKind.Passkey ? "localhost" : null);
        }

        public SigningKey Key { get; }

        public SignatureEvidence Sign(byte[] bytes)
        {
            var client = Key.Kind == KeyKind.Passkey ? ClientOf(bytes) : null;
            var said = client is null ? bytes : [.. Data, .. SHA256.HashData(client)];
            byte[] signature;
            lock (_key)
            {
                signature =
                    _key.SignData(said, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            }
            EcSignature.MakeLow(Key.Kind, signature);
            return new(Key, signature, client is null ? null : Data, client);
        }

        public string Json(byte[] bytes)
        {
            if (Key.Kind != KeyKind.Passkey)
                return $$"""{"key":"{{Key}}","signature":"{{Base64Url.EncodeToString(Sign(bytes).Signature)}}"}""";
            var client = ClientOf(bytes);
            byte[] der;
            lock (_key)
            {
                der = _key.SignData(
                    [.. Data, .. SHA256.HashData(client)], HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
            }
            return $$"""
                {"key":"{{Key}}","signature":"{{Base64Url.EncodeToString(der)}}","authenticator_data":"{{Base64Url.EncodeToString(Data)}}","client_data":"{{Base64Url.EncodeToString(client)}}"}
                """;
        }

        public void Dispose() => _key.Dispose();

        private static byte[] ClientOf(byte[] bytes) => Encoding.ASCII.GetBytes(
            $$"""{"type":"webauthn.get","challenge":"{{Base64Url.EncodeToString(SHA256.HashData(bytes))}}","origin":"http://localhost:5080","crossOrigin":false}""");
    }
}
