-- Links to sign in or to choose a password: of a tenant, or of an address that becomes one by using the link.
CREATE TABLE tenant_links (
    hash BLOB PRIMARY KEY, purpose TEXT NOT NULL CHECK (purpose IN ('sign_in', 'password_reset')), email TEXT NOT NULL,
    tenant_id TEXT REFERENCES tenants (id) ON DELETE CASCADE, next TEXT,
    expires_at INTEGER NOT NULL, used_at INTEGER, voided INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tenant_links_by_email ON tenant_links (email);
INSERT INTO tenant_links (hash, purpose, email, tenant_id, next, expires_at, used_at, voided, created_at)
    SELECT l.hash, 'sign_in', t.email, l.tenant_id, l.next, l.expires_at, l.used_at, l.voided, l.created_at
    FROM login_links l JOIN tenants t ON t.id = l.tenant_id;
DROP TABLE login_links;

-- Identities of the simulated providers that have signed in as a tenant.
CREATE TABLE tenant_identities (
    provider TEXT NOT NULL CHECK (provider IN ('google', 'github')), email TEXT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE, created_at INTEGER NOT NULL,
    PRIMARY KEY (provider, email)
) STRICT, WITHOUT ROWID;
CREATE INDEX tenant_identities_by_tenant ON tenant_identities (tenant_id);

CREATE TABLE simulated_challenges (
    id TEXT PRIMARY KEY, provider TEXT NOT NULL CHECK (provider IN ('google', 'github')), email TEXT NOT NULL, name TEXT NOT NULL,
    code_hash BLOB NOT NULL, tries INTEGER NOT NULL DEFAULT 0, expires_at INTEGER NOT NULL, used_at INTEGER, created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE invitations (
    id TEXT PRIMARY KEY, organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'billing')),
    hash BLOB NOT NULL UNIQUE, generation INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'rejected', 'expired', 'revoked')),
    invited_by TEXT NOT NULL, expires_at INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX invitations_pending ON invitations (organization_id, email) WHERE status = 'pending';
CREATE INDEX invitations_by_email ON invitations (email);

-- Mail to tenants; the newest 1,000.
CREATE TABLE tenant_mail (
    id TEXT PRIMARY KEY, template TEXT NOT NULL, recipient TEXT NOT NULL, sender TEXT NOT NULL, subject TEXT NOT NULL,
    html TEXT NOT NULL, text TEXT NOT NULL, variables TEXT NOT NULL, link TEXT NOT NULL,
    delivery TEXT NOT NULL CHECK (delivery IN ('local', 'queued', 'sent', 'failed')), attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER, error TEXT, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tenant_mail_due ON tenant_mail (due_at) WHERE delivery = 'queued';
