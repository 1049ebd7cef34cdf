-- Identities that were chosen at the stand-in for a provider, so that its page can offer them again.
CREATE TABLE _simulator_identities (
    provider TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL, picture TEXT, email_verified INTEGER NOT NULL, used_at INTEGER NOT NULL,
    PRIMARY KEY (provider, email)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS _accounts_by_user ON _accounts (user_id);
