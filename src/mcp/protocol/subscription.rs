//! `subscriptions/listen` and the notification that lists of resources have changed.

use rmcp::model::{ErrorData, SubscriptionFilter};
use serde_json::{Value, json};

use super::{Fault, Request};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// What a client listens to on one stream.
#[derive(Debug, Clone)]
pub struct Subscription {
    id: Value,
    /// Whether it hears of changes to the list of resources; nothing else is offered.
    pub resources: bool,
}

impl Subscription {
    /// Out of a `subscriptions/listen`.
    ///
    /// # Errors
    /// `-32602` when it does not say what to listen to.
    pub fn of(request: &Request) -> Result<Self, Fault> {
        let wanted = request.params.get("notifications").cloned().unwrap_or(Value::Null);
        let wanted: SubscriptionFilter = serde_json::from_value(wanted)
            .map_err(|_| Fault::answered(request.id.clone(), ErrorData::invalid_params("notifications must say what to listen to", None)))?;
        Ok(Self { id: request.id.clone(), resources: wanted.resources_list_changed == Some(true) })
    }

    /// The first message of the stream: what of the wish is fulfilled.
    pub fn acknowledged(&self) -> Value {
        let mut filter = SubscriptionFilter::new();
        filter.resources_list_changed = self.resources.then_some(true);
        json!({
            "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
            "params": { "_meta": { SUBSCRIPTION: self.id }, "notifications": filter }
        })
    }

    /// The list of resources has changed.
    pub fn changed(&self) -> Value {
        json!({ "jsonrpc": "2.0", "method": "notifications/resources/list_changed", "params": { "_meta": { SUBSCRIPTION: self.id } } })
    }
}

/// The same on the stream of a session.
pub fn resources_changed() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/resources/list_changed" })
}
