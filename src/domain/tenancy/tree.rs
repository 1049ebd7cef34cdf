//! Who is listening hears that the tree of projects, environments and tables of an organization has changed: something in
//! it appeared, was renamed or went. Nothing depends on it after a restart.

use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};

/// Changes a slow listener may be behind; one that is further behind looks anew.
const BACKLOG: usize = 64;

/// Announces changes; a clone announces to the same listeners.
#[derive(Clone)]
pub struct Tree(Sender<Arc<str>>);

/// Hears of the changes of one organization.
pub struct TreeChanges {
    organization_id: String,
    changes: Receiver<Arc<str>>,
}

impl Default for Tree {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }
}

impl Tree {
    pub fn changed(&self, organization_id: &str) {
        // An error means that nobody listens.
        let _ = self.0.send(organization_id.into());
    }

    pub fn listen(&self, organization_id: &str) -> TreeChanges {
        TreeChanges { organization_id: organization_id.to_owned(), changes: self.0.subscribe() }
    }
}

impl TreeChanges {
    /// Returns after the next change, having heard of all that are there already; never again once the server is gone.
    pub async fn next(&mut self) {
        loop {
            match self.changes.recv().await {
                Ok(changed) if *changed != *self.organization_id => {}
                Ok(_) | Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
        while self.changes.try_recv().is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn changes_of_other_organizations_are_not_heard_and_a_burst_is_one() {
        let tree = Tree::default();
        let mut mine = tree.listen("a");
        tree.changed("b");
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), mine.next()).await.is_err());
        (0..200).for_each(|_| tree.changed("a"));
        mine.next().await;
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), mine.next()).await.is_err());
    }
}
