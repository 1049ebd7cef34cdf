//! Sessions of AI tools (`01-mcp.md` §2): they belong to a developer in an organization, not to a token, and outlive the
//! server.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::backend::Backend;
use crate::domain::error::{Error, Result};
use crate::domain::id::random_hex;
use crate::domain::keys::sha256;
use crate::domain::oauth::McpAccess;
use crate::domain::time::{self, Millis};
use crate::store::control::McpSessionRow;
use crate::store::{StoreError, Tx};

const IDLE: Millis = 30 * 24 * 60 * 60 * 1000;
/// Sessions kept at once; as many again of the documentation, so that strangers cannot push anybody out.
const AT_MOST: u32 = 1_000;
/// Uses are written at most this often, all together.
const WRITE_INTERVAL: Millis = 60_000;

/// What a session starts with.
#[derive(Debug, Clone, Default)]
pub struct NewMcpSession {
    /// Of the protocol.
    pub version: String,
    /// Name and version the client gave itself.
    pub client_name: String,
    pub client_version: String,
}

/// A living session.
#[derive(Debug, Clone)]
pub struct McpSession {
    /// Tells sessions apart without being one's secret.
    pub key: [u8; 32],
    pub version: String,
}

/// When sessions were last used, as far as that is not written yet.
#[derive(Default)]
pub struct McpUses(Mutex<Uses>);

#[derive(Default)]
struct Uses {
    pending: HashMap<[u8; 32], Millis>,
    written_at: Millis,
}

impl McpUses {
    /// Notes a use; answers all that is pending when it is time to write it.
    fn note(&self, key: [u8; 32], now: Millis) -> Option<HashMap<[u8; 32], Millis>> {
        let mut uses = self.0.lock();
        uses.pending.insert(key, now);
        if now - uses.written_at < WRITE_INTERVAL {
            return None;
        }
        uses.written_at = now;
        Some(std::mem::take(&mut uses.pending))
    }

    fn pending(&self) -> HashMap<[u8; 32], Millis> {
        self.0.lock().pending.clone()
    }
}

impl Backend {
    /// Opens a session and answers its id, which exists nowhere else. `None` for whoever reads documentation.
    pub async fn open_mcp_session(self: &Arc<Self>, access: Option<&McpAccess>, new: NewMcpSession) -> Result<String> {
        let (id, now) = (random_hex(32), time::now());
        let (tenant_id, organization_id) = owner(access).unzip();
        let row = McpSessionRow {
            hash: sha256(&id),
            tenant_id,
            organization_id,
            version: new.version,
            client_name: new.client_name,
            client_version: new.client_version,
            created_at: now,
            last_used_at: now,
        };
        let uses = self.mcp_uses().pending();
        self.control()
            .write::<_, Error, _>(move |tx| {
                write_uses(tx, &uses)?;
                tx.purge_mcp_sessions(now - IDLE, row.tenant_id.is_none(), AT_MOST - 1)?;
                Ok(tx.insert_mcp_session(&row)?)
            })
            .await?;
        Ok(id)
    }

    /// The session with this id, if it lives and is this caller's; its use is noted off the request's path.
    pub async fn mcp_session(self: &Arc<Self>, access: Option<&McpAccess>, id: &str) -> Result<Option<McpSession>> {
        let (key, now) = (sha256(id), time::now());
        let found = self.control().read::<_, Error, _>(move |r| Ok(r.mcp_session(&key)?)).await?;
        let lives = |row: &McpSessionRow| row.last_used_at + IDLE > now && row.tenant_id.clone().zip(row.organization_id.clone()) == owner(access);
        let Some(row) = found.filter(lives) else { return Ok(None) };
        if let Some(uses) = self.mcp_uses().note(key, now) {
            self.write_mcp_uses(uses);
        }
        Ok(Some(McpSession { key, version: row.version }))
    }

    /// Ends a session.
    pub async fn end_mcp_session(self: &Arc<Self>, session: &McpSession) -> Result<()> {
        let key = session.key;
        self.control().write::<_, Error, _>(move |tx| Ok(tx.delete_mcp_session(&key).map(drop)?)).await
    }

    fn write_mcp_uses(self: &Arc<Self>, uses: HashMap<[u8; 32], Millis>) {
        let control = Arc::clone(self.control());
        tokio::spawn(async move {
            if let Err(error) = control.write::<_, StoreError, _>(move |tx| write_uses(tx, &uses)).await {
                tracing::debug!(%error, "could not note the use of MCP sessions");
            }
        });
    }
}

fn owner(access: Option<&McpAccess>) -> Option<(String, String)> {
    access.map(|access| (access.tenant.id.clone(), access.organization_id.clone()))
}

fn write_uses(tx: &mut Tx<'_>, uses: &HashMap<[u8; 32], Millis>) -> Result<(), StoreError> {
    uses.iter().try_for_each(|(key, at)| tx.touch_mcp_session(key, *at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_written_together_and_at_most_once_a_minute() {
        let uses = McpUses::default();
        assert_eq!(uses.note([1; 32], WRITE_INTERVAL).map(|all| all.len()), Some(1));
        assert_eq!(uses.note([1; 32], WRITE_INTERVAL + 1), None);
        assert_eq!(uses.note([2; 32], 2 * WRITE_INTERVAL - 1), None);
        assert_eq!(uses.note([1; 32], 2 * WRITE_INTERVAL).map(|all| all.len()), Some(2));
        assert_eq!(uses.pending().len(), 0);
    }
}
