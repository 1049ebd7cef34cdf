-- AI clients that registered, what developers approved for them, and what was issued from that.
CREATE TABLE oauth_clients (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, redirect_uris TEXT NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER
) STRICT;
CREATE INDEX oauth_clients_unused ON oauth_clients (created_at) WHERE used_at IS NULL;

-- What waits for sign-in and approval. An adopted client has no row of its own before it is approved.
CREATE TABLE oauth_requests (
    id TEXT PRIMARY KEY, client_id TEXT NOT NULL, client_name TEXT NOT NULL, redirect_uri TEXT NOT NULL,
    state BLOB, scope TEXT NOT NULL, challenge TEXT NOT NULL, resource TEXT NOT NULL, base TEXT NOT NULL,
    expires_at INTEGER NOT NULL, tenant_id TEXT
) STRICT;
CREATE INDEX oauth_requests_by_expiry ON oauth_requests (expires_at);

CREATE TABLE oauth_grants (
    id TEXT PRIMARY KEY, client_id TEXT NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE, client_name TEXT NOT NULL,
    redirect_uri TEXT NOT NULL, tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    scope TEXT NOT NULL, allow_prod INTEGER NOT NULL, resource TEXT NOT NULL, created_at INTEGER NOT NULL,
    -- When the first token was issued; a grant without one is no connection yet.
    issued_at INTEGER, expires_at INTEGER NOT NULL, last_used_at INTEGER, last_tool TEXT, revoked_at INTEGER
) STRICT;
CREATE INDEX oauth_grants_by_organization ON oauth_grants (organization_id);
CREATE INDEX oauth_grants_by_tenant ON oauth_grants (tenant_id);
CREATE INDEX oauth_grants_by_client ON oauth_grants (client_id);

-- Used codes stay as long as their grant, so that a second use is known for what it is.
CREATE TABLE oauth_codes (
    hash BLOB PRIMARY KEY, grant_id TEXT NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
    challenge TEXT NOT NULL, expires_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_codes_by_grant ON oauth_codes (grant_id);

CREATE TABLE oauth_refresh_tokens (
    hash BLOB PRIMARY KEY, grant_id TEXT NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL, rotated_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_refresh_tokens_by_grant ON oauth_refresh_tokens (grant_id);
CREATE INDEX oauth_refresh_tokens_by_expiry ON oauth_refresh_tokens (expires_at);

-- Calls of tools per hour (hours since the epoch).
CREATE TABLE oauth_calls (
    grant_id TEXT NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE, hour INTEGER NOT NULL, calls INTEGER NOT NULL,
    PRIMARY KEY (grant_id, hour)
) STRICT, WITHOUT ROWID;
