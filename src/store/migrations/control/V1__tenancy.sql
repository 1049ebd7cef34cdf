CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE tenants (
    id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, image TEXT, password_hash TEXT,
    preferences TEXT NOT NULL DEFAULT '{}', is_owner INTEGER NOT NULL DEFAULT 0, signed_in_at INTEGER,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE organizations (
    id TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, display_name TEXT, description TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'billing')), joined_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, tenant_id)
) STRICT;
CREATE INDEX members_by_tenant ON members (tenant_id);

CREATE TABLE projects (
    id TEXT PRIMARY KEY, organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    slug TEXT NOT NULL, name TEXT NOT NULL, description TEXT, primary_cloud TEXT NOT NULL, primary_region TEXT NOT NULL,
    settings TEXT NOT NULL, cors_origins TEXT NOT NULL DEFAULT '[]', created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    UNIQUE (organization_id, slug)
) STRICT;

CREATE TABLE environments (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL, type TEXT NOT NULL CHECK (type IN ('dev', 'staging', 'prod', 'custom')),
    status TEXT NOT NULL CHECK (status IN ('creating', 'active', 'failed', 'deleting')), created_at INTEGER NOT NULL,
    UNIQUE (project_id, name)
) STRICT;

-- A deleted key keeps its row and hash, so that its value answers "revoked"; its name is free again.
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY, environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    type TEXT NOT NULL CHECK (type IN ('publishable', 'secret')), name TEXT NOT NULL, hash BLOB NOT NULL UNIQUE,
    mask TEXT NOT NULL, adopted INTEGER NOT NULL, scopes TEXT NOT NULL DEFAULT '[]', expires_at INTEGER, last_used_at INTEGER,
    created_by TEXT NOT NULL, created_at INTEGER NOT NULL, revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX api_keys_by_name ON api_keys (environment_id, name) WHERE revoked_at IS NULL;

CREATE TABLE access_tokens (
    id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE, name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE, mask TEXT NOT NULL, scope TEXT NOT NULL CHECK (scope IN ('read', 'write')),
    allow_prod INTEGER NOT NULL DEFAULT 0,
    organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE, project_id TEXT REFERENCES projects (id) ON DELETE CASCADE,
    expires_at INTEGER, last_used_at INTEGER, created_at INTEGER NOT NULL, revoked_at INTEGER
) STRICT;
CREATE INDEX access_tokens_by_tenant ON access_tokens (tenant_id);

CREATE TABLE login_links (
    hash BLOB PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE, next TEXT,
    expires_at INTEGER NOT NULL, used_at INTEGER, voided INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE console_sessions (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    csrf TEXT NOT NULL, user_agent TEXT NOT NULL, ip_address TEXT NOT NULL,
    created_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX console_sessions_by_tenant ON console_sessions (tenant_id);

CREATE TABLE activities (
    id TEXT PRIMARY KEY, organization_id TEXT, project_id TEXT, environment TEXT,
    entity_type TEXT NOT NULL, action TEXT NOT NULL, entity_id TEXT, entity_name TEXT,
    actor TEXT NOT NULL, message TEXT NOT NULL, metadata TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX activities_by_project ON activities (project_id, id);
CREATE INDEX activities_by_organization ON activities (organization_id, id);

-- Deleted environments whose directories may still be on the disk.
CREATE TABLE removals (environment_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
