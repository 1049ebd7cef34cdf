//! End users as apps see them: signing up and in over HTTP, mail, and a clock that can be moved.

use bkend_local::domain::auth::AuthConfig;
use bkend_local::store::StoreError;
use bkend_local::store::data::{MailFilter, MailRow};
use serde_json::{Value, json};

use super::{Client, TestApp};

/// What signing up or in answered.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub id: String,
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    pub fn of(body: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self { id: text(&body["user"]["id"]), access: text(&body["accessToken"]), refresh: text(&body["refreshToken"]) }
    }
}

impl TestApp {
    /// Signs up by password; the address is `<name>@harbor.test`.
    pub async fn sign_up(&self, name: &str, password: &str) -> Tokens {
        let body = json!({ "method": "password", "email": format!("{name}@harbor.test"), "password": password, "name": name });
        Tokens::of(&self.guest().post("/v1/auth/email/signup", body).await.assert(201))
    }

    pub async fn sign_in(&self, name: &str, password: &str) -> super::Answer {
        self.guest().post("/v1/auth/email/signin", json!({ "email": format!("{name}@harbor.test"), "password": password })).await
    }

    /// The publishable key and an access token.
    pub fn with(&self, token: &str) -> Client {
        self.guest().header("Authorization", &format!("Bearer {token}"))
    }

    pub async fn refresh(&self, token: &str) -> super::Answer {
        self.guest().post("/v1/auth/refresh", json!({ "refreshToken": token })).await
    }

    /// Every mail to an address, newest first.
    pub fn mails(&self, to: &str) -> Vec<MailRow> {
        let filter = MailFilter { to: Some(to.to_owned()), ..MailFilter::default() };
        self.environment.data().read_blocking::<_, StoreError, _>(|r| r.mails(&filter, 100, 0)).unwrap().0
    }

    /// The newest mail to an address.
    #[track_caller]
    pub fn mail(&self, to: &str) -> MailRow {
        self.mails(to).into_iter().next().unwrap_or_else(|| panic!("no mail to {to}"))
    }

    /// The token of the newest mail to an address.
    #[track_caller]
    pub fn mailed_token(&self, to: &str) -> String {
        self.mail(to).token.unwrap()
    }

    /// Moves the environment's clock ahead.
    pub fn wait(&self, seconds: i64) {
        self.environment.clock().advance(seconds * 1000);
    }

    /// Changes the settings of authentication.
    pub async fn auth(&self, change: impl FnOnce(&mut AuthConfig)) {
        let mut config = AuthConfig::clone(&self.environment.auth_config());
        change(&mut config);
        self.environment.set_auth_config(config).await.unwrap();
    }
}
