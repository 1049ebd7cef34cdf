//! The page that stands in for Google or GitHub (`06-console.md` A6, "Simulated provider").

use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use actix_web::cookie::time::Duration;
use actix_web::web::Path;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::page::{Form, Visit};
use super::sign_in::values;
use crate::domain::error::{Code, Error, Result};
use crate::http::body::Body;

/// Identities a browser remembers for each provider.
const REMEMBERED: usize = 5;
const DAYS: i64 = 180;

/// An identity this browser has used before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    email: String,
    name: String,
}

pub async fn show(visit: Visit, provider: Path<String>) -> HttpResponse {
    let Some(provider) = Provider::parse(&provider) else { return unknown(&visit) };
    let values = provider.values(&visit, visit.next(), context! {});
    visit.page("simulated.html", values)
}

pub async fn submit(visit: Visit, provider: Path<String>, body: Body) -> HttpResponse {
    let Some(provider) = Provider::parse(&provider) else { return unknown(&visit) };
    let form = match visit.form(body).await {
        Ok(form) => form,
        Err(error) => return visit.failed(&error),
    };
    let typed = context! { email => form.get("email").trim(), name => form.get("name").trim() };
    let confirming = form.get("step") == "confirm";
    let result = if confirming { provider.confirm(&visit, &form).await } else { provider.start(&visit, &form).await };
    result.unwrap_or_else(|error| {
        // A wrong code may be typed again; what cannot be retried starts over.
        let again = confirming && error.code() == Code::TENANT_INVALID_CODE;
        let challenge = again.then(|| form.get("challenge"));
        visit.form_page("simulated.html", Some(&error), provider.values(&visit, form.next(), context! { challenge, ..typed }))
    })
}

fn unknown(visit: &Visit) -> HttpResponse {
    visit.failed(&Error::new(Code::NOT_FOUND, "There is no such provider; google and github can be simulated"))
}

#[derive(Clone, Copy)]
struct Provider {
    id: &'static str,
    name: &'static str,
}

impl Provider {
    fn parse(id: &str) -> Option<Self> {
        [Self { id: "google", name: "Google" }, Self { id: "github", name: "GitHub" }].into_iter().find(|p| p.id == id)
    }

    async fn start(self, visit: &Visit, form: &Form) -> Result<HttpResponse> {
        let (email, name) = (form.get("email").trim(), form.get("name").trim());
        let challenge = visit.state.start_simulated(self.id, email, name, &visit.device()?).await?;
        Ok(visit.page("simulated.html", self.values(visit, form.next(), context! { challenge, email, name })))
    }

    async fn confirm(self, visit: &Visit, form: &Form) -> Result<HttpResponse> {
        let code: String = form.get("code").chars().filter(|c| !c.is_whitespace()).collect();
        let session = visit.state.confirm_simulated(self.id, form.get("challenge"), &code, visit.device()?).await?;
        let used = Identity { email: form.get("email").trim().to_lowercase(), name: form.get("name").trim().to_owned() };
        let mut answer = visit.signed_in(session, form.next().as_deref())?;
        answer.add_cookie(&self.remember(visit, used)?).map_err(Error::internal)?;
        Ok(answer)
    }

    fn values(self, visit: &Visit, next: Option<String>, typed: Value) -> Value {
        let disabled = visit.state.simulated_providers().is_empty().then_some(Code::TENANT_SIMULATED_DISABLED.meaning);
        context! { provider => self.id, provider_name => self.name, known => Value::from(Serde(self.known(visit))), disabled, ..values(visit, next, typed) }
    }

    fn cookie_name(self, visit: &Visit) -> String {
        format!("bkend_{}_{}", self.id, visit.state.server_id().get(..8).unwrap_or_default())
    }

    /// The identities in this browser's cookie, last used first.
    fn known(self, visit: &Visit) -> Vec<Identity> {
        let text = visit.request.cookie(&self.cookie_name(visit)).and_then(|c| hex::decode(c.value()).ok()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn remember(self, visit: &Visit, used: Identity) -> Result<Cookie<'static>> {
        let mut known = self.known(visit);
        known.retain(|i| i.email != used.email);
        known.insert(0, used);
        known.truncate(REMEMBERED);
        let mut cookie = visit.cookie(self.cookie_name(visit), hex::encode(serde_json::to_vec(&known).map_err(Error::internal)?));
        cookie.set_max_age(Duration::days(DAYS));
        Ok(cookie)
    }
}
