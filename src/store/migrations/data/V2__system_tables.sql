-- System tables as admins see them through /v1/data: the same columns as a record table, never a hash or secret.
CREATE VIEW _view_users AS
SELECT id, '' AS created_by, created_at, updated_at,
    jsonb_patch(profile, jsonb_object(
        'email', email, 'name', name, 'role', role, 'emailVerified', CASE WHEN email_verified IS NULL THEN NULL ELSE strftime('%Y-%m-%dT%H:%M:%fZ', email_verified / 1000.0, 'unixepoch') END,
        'isAnonymous', json(CASE is_anonymous WHEN 1 THEN 'true' ELSE 'false' END), 'banned', json(CASE banned WHEN 1 THEN 'true' ELSE 'false' END)
    )) AS doc
FROM _users WHERE deleted_at IS NULL;

CREATE VIEW _view_accounts AS
SELECT id, user_id AS created_by, connected_at AS created_at, connected_at AS updated_at,
    jsonb_object('userId', user_id, 'provider', provider, 'providerAccountId', provider_account_id, 'email', email) AS doc
FROM _accounts;

CREATE VIEW _view_sessions AS
SELECT id, user_id AS created_by, created_at, last_activity_at AS updated_at,
    jsonb_object('userId', user_id, 'userAgent', user_agent, 'ipAddress', ip_address,
        'lastActivityAt', strftime('%Y-%m-%dT%H:%M:%fZ', last_activity_at / 1000.0, 'unixepoch'),
        'expiresAt', strftime('%Y-%m-%dT%H:%M:%fZ', expires_at / 1000.0, 'unixepoch')) AS doc
FROM _sessions;

CREATE VIEW _view_files AS
SELECT id, owner_id AS created_by, created_at, updated_at,
    jsonb_object('name', name, 'originalName', original_name, 'mimeType', mime_type, 'size', size, 'visibility', visibility, 'ownerId', owner_id) AS doc
FROM _files;
