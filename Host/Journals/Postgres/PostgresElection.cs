using System.Diagnostics;
using BankingEngine.Application.Journal;
using Npgsql;

namespace BankingEngine.Host.Journals.Postgres;

/// <summary>Who leads a book: the holder of a session lock, in a term that the database counts.</summary>
/// <remarks>
/// The lock finds the leader; the term makes it safe. A lock can be lost without its holder knowing (its session ended,
/// the database restarted), and the holder may answer until its lease has run out. So whoever gets the lock raises the
/// term, which stops the other's appends and proofs, and leads a lease later; at once only where the one before gave
/// its lead up itself.
/// </remarks>
internal sealed class PostgresElection(PostgresJournal journal, PostgresAddress address, int book, Guid host)
    : IDisposable
{
    /// <summary>Clocks of two machines run at rates that differ by less than this in a lease.</summary>
    private static readonly TimeSpan RateMargin = TimeSpan.FromMilliseconds(100);

    private readonly Lock _electing = new();
    private NpgsqlConnection? _session;
    private long _used;
    private bool _locked;
    private long _term;
    private long _since;
    private TimeSpan _wait;

    /// <returns>Null while another leads, or its lease may run.</returns>
    /// <exception cref="JournalException">Unknown: the store did not answer. Refused: it is no longer fit.</exception>
    public ILead? Try(string leader)
    {
        lock (_electing)
        {
            var asked = Stopwatch.GetTimestamp();
            // Whoever asked long ago finds the session ended for idling.
            if (Stopwatch.GetElapsedTime(_used) > JournalTimes.Lease) Close();
            _used = asked;
            try
            {
                _session ??= address.OpenElection();
                if (!_locked && !TryLock(_session)) return null;
                if (!_locked) Raise(_session, leader);
                else if (Standing(_session, _term) != LeadStanding.Held)
                {
                    Close();
                    return null;
                }
                if (Stopwatch.GetElapsedTime(_since) < _wait) return null;
                journal.Begin(_term);
                var lead = new Lead(journal, this, _session, _term, asked);
                (_session, _locked) = (null, false);
                return lead;
            }
            catch (Exception fault) when (PostgresFaults.IsStore(fault))
            {
                Close();
                throw PostgresFaults.Running(fault, "The lead was not asked for");
            }
            catch (JournalException)
            {
                Close();
                throw;
            }
        }
    }

    public void Dispose()
    {
        lock (_electing) Close();
    }

    private bool TryLock(NpgsqlConnection session)
    {
        using var question = new NpgsqlCommand($"""
            select pg_try_advisory_lock(('bank_journal.blocks'::regclass::oid::bigint << 32) | $1), {PostgresAddress.Standbys}
            """, session);
        question.Parameters.Add(new() { Value = (long)book });
        using var answer = question.ExecuteReader();
        answer.Read();
        journal.Mind(PostgresAddress.WarningsFor(answer.GetString(1)));
        return answer.GetBoolean(0);
    }

    private void Raise(NpgsqlConnection session, string leader)
    {
        // The settings may be others than when the journal was opened.
        using (var plain = address.OpenPlain()) PostgresAddress.DemandFit(plain);
        using var raise = new NpgsqlCommand("""
            with before as (select host, released from bank_journal.leads where book = $1)
            insert into bank_journal.leads as l (book, term, host, leader, released, since)
            values ($1, 1, $2, $3, false, clock_timestamp())
            on conflict (book) do update set term = l.term + 1, host = excluded.host, leader = excluded.leader,
              released = false, since = excluded.since
            returning term, (select released from before), (select host from before)
            """, session);
        raise.Parameters.Add(new() { Value = book });
        raise.Parameters.Add(new() { Value = host });
        raise.Parameters.Add(new() { Value = leader });
        using var answer = raise.ExecuteReader();
        answer.Read();
        (_term, _locked) = (answer.GetInt64(0), true);
        var isFree = answer.IsDBNull(1) || answer.GetBoolean(1);
        var wasHere = !answer.IsDBNull(2) && answer.GetGuid(2) == host;
        // What this host raised before and never led: the wait it began then goes on.
        if (wasHere) return;
        _since = Stopwatch.GetTimestamp();
        _wait = isFree ? TimeSpan.Zero : JournalTimes.Lease + RateMargin;
    }

    private LeadStanding Standing(NpgsqlConnection session, long term)
    {
        using var question = new NpgsqlCommand($"""
            select pg_backend_pid(), (select term from bank_journal.leads where book = $1), {PostgresAddress.Standbys}
            """, session);
        question.Parameters.Add(new() { Value = book });
        using var answer = question.ExecuteReader();
        answer.Read();
        // The setting may be changed at any time: what health says is never older than a beat.
        journal.Mind(PostgresAddress.WarningsFor(answer.GetString(2)));
        var isMine = answer.GetInt32(0) == session.ProcessID;
        return isMine && answer.GetInt64(1) == term ? LeadStanding.Held : LeadStanding.Lost;
    }

    private void GiveUp(NpgsqlConnection session, long term)
    {
        using var release = new NpgsqlCommand(
            "update bank_journal.leads set released = true where book = $1 and term = $2", session);
        release.Parameters.Add(new() { Value = book });
        release.Parameters.Add(new() { Value = term });
        release.ExecuteNonQuery();
    }

    private void Close()
    {
        _session?.Dispose();
        (_session, _locked) = (null, false);
    }

    private sealed class Lead(
        PostgresJournal journal, PostgresElection election, NpgsqlConnection session, long term, long proven)
        : SharedLead(journal, proven)
    {
        private bool _open = true;

        protected override LeadStanding Ask()
        {
            try
            {
                var standing = election.Standing(session, term);
                if (standing == LeadStanding.Lost) Close();
                return standing;
            }
            catch (Exception fault) when (PostgresFaults.IsStore(fault) || fault is InvalidOperationException)
            {
                // Without its session the lock is gone, or will be.
                Close();
                return LeadStanding.Lost;
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (!_open) return;
            try
            {
                election.GiveUp(session, term);
            }
            catch (Exception fault) when (PostgresFaults.IsStore(fault) || fault is InvalidOperationException)
            {
                // The next leader then waits for the lease.
            }
            Close();
        }

        private void Close()
        {
            _open = false;
            session.Dispose();
        }
    }
}
