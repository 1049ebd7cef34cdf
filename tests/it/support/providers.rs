//! Google and GitHub as tests have them: what stands in for the real ones, and short ways through the simulator.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use bkend_local::domain::auth::Secret;
use bkend_local::domain::auth::social::Endpoints;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};

use super::{Answer, TestApp};

/// A key of the pretended Google.
pub struct Key {
    kid: String,
    encoding: EncodingKey,
    pub jwk: Value,
}

impl Key {
    pub fn new(kid: &str) -> Self {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        let encode = |n: &rsa::BigUint| BASE64_URL.encode(n.to_bytes_be());
        let jwk = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": encode(key.n()), "e": encode(key.e()) });
        Self { kid: kid.to_owned(), encoding: EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes()), jwk }
    }

    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap()
    }
}

/// A request that came in: path, `Authorization`, body.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub authorization: String,
    pub body: String,
}

#[derive(Default)]
struct Inner {
    seen: Mutex<Vec<Seen>>,
    answers: Mutex<Vec<(String, u16, String)>>,
    delay: Mutex<Option<Duration>>,
}

/// A server that answers in place of the real providers.
pub struct StandIn {
    pub url: String,
    inner: Arc<Inner>,
}

impl StandIn {
    pub fn start() -> Self {
        let inner = Arc::new(Inner::default());
        let data = web::Data::from(Arc::clone(&inner));
        let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer))).workers(1).bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { url, inner }
    }

    /// What a path answers from now on.
    pub fn answer(&self, path: &str, status: u16, body: impl ToString) {
        let mut answers = self.inner.answers.lock();
        answers.retain(|(own, ..)| own != path);
        answers.push((path.to_owned(), status, body.to_string()));
    }

    /// How long every answer takes from now on.
    pub fn take(&self, time: Duration) {
        *self.inner.delay.lock() = Some(time);
    }

    pub fn seen(&self, path: &str) -> Vec<Seen> {
        self.inner.seen.lock().iter().filter(|seen| seen.path == path).cloned().collect()
    }

    pub fn endpoints(&self) -> Endpoints {
        let at = |path: &str| format!("{}{path}", self.url);
        Endpoints {
            google_authorize: at("/google/auth"),
            google_token: at("/google/token"),
            google_keys: at("/google/certs"),
            github_authorize: at("/github/auth"),
            github_token: at("/github/token"),
            github_user: at("/github/user"),
            github_emails: at("/github/emails"),
            limit: Duration::from_secs(10),
        }
    }
}

async fn answer(request: HttpRequest, inner: web::Data<Inner>, body: web::Bytes) -> HttpResponse {
    let authorization = request.headers().get("authorization").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    inner.seen.lock().push(Seen { path: request.path().to_owned(), authorization, body: String::from_utf8_lossy(&body).into_owned() });
    let delay = *inner.delay.lock();
    if let Some(time) = delay {
        tokio::time::sleep(time).await;
    }
    let known = inner.answers.lock().iter().find(|(path, ..)| path == request.path()).cloned();
    let (_, status, body) = known.unwrap_or_else(|| (String::new(), 404, "{}".to_owned()));
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).content_type("application/json").body(body)
}

/// The claims of an ID token that the pretended Google signs for `client-1`.
pub fn google_claims(now: i64) -> Value {
    json!({
        "iss": "https://accounts.google.com", "aud": "client-1", "azp": "client-1", "sub": "110169484474386276334", "iat": now / 1000, "exp": now / 1000 + 3600,
        "email": "mina@harbor.test", "email_verified": true, "name": "Mina", "picture": "https://pictures.test/mina.png",
    })
}

impl TestApp {
    /// A server whose Google and GitHub are pretended, with credentials for both.
    pub async fn start_real() -> (Self, StandIn) {
        let stand_in = StandIn::start();
        let endpoints = stand_in.endpoints();
        let app = Self::start_with(|settings| settings.providers = endpoints).await;
        app.auth(|config| {
            for (provider, id) in [(&mut config.oauth.google, "client-1"), (&mut config.oauth.github, "client-2")] {
                provider.client_id = Some(id.to_owned());
                provider.client_secret = Some(Secret::new("s3cret-of-the-provider"));
            }
        })
        .await;
        (app, stand_in)
    }

    /// Approves at the simulator; answers the whole body.
    pub async fn approve(&self, provider: &str, body: Value) -> Value {
        self.secret().post(&format!("/v1/auth/simulator/{provider}/approve"), body).await.assert(200)
    }

    /// A code of the simulator for an address, made for `REDIRECT`.
    pub async fn social_code(&self, provider: &str, email: &str, verified: bool) -> String {
        let body = json!({ "redirectUri": REDIRECT, "identity": { "email": email, "emailVerified": verified } });
        self.approve(provider, body).await["code"].as_str().unwrap().to_owned()
    }

    /// Signs in through the simulator as an address.
    pub async fn social(&self, provider: &str, email: &str, verified: bool) -> Answer {
        let code = self.social_code(provider, email, verified).await;
        self.guest().post(&format!("/v1/auth/{provider}/callback"), json!({ "code": code, "redirectUri": REDIRECT })).await
    }

    /// Links an address at the simulator to a user.
    pub async fn link(&self, token: &str, provider: &str, email: &str) -> Answer {
        let code = self.social_code(provider, email, true).await;
        self.with(token).post("/v1/auth/accounts", json!({ "provider": provider, "code": code, "redirectUri": REDIRECT })).await
    }

    /// The address of the simulator's or provider's page.
    pub async fn authorization_url(&self, provider: &str, redirect: &str, state: &str) -> url::Url {
        let path = format!("/v1/auth/{provider}/authorize");
        let body = self.guest().query(&path, &[("redirect", redirect), ("state", state)]).await.assert(200);
        url::Url::parse(body["authorizationUrl"].as_str().unwrap()).unwrap()
    }
}

/// Where the test app wants its codes.
pub const REDIRECT: &str = "http://localhost:5173/auth";

/// The value of a query parameter.
pub fn parameter(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

/// The address an answer leads to.
#[track_caller]
pub fn location(answer: &Answer) -> url::Url {
    assert_eq!(answer.status, 302, "{}", answer.text);
    url::Url::parse(answer.header("location").unwrap()).unwrap()
}
