//! Developers on the management API: with a token, or with the console's cookie.

use bkend_local::domain::caller::{Tenant, Via};
use bkend_local::domain::error::Error;
use bkend_local::domain::tenancy::access_tokens::{NewAccessToken, TokenScope};
use bkend_local::domain::{id, time};
use bkend_local::store::control::TenantRow;
use serde_json::{Value, json};

use super::{Client, TestApp};

/// A developer with a personal access token; dereferences to its client.
pub struct Developer {
    pub id: String,
    pub email: String,
    pub client: Client,
}

impl std::ops::Deref for Developer {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl TestApp {
    /// A developer account that is a member of nothing, with a token that may write.
    pub async fn developer(&self, name: &str) -> Developer {
        let (id, email, now) = (id::new_id(), format!("{name}@harbor.test"), time::now());
        let row = TenantRow {
            id: id.clone(),
            email: email.clone(),
            name: name.to_owned(),
            image: None,
            password_hash: None,
            preferences: "{}".to_owned(),
            is_owner: false,
            signed_in_at: None,
            created_at: now,
            updated_at: now,
        };
        self.backend.control().write::<_, Error, _>(move |tx| Ok(tx.insert_tenant(&row)?)).await.unwrap();
        let tenant = Tenant { id: id.clone(), name: name.to_owned(), email: email.clone(), is_server_owner: false, via: Via::Operator };
        let new =
            NewAccessToken { name: "test".to_owned(), scope: TokenScope::Write, organization_id: None, project_id: None, expires_at: None, allow_prod: false };
        let token = self.backend.create_access_token(&tenant, new).await.unwrap().token.unwrap();
        Developer { id, email, client: self.bearer(&token) }
    }

    /// A developer with a role in the first organization.
    pub async fn member(&self, name: &str, role: &str) -> Developer {
        let developer = self.developer(name).await;
        let organization = self.organization_id().await;
        let (id, role) = (developer.id.clone(), role.to_owned());
        self.backend.control().write::<_, Error, _>(move |tx| Ok(tx.set_member(&organization, &id, &role, time::now())?)).await.unwrap();
        developer
    }

    pub fn bearer(&self, token: &str) -> Client {
        self.client().header("Authorization", &format!("Bearer {token}"))
    }

    /// The organization made at first run.
    pub async fn organization_id(&self) -> String {
        self.operator().get("/management/v1/organizations").await.assert(200)["items"][0]["id"].as_str().unwrap().to_owned()
    }

    pub fn project_id(&self) -> String {
        self.environment.project().id.clone()
    }

    /// The path of the project made at first run.
    pub fn project_path(&self) -> String {
        format!("/management/v1/projects/{}", self.project_id())
    }

    /// The path of its environment `dev`.
    pub fn environment_path(&self) -> String {
        format!("{}/environments/dev", self.project_path())
    }

    /// A new one-time link's token, for the owner or a tenant.
    pub async fn login_token(&self, email: Option<&str>) -> String {
        let body = email.map_or(json!({}), |email| json!({ "email": email }));
        let link = self.operator().post("/management/v1/server/login-links", body).await.assert(201);
        link["url"].as_str().unwrap().split_once('#').unwrap().1.to_owned()
    }

    /// A browser signed in to the console: cookie, origin and CSRF token.
    pub async fn console(&self, email: Option<&str>) -> Client {
        let token = self.login_token(email).await;
        let browser = self.client().header("Origin", &self.url);
        let answer = browser.post("/management/v1/auth/link", json!({ "token": token })).await;
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let session = answer.assert(200);
        browser.header("Cookie", &cookie).header("X-CSRF-Token", session["csrfToken"].as_str().unwrap())
    }
}

/// The ids, names or whatever of a list's items.
pub fn column(list: &Value, name: &str) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item[name].as_str().unwrap_or_default().to_owned()).collect()
}
