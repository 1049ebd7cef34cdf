-- Nothing was ever stored in `_files`; it is made anew with everything a file has. What is known of the bytes stands in
-- `_uploads`, which a file shares its id with.
DROP VIEW _view_files;
DROP TABLE _files;

-- What a presign or the beginning of a multipart upload makes. `object` is the name of the stored bytes below `objects/`,
-- NULL until they are there.
CREATE TABLE _uploads (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, uploader_id TEXT, filename TEXT NOT NULL, content_type TEXT, max_size INTEGER NOT NULL,
    visibility TEXT, bucket TEXT, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    -- Multipart only: `open`, `completed` or `aborted`; when that began, and for an open one the time of its last part.
    multipart_id TEXT UNIQUE, declared_size INTEGER, state TEXT CHECK (state IN ('open', 'completed', 'aborted')), state_at INTEGER, parts_digest BLOB,
    object TEXT, size INTEGER, etag TEXT, object_type TEXT, width INTEGER, height INTEGER, stored_at INTEGER, fetched_at INTEGER,
    registered INTEGER NOT NULL DEFAULT 0
) STRICT;
-- What is not registered: swept, and listed for developers.
CREATE INDEX _uploads_unregistered ON _uploads (created_at) WHERE registered = 0;
CREATE INDEX _uploads_multipart ON _uploads (uploader_id, created_at, id) WHERE multipart_id IS NOT NULL;

-- Parts of multipart uploads that are open; `object` as above.
CREATE TABLE _parts (
    upload_id TEXT NOT NULL REFERENCES _uploads (id) ON DELETE CASCADE, number INTEGER NOT NULL, object TEXT NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, stored_at INTEGER NOT NULL, PRIMARY KEY (upload_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE _files (
    id TEXT PRIMARY KEY REFERENCES _uploads (id) ON DELETE CASCADE, original_name TEXT NOT NULL, folded_name TEXT NOT NULL, mime_type TEXT NOT NULL, size INTEGER NOT NULL,
    width INTEGER, height INTEGER, visibility TEXT NOT NULL, bucket TEXT NOT NULL, owner_type TEXT NOT NULL, owner_id TEXT,
    metadata TEXT NOT NULL DEFAULT '{}', created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX _files_by_created ON _files (created_at, id);
CREATE INDEX _files_by_updated ON _files (updated_at, id);
CREATE INDEX _files_by_visibility ON _files (visibility, created_at, id, owner_id, owner_type);
CREATE INDEX _files_by_owner ON _files (owner_id, created_at, id);
CREATE INDEX _files_by_bucket ON _files (bucket, created_at, id, size);
CREATE INDEX _files_by_name ON _files (original_name, id);
CREATE INDEX _files_by_size ON _files (size, id);
CREATE INDEX _files_by_type ON _files (mime_type, id);

-- Whom a file of visibility `shared` is shared with, in the order they were named.
CREATE TABLE _file_shares (
    file_id TEXT NOT NULL REFERENCES _files (id) ON DELETE CASCADE, user_id TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (file_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX _file_shares_by_user ON _file_shares (user_id, file_id);

-- A user drops out with the account, however that goes.
CREATE TRIGGER _users_erased AFTER DELETE ON _users BEGIN
    DELETE FROM _file_shares WHERE user_id = old.id;
END;
CREATE TRIGGER _users_deleted AFTER UPDATE OF deleted_at ON _users WHEN new.deleted_at IS NOT NULL AND old.deleted_at IS NULL BEGIN
    DELETE FROM _file_shares WHERE user_id = new.id;
END;

-- Bytes of all objects and parts, kept by the triggers below.
CREATE TABLE _stored_bytes (id INTEGER PRIMARY KEY CHECK (id = 1), bytes INTEGER NOT NULL) STRICT;
INSERT INTO _stored_bytes VALUES (1, 0);
CREATE TRIGGER _uploads_added AFTER INSERT ON _uploads WHEN new.size IS NOT NULL BEGIN
    UPDATE _stored_bytes SET bytes = bytes + new.size;
END;
CREATE TRIGGER _uploads_changed AFTER UPDATE OF size ON _uploads WHEN new.size IS NOT old.size BEGIN
    UPDATE _stored_bytes SET bytes = bytes + coalesce(new.size, 0) - coalesce(old.size, 0);
END;
CREATE TRIGGER _uploads_removed AFTER DELETE ON _uploads WHEN old.size IS NOT NULL BEGIN
    UPDATE _stored_bytes SET bytes = bytes - old.size;
END;
CREATE TRIGGER _parts_added AFTER INSERT ON _parts BEGIN
    UPDATE _stored_bytes SET bytes = bytes + new.size;
END;
CREATE TRIGGER _parts_changed AFTER UPDATE OF size ON _parts BEGIN
    UPDATE _stored_bytes SET bytes = bytes + new.size - old.size;
END;
CREATE TRIGGER _parts_removed AFTER DELETE ON _parts BEGIN
    UPDATE _stored_bytes SET bytes = bytes - old.size;
END;

CREATE VIEW _view_files AS
SELECT f.id, coalesce(f.owner_id, '') AS created_by, f.created_at, f.updated_at,
    jsonb_object('s3Key', u.key, 'key', u.key, 'originalName', f.original_name, 'mimeType', f.mime_type, 'size', f.size, 'width', f.width, 'height', f.height,
        'visibility', f.visibility, 'bucket', f.bucket, 'ownerType', f.owner_type, 'ownerId', f.owner_id, 'metadata', jsonb(f.metadata),
        'sharedWith', (SELECT jsonb_group_array(s.user_id) FROM (SELECT user_id FROM _file_shares WHERE file_id = f.id ORDER BY position) s),
        'etag', u.etag) AS doc
FROM _files f JOIN _uploads u ON u.id = f.id;
