-- What SQLite alone knows, repeatable. The ledger is never altered.
CREATE TRIGGER IF NOT EXISTS ledger_entries_no_update BEFORE UPDATE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'ledger entries are never altered'); END;
CREATE TRIGGER IF NOT EXISTS ledger_entries_no_delete BEFORE DELETE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'ledger entries are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS checkpoints_no_update BEFORE UPDATE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'signed heads are never altered'); END;
CREATE TRIGGER IF NOT EXISTS checkpoints_no_delete BEFORE DELETE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'signed heads are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS access_events_no_update BEFORE UPDATE ON access_events
BEGIN SELECT RAISE(ABORT, 'events are never altered'); END;
CREATE TRIGGER IF NOT EXISTS access_events_no_delete BEFORE DELETE ON access_events
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
