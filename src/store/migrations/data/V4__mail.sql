-- Mail an environment has sent, newest last. `due_at` is when a queued one is to be tried next.
CREATE TABLE _mail (
    id TEXT PRIMARY KEY, template TEXT NOT NULL, recipient TEXT NOT NULL, sender TEXT NOT NULL, subject TEXT NOT NULL, html TEXT NOT NULL,
    text TEXT NOT NULL, variables TEXT NOT NULL, link TEXT, token TEXT, code TEXT, delivery TEXT NOT NULL CHECK (delivery IN ('local', 'queued', 'sent', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0, due_at INTEGER, error TEXT, read_at INTEGER, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX _mail_due ON _mail (due_at) WHERE delivery = 'queued';

-- Own texts of mails; what is not here is built in.
CREATE TABLE _mail_templates (
    template TEXT NOT NULL, locale TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (template, locale)
) STRICT, WITHOUT ROWID;
