-- Long work; `running` rows of an earlier start of the server have failed.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    progress TEXT NOT NULL, result TEXT, error TEXT,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE, project_id TEXT NOT NULL, tenant_id TEXT NOT NULL,
    created_at INTEGER NOT NULL, finished_at INTEGER
) STRICT;
