CREATE TABLE _settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- One row per table a developer made; `definition` is its JSON (schema, indexes, permissions, settings).
CREATE TABLE _tables (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, physical TEXT NOT NULL UNIQUE, definition TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE _table_versions (
    id TEXT PRIMARY KEY, table_id TEXT NOT NULL REFERENCES _tables (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('schema', 'indexes')), version INTEGER NOT NULL, body TEXT NOT NULL,
    summary TEXT NOT NULL, changes TEXT NOT NULL, created_by TEXT NOT NULL, created_at INTEGER NOT NULL,
    UNIQUE (table_id, kind, version)
) STRICT;

-- The newest changes of records, for streams that resume. `before` is the record as it was (NULL on create); what it
-- became stands in the next change of the same record, or in the record itself.
CREATE TABLE _changes (
    seq INTEGER PRIMARY KEY, table_id TEXT NOT NULL, record_id TEXT NOT NULL,
    op INTEGER NOT NULL, at INTEGER NOT NULL, created_by TEXT, created_at INTEGER, updated_at INTEGER, before BLOB
) STRICT;

-- What must outlive a crash is written in the transaction of the change and taken from here after the commit.
CREATE TABLE _outbox (id TEXT PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;

CREATE TABLE _users (
    id TEXT PRIMARY KEY, email TEXT, role TEXT NOT NULL, name TEXT, banned INTEGER NOT NULL DEFAULT 0, banned_until INTEGER, ban_reason TEXT,
    profile TEXT NOT NULL DEFAULT '{}', email_verified INTEGER, is_anonymous INTEGER NOT NULL DEFAULT 0, last_login_at INTEGER,
    deleted_at INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX _users_by_email ON _users (email) WHERE deleted_at IS NULL;

CREATE TABLE _accounts (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES _users (id) ON DELETE CASCADE, provider TEXT NOT NULL,
    provider_account_id TEXT NOT NULL, email TEXT, connected_at INTEGER NOT NULL, UNIQUE (provider, provider_account_id)
) STRICT;

CREATE TABLE _sessions (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES _users (id) ON DELETE CASCADE,
    user_agent TEXT NOT NULL DEFAULT '', ip_address TEXT NOT NULL DEFAULT '', last_activity_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX _sessions_by_user ON _sessions (user_id);

CREATE TABLE _files (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, original_name TEXT, mime_type TEXT NOT NULL, size INTEGER NOT NULL,
    visibility TEXT NOT NULL, owner_id TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
