-- Entries of the audit log are neither changed nor deleted. A migration that makes the table anew
-- has to create these triggers again.

-- name: create
CREATE TRIGGER audit_entry_update BEFORE UPDATE ON audit_entry BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_entry_delete BEFORE DELETE ON audit_entry BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- name: drop
DROP TRIGGER audit_entry_update;
DROP TRIGGER audit_entry_delete;
