//! Who is asking. Faces turn headers, cookies and tokens into one of these; every operation takes it and decides.

use std::sync::Arc;

use super::keys::ApiKey;
use super::oauth::Scopes;

/// The caller of an operation inside an environment.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Nobody signed in: a publishable key, or `X-Project-Id`.
    Guest { key: Option<Arc<ApiKey>> },
    /// An end user with a live session.
    User { key: Option<Arc<ApiKey>>, user: Arc<EndUser> },
    /// A secret key; with a JWT, acting as that user.
    SecretKey { key: Arc<ApiKey>, acting_as: Option<Arc<EndUser>> },
    /// A developer, who has been found to be allowed to use the environment.
    Tenant(Tenant),
}

/// An end user as the store knows it now, whatever its token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndUser {
    pub id: String,
    /// `admin`, `user`, `guest` or a custom role that is declared.
    pub role: String,
    pub session_id: String,
    /// Seconds since the epoch at which the access token ends.
    pub token_expires_at: i64,
}

/// A developer and how it proved who it is.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub id: String,
    pub name: String,
    pub email: String,
    pub is_server_owner: bool,
    pub via: Via,
}

/// How a developer came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// The console, with this session id.
    Session(String),
    /// A personal access token.
    Token { id: String, name: String, write: bool, organization_id: Option<String>, project_id: Option<String>, allow_prod: bool },
    /// Whoever may read the data directory: acts as the server owner with a session's rights.
    Operator,
    /// An AI client with an OAuth grant.
    Mcp(Arc<Connection>),
}

/// What a developer approved for one AI client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Of the grant.
    pub id: String,
    /// Name the client gave itself; unverified.
    pub client: String,
    pub organization_id: String,
    pub scopes: Scopes,
    /// Whether the box for production environments was ticked.
    pub allow_prod: bool,
}

/// The three kinds of callers table permissions know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Admin,
    User,
    Guest,
}

impl Caller {
    pub fn key(&self) -> Option<&Arc<ApiKey>> {
        match self {
            Self::Guest { key } | Self::User { key, .. } => key.as_ref(),
            Self::SecretKey { key, .. } => Some(key),
            Self::Tenant(_) => None,
        }
    }

    pub fn user(&self) -> Option<&Arc<EndUser>> {
        match self {
            Self::User { user, .. } => Some(user),
            Self::SecretKey { acting_as, .. } => acting_as.as_ref(),
            Self::Guest { .. } | Self::Tenant(_) => None,
        }
    }

    /// `02-data.md` §8.1.
    pub fn group(&self) -> Group {
        match self {
            Self::SecretKey { .. } | Self::Tenant(_) => Group::Admin,
            Self::Guest { .. } => Group::Guest,
            Self::User { user, .. } => match user.role.as_str() {
                "admin" => Group::Admin,
                "guest" => Group::Guest,
                _ => Group::User,
            },
        }
    }

    pub fn is_admin(&self) -> bool {
        self.group() == Group::Admin
    }

    /// Whether `createdBy`, ids and times in a body are taken: secret keys and developers only.
    pub fn may_set_system_fields(&self) -> bool {
        matches!(self, Self::SecretKey { .. } | Self::Tenant(_))
    }

    /// The user id that goes into `createdBy`; empty for guests, secret keys without a user, and developers.
    pub fn own_id(&self) -> Option<&str> {
        self.user().map(|u| u.id.as_str())
    }

    /// The name of the role, for `role:<name>` rules.
    pub fn role(&self) -> Option<&str> {
        self.user().map(|u| u.role.as_str())
    }
}

impl Tenant {
    /// The actor of activities, versions and keys: `{ type, id, name, client? }`.
    pub fn actor(&self) -> serde_json::Value {
        match &self.via {
            Via::Session(_) => serde_json::json!({ "type": "tenant", "id": self.id, "name": self.name }),
            Via::Token { id, name, .. } => serde_json::json!({ "type": "token", "id": id, "name": name }),
            Via::Operator => serde_json::json!({ "type": "cli", "id": self.id, "name": self.name }),
            Via::Mcp(connection) => serde_json::json!({ "type": "mcp", "id": self.id, "name": self.name, "client": connection.client }),
        }
    }
}
