-- The second factor of users who have turned it on. `secret` is sealed; `last_step` is the last time step a code was taken of.
CREATE TABLE _mfa (
    user_id TEXT PRIMARY KEY REFERENCES _users (id) ON DELETE CASCADE, secret TEXT NOT NULL, last_step INTEGER NOT NULL, enabled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Backup codes that are left, as keyed hashes.
CREATE TABLE _backup_codes (
    user_id TEXT NOT NULL REFERENCES _users (id) ON DELETE CASCADE, hash BLOB NOT NULL, PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;

-- A pending invitation past `expires_at` is expired. `granted_at` is when the role of an accepted one was given.
CREATE TABLE _invitations (
    id TEXT PRIMARY KEY, resource_type TEXT NOT NULL, resource_id TEXT NOT NULL, resource_name TEXT, resource_role TEXT NOT NULL,
    email TEXT NOT NULL, name TEXT, inviter_id TEXT, inviter_name TEXT, token_hash BLOB NOT NULL UNIQUE,
    status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'rejected', 'revoked')), granted_at INTEGER,
    expires_at INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX _invitations_by_email ON _invitations (email);
CREATE INDEX _invitations_by_inviter ON _invitations (inviter_id);
