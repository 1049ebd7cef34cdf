CREATE TABLE requests (
    id TEXT PRIMARY KEY, request_id TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
    status INTEGER NOT NULL, duration_us INTEGER NOT NULL, bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL,
    caller_type TEXT NOT NULL, key_id TEXT, key_name TEXT, user_id TEXT, error_code TEXT, user_agent TEXT, at INTEGER NOT NULL,
    detail TEXT
) STRICT;
CREATE INDEX requests_by_time ON requests (at);

-- One row per minute: counts and latency buckets of /v1, and what the environment held.
CREATE TABLE minutes (
    minute INTEGER PRIMARY KEY, requests INTEGER NOT NULL, errors_4xx INTEGER NOT NULL, errors_5xx INTEGER NOT NULL,
    latency TEXT NOT NULL, rows INTEGER, storage_bytes INTEGER, users INTEGER
) STRICT;
