-- Sessions of AI tools; without a tenant: sessions of the documentation, which nobody signs in to.
CREATE TABLE mcp_sessions (
    hash BLOB PRIMARY KEY, tenant_id TEXT REFERENCES tenants (id) ON DELETE CASCADE,
    organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE, version TEXT NOT NULL,
    client_name TEXT NOT NULL, client_version TEXT NOT NULL, created_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX mcp_sessions_by_use ON mcp_sessions (last_used_at);
