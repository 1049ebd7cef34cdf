-- Roles of an app's own moved into the section `users` of the settings of authentication.
UPDATE _settings SET value = json_object('users', json(value)) WHERE key = 'auth';

-- PHC strings; a user who signs in otherwise has no row.
CREATE TABLE _passwords (
    user_id TEXT PRIMARY KEY REFERENCES _users (id) ON DELETE CASCADE, hash TEXT NOT NULL, changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the newest refresh token of a session says: it can be written again from this, and is stored nowhere.
ALTER TABLE _sessions ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
ALTER TABLE _sessions ADD COLUMN issued_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE _sessions ADD COLUMN refresh_expires_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE _sessions ADD COLUMN kid TEXT NOT NULL DEFAULT '';
ALTER TABLE _sessions ADD COLUMN impersonated INTEGER NOT NULL DEFAULT 0;

-- Links and codes that were mailed: hashes only. `state` is live, used or void; rows are kept for a while after that, so
-- that the right code can be answered.
CREATE TABLE _one_time (
    id TEXT PRIMARY KEY, purpose TEXT NOT NULL, address TEXT NOT NULL, user_id TEXT, hash BLOB NOT NULL UNIQUE,
    payload TEXT NOT NULL DEFAULT '{}', tries INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'live',
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX _one_time_by_address ON _one_time (purpose, address);
CREATE INDEX _one_time_by_user ON _one_time (user_id);

CREATE TABLE _auth_events (
    id TEXT PRIMARY KEY, type TEXT NOT NULL, user_id TEXT, session_id TEXT, ip_address TEXT NOT NULL, user_agent TEXT NOT NULL,
    success INTEGER NOT NULL, code TEXT, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX _auth_events_by_user ON _auth_events (user_id, id);
