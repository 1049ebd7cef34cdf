//! What tools answer, as JSON Schemas: open objects that name what is in them.

use serde_json::{Map, Value, json};

/// The shape of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Markdown, which no schema describes.
    Text,
    One(Thing),
    /// `{ items, pagination }`.
    List(Thing),
    Deleted,
}

/// What is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    OperationSchema,
    Organization,
    Project,
    Environment,
    Token,
    Table,
    TableEntry,
    SchemaVersion,
    IndexVersion,
    FieldChange,
    IndexChange,
    Record,
    Mail,
    User,
    Request,
    Seeded,
    Snapshot,
    Restored,
}

/// Letters stand for types: `s`tring, `i`nteger, `n`umber, `b`oolean, `o`bject, array of `S`trings, array of `O`bjects.
type Members = &'static [(&'static str, char)];

const TIMES: Members = &[("createdAt", 's'), ("updatedAt", 's')];

impl Thing {
    fn members(self) -> Members {
        match self {
            Self::OperationSchema => &[("operation", 's'), ("input", 'o'), ("output", 'o')],
            Self::Organization => &[("id", 's'), ("name", 's'), ("slug", 's'), ("plan", 's'), ("status", 's'), ("role", 's'), ("projectCount", 'i')],
            Self::Project => &[
                ("id", 's'),
                ("organizationId", 's'),
                ("name", 's'),
                ("slug", 's'),
                ("description", 's'),
                ("primaryCloud", 's'),
                ("primaryRegion", 's'),
                ("status", 's'),
                ("settings", 'o'),
                ("environmentCount", 'i'),
                ("environments", 'O'),
                ("publishableKey", 's'),
            ],
            Self::Environment => &[
                ("id", 's'),
                ("projectId", 's'),
                ("environment", 's'),
                ("name", 's'),
                ("environmentType", 's'),
                ("status", 's'),
                ("deployment", 'o'),
                ("tableCount", 'i'),
                ("publishableKey", 's'),
                ("alreadyExisted", 'b'),
            ],
            Self::Token => &[
                ("id", 's'),
                ("name", 's'),
                ("type", 's'),
                ("key", 's'),
                ("maskedKey", 's'),
                ("projectId", 's'),
                ("environmentId", 's'),
                ("environment", 's'),
                ("scopes", 'S'),
                ("status", 's'),
                ("expiresAt", 's'),
                ("lastUsedAt", 's'),
                ("createdBy", 'o'),
                ("revokedAt", 's'),
            ],
            Self::Table => &[
                ("id", 's'),
                ("projectId", 's'),
                ("environmentId", 's'),
                ("environment", 's'),
                ("tableName", 's'),
                ("displayName", 's'),
                ("description", 's'),
                ("schema", 'o'),
                ("schemaVersion", 'i'),
                ("additionalFields", 'b'),
                ("indexes", 'O'),
                ("indexVersion", 'i'),
                ("permissions", 'o'),
                ("documentCount", 'i'),
                ("status", 's'),
                ("endpoint", 's'),
            ],
            Self::TableEntry => &[
                ("id", 's'),
                ("projectId", 's'),
                ("environmentId", 's'),
                ("environment", 's'),
                ("tableName", 's'),
                ("fields", 'o'),
                ("schema", 'o'),
                ("schemaVersion", 'i'),
                ("documentCount", 'i'),
                ("status", 's'),
                ("endpoint", 's'),
            ],
            Self::SchemaVersion => {
                &[("id", 's'), ("tableId", 's'), ("version", 'i'), ("isActive", 'b'), ("schema", 'o'), ("summary", 's'), ("changes", 'o'), ("createdBy", 'o')]
            }
            Self::IndexVersion => {
                &[("id", 's'), ("tableId", 's'), ("version", 'i'), ("isActive", 'b'), ("indexes", 'O'), ("summary", 's'), ("changes", 'o'), ("createdBy", 'o')]
            }
            Self::FieldChange => &[
                ("id", 's'),
                ("tableId", 's'),
                ("tableName", 's'),
                ("schemaVersion", 'i'),
                ("previousVersion", 'i'),
                ("schema", 'o'),
                ("appliedFields", 'o'),
                ("appliedRequired", 'o'),
                ("removedValues", 'o'),
                ("undoSnapshotId", 's'),
            ],
            Self::IndexChange => &[
                ("id", 's'),
                ("tableId", 's'),
                ("tableName", 's'),
                ("indexVersion", 'i'),
                ("previousIndexVersion", 'i'),
                ("indexes", 'O'),
                ("appliedIndexes", 'o'),
            ],
            Self::Record => &[("id", 's'), ("createdBy", 's')],
            Self::Mail => &[
                ("id", 's'),
                ("template", 's'),
                ("to", 's'),
                ("from", 's'),
                ("subject", 's'),
                ("text", 's'),
                ("variables", 'o'),
                ("link", 's'),
                ("token", 's'),
                ("code", 's'),
                ("delivery", 's'),
                ("error", 's'),
                ("read", 'b'),
                ("createdAt", 's'),
            ],
            Self::User => &[
                ("id", 's'),
                ("name", 's'),
                ("nickname", 's'),
                ("image", 's'),
                ("bio", 's'),
                ("socialLinks", 'o'),
                ("slug", 's'),
                ("isPublic", 'b'),
                ("email", 's'),
                ("emailVerified", 's'),
                ("role", 's'),
                ("mobile", 's'),
                ("gender", 's'),
                ("preferences", 'o'),
                ("onboardingStatus", 's'),
                ("mfaEnabled", 'b'),
                ("isAnonymous", 'b'),
                ("lastLoginAt", 's'),
                ("banned", 'b'),
                ("bannedUntil", 's'),
                ("banReason", 's'),
            ],
            Self::Request => &[
                ("id", 's'),
                ("requestId", 's'),
                ("method", 's'),
                ("path", 's'),
                ("query", 's'),
                ("status", 'i'),
                ("durationMs", 'n'),
                ("caller", 'o'),
                ("errorCode", 's'),
                ("at", 's'),
            ],
            Self::Seeded => &[("environmentId", 's'), ("tables", 'o'), ("undoSnapshotId", 's')],
            Self::Snapshot => &[
                ("id", 's'),
                ("environmentId", 's'),
                ("name", 's'),
                ("reason", 's'),
                ("sizeBytes", 'i'),
                ("rows", 'i'),
                ("files", 'i'),
                ("items", 'O'),
                ("pagination", 'o'),
                ("jobId", 's'),
                ("status", 's'),
                ("progress", 'o'),
            ],
            Self::Restored => &[
                ("environmentId", 's'),
                ("tables", 'i'),
                ("rows", 'i'),
                ("files", 'i'),
                ("undoSnapshotId", 's'),
                ("jobId", 's'),
                ("status", 's'),
                ("progress", 'o'),
            ],
        }
    }

    fn has_times(self) -> bool {
        !matches!(self, Self::OperationSchema | Self::Mail | Self::Request | Self::Seeded | Self::Restored)
    }

    fn properties(self) -> Map<String, Value> {
        let times = if self.has_times() { TIMES } else { &[] };
        self.members().iter().chain(times).map(|(name, letter)| ((*name).to_owned(), of_letter(*letter))).collect()
    }
}

fn of_letter(letter: char) -> Value {
    match letter {
        'i' => json!({ "type": "integer" }),
        'n' => json!({ "type": "number" }),
        'b' => json!({ "type": "boolean" }),
        'o' => json!({ "type": "object" }),
        'S' => json!({ "type": "array", "items": { "type": "string" } }),
        'O' => json!({ "type": "array", "items": { "type": "object" } }),
        _ => json!({ "type": "string" }),
    }
}

impl Shape {
    /// The published schema; none for Markdown, since clients refuse a text where a schema promises an object.
    pub fn schema(self) -> Option<Map<String, Value>> {
        let mut properties = match self {
            Self::Text => return None,
            Self::One(thing) => thing.properties(),
            Self::List(thing) => Map::from_iter([
                ("items".to_owned(), json!({ "type": "array", "items": { "type": "object", "properties": thing.properties() } })),
                ("pagination".to_owned(), json!({ "type": "object" })),
                ("truncated".to_owned(), of_letter('b')),
            ]),
            Self::Deleted => {
                Map::from_iter([("id".to_owned(), of_letter('s')), ("deleted".to_owned(), of_letter('b')), ("undoSnapshotId".to_owned(), of_letter('s'))])
            }
        };
        properties.insert("warnings".to_owned(), of_letter('S'));
        Some(Map::from_iter([("type".to_owned(), "object".into()), ("properties".to_owned(), Value::Object(properties))]))
    }
}
