namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>
/// What others were given on a table, for the one that takes its place: grants on the table and on its columns, and the
/// publications that it is in.
/// </summary>
/// <remarks>
/// Comments are the program's own and made with the table; a view is replaced and not dropped, and keeps what was
/// granted on it. What is said of a column that the new table lacks ends with the column.
/// </remarks>
/// <param name="from">The old table, quoted.</param>
/// <param name="to">The new one.</param>
internal sealed class TableSuccession(string from, string to)
{
    private string Old => $"to_regclass({StoreSchema.Literal(from)})";

    private string New => StoreSchema.Literal(to);

    /// <summary>Whoever may read the old table may read the new one, and may let others if he might.</summary>
    public string Grants =>
        $"""
        do $do$ declare g record; begin
          for g in select a.grantee, a.privilege_type as what, a.is_grantable, '' as columns
              from pg_class c, aclexplode(c.relacl) a where c.oid = {Old} and a.grantee <> c.relowner
            union all select a.grantee, a.privilege_type, a.is_grantable, format('(%I)', o.attname)
              from pg_class c join pg_attribute o on o.attrelid = c.oid, aclexplode(o.attacl) a
              where c.oid = {Old} and a.grantee <> c.relowner and {IsKept("o.attname")}
          loop
            execute format('grant %s %s on %s to %s%s', g.what, g.columns, {New},
              case when g.grantee = 0 then 'public' else g.grantee::regrole::text end,
              case when g.is_grantable then ' with grant option' else '' end);
          end loop; end $do$
        """;

    /// <summary>
    /// Whoever follows the old table follows the new one, by the same columns and rows: those that publications name it
    /// for. One of somebody else's is his to change.
    /// </summary>
    /// <remarks>Lists of columns and filters came with version 15: read by name, so that 14 has none.</remarks>
    public string Publications =>
        $"""
        do $do$ declare p record; begin
          for p in select pub.pubname, to_jsonb(t) ->> 'rowfilter' as filter, case when to_jsonb(r) ->> 'prattrs' <> '' then
                (select string_agg(format('%I', name), ', ') from jsonb_array_elements_text(to_jsonb(t) -> 'attnames') name
                  where {IsKept("name")}) end as columns
              from pg_publication_rel r join pg_publication pub on pub.oid = r.prpubid join pg_class c on c.oid = r.prrelid
                join pg_namespace n on n.oid = c.relnamespace join pg_publication_tables t
                  on t.pubname = pub.pubname and t.tablename = c.relname and t.schemaname = n.nspname
              where c.oid = {Old} and pg_has_role(pub.pubowner, 'usage')
          loop
            execute format('alter publication %I add table %s%s%s', p.pubname, {New},
              ' (' || p.columns || ')', ' where (' || p.filter || ')');
          end loop; end $do$
        """;

    private string IsKept(string column) => $"exists (select from pg_attribute n where n.attrelid = to_regclass({New}) "
        + $"and n.attname = {column} and not n.attisdropped)";
}
