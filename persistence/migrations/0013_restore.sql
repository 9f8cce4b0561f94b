-- A copy of a database is told from its original on the same server, too.

-- Which history this server continues. After a restore or a failover the committed past
-- may be another one; acquire and fence compare, and give the event a new history_id.
-- The database's own number is another one wherever pg_restore or CREATE DATABASE made it.
CREATE OR REPLACE FUNCTION server_line() RETURNS text LANGUAGE sql VOLATILE
RETURN (SELECT system_identifier FROM pg_control_system())::text
    || ':' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
    || ':' || (SELECT oid FROM pg_database WHERE datname = current_database());

-- What goes on as before keeps its history.
UPDATE event_head SET server_line = server_line()
WHERE server_line = regexp_replace(server_line(), ':[0-9]+$', '');
