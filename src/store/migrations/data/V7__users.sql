-- A name of one's own for addresses, and whether the profile is for everybody.
ALTER TABLE _users ADD COLUMN slug TEXT;
ALTER TABLE _users ADD COLUMN is_public INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX _users_by_slug ON _users (slug) WHERE deleted_at IS NULL AND slug IS NOT NULL;
CREATE INDEX _users_by_creation ON _users (created_at, id);
CREATE INDEX _users_deleted ON _users (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX _users_banned ON _users (banned_until) WHERE banned = 1 AND banned_until IS NOT NULL;

-- Every field of a user that admins see, but for what stands in other tables.
DROP VIEW _view_users;
CREATE VIEW _view_users AS
SELECT id, '' AS created_by, created_at, updated_at,
    jsonb_object(
        'name', name, 'nickname', profile ->> '$.nickname', 'image', profile ->> '$.image', 'email', email,
        'emailVerified', strftime('%Y-%m-%dT%H:%M:%fZ', email_verified / 1000.0, 'unixepoch'), 'role', role,
        'mobile', profile ->> '$.mobile', 'gender', profile ->> '$.gender', 'bio', profile ->> '$.bio',
        'socialLinks', json(coalesce(profile -> '$.socialLinks', '{}')), 'slug', slug, 'isPublic', json(iif(is_public = 1, 'true', 'false')),
        'preferences', json(coalesce(profile -> '$.preferences', '{"locale":null,"timezone":null,"theme":null}')),
        'onboardingStatus', coalesce(profile ->> '$.onboarding.status', 'pending'),
        'mfaEnabled', json(iif(EXISTS (SELECT 1 FROM _mfa m WHERE m.user_id = _users.id), 'true', 'false')),
        'isAnonymous', json(iif(is_anonymous = 1, 'true', 'false')),
        'banned', json(iif(banned = 1 AND coalesce(banned_until, 9e15) > unixepoch('now', 'subsec') * 1000, 'true', 'false')),
        'bannedUntil', strftime('%Y-%m-%dT%H:%M:%fZ', iif(banned = 1 AND banned_until > unixepoch('now', 'subsec') * 1000, banned_until, NULL) / 1000.0, 'unixepoch'),
        'banReason', iif(banned = 1 AND coalesce(banned_until, 9e15) > unixepoch('now', 'subsec') * 1000, ban_reason, NULL),
        'lastLoginAt', strftime('%Y-%m-%dT%H:%M:%fZ', last_login_at / 1000.0, 'unixepoch')
    ) AS doc
FROM _users WHERE deleted_at IS NULL;
