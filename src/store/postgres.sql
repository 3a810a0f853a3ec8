-- What PostgreSQL alone knows, repeatable. The ledger is never altered.
CREATE OR REPLACE FUNCTION ledger_is_never_altered() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'ledger entries are never altered'; END $$;
CREATE OR REPLACE TRIGGER ledger_entries_never_altered BEFORE UPDATE OR DELETE ON ledger_entries
FOR EACH ROW EXECUTE FUNCTION ledger_is_never_altered();
CREATE OR REPLACE TRIGGER checkpoints_never_altered BEFORE UPDATE OR DELETE ON checkpoints
FOR EACH ROW EXECUTE FUNCTION ledger_is_never_altered();
CREATE OR REPLACE TRIGGER access_events_never_altered BEFORE UPDATE OR DELETE ON access_events
FOR EACH ROW EXECUTE FUNCTION ledger_is_never_altered();
CREATE OR REPLACE TRIGGER ledger_entries_never_emptied BEFORE TRUNCATE ON ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_never_altered();
CREATE OR REPLACE TRIGGER checkpoints_never_emptied BEFORE TRUNCATE ON checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_never_altered();
CREATE OR REPLACE TRIGGER access_events_never_emptied BEFORE TRUNCATE ON access_events
FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_never_altered();
