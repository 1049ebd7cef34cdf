//! Secrets of end users show nowhere: the real program runs with its most talkative log while every flow is used, and then
//! log, events, request log, activities, errors and metrics are searched for everything that had to stay unknown.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::authenticator::Authenticator;
use crate::support::process::DataDirectory;
use crate::support::{Answer, Client};

const EMAIL: &str = "mina@harbor.test";

/// The program, its keys, what it logged, and every error it answered.
struct Watched {
    child: Child,
    url: String,
    directory: DataDirectory,
    project: String,
    operator: String,
    /// Every answer that refused something.
    errors: Vec<String>,
    /// What must show nowhere, by what it is.
    secrets: BTreeMap<String, String>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Watched {
    async fn start() -> Self {
        let directory = DataDirectory::with_tables(&[]).await;
        let (ready, log) = (directory.path().with_extension("ready"), File::create(directory.path().with_extension("log")).unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_bkend-local"))
            .args(["--data-dir".as_ref(), directory.path().as_os_str()])
            .args(["serve", "--port", "0", "--no-secrets", "--log-level", "debug", "--ready-file"])
            .arg(&ready)
            .current_dir(directory.path().parent().unwrap())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut about = Value::Null;
        for _ in 0..12_000 {
            if let Some(read) = std::fs::read_to_string(&ready).ok().and_then(|text| serde_json::from_str(&text).ok()) {
                about = read;
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let text = |name: &str| about[name].as_str().unwrap_or_else(|| panic!("{about}")).to_owned();
        let operator = std::fs::read_to_string(directory.path().join("secrets/operator")).unwrap().trim().to_owned();
        let secrets = BTreeMap::from([
            ("secret key".to_owned(), directory.secret_key.clone()),
            ("publishable key".to_owned(), directory.publishable_key.clone()),
            ("operator's token".to_owned(), operator.clone()),
        ]);
        Self { child, url: text("url"), project: text("projectId"), directory, operator, errors: Vec::new(), secrets }
    }

    fn client(&self, header: &str, value: &str) -> Client {
        Client::to(&self.url).header(header, value)
    }

    fn guest(&self) -> Client {
        self.client("X-API-Key", &self.directory.publishable_key)
    }

    fn secret(&self) -> Client {
        self.client("X-API-Key", &self.directory.secret_key)
    }

    fn operator(&self) -> Client {
        self.client("Authorization", &format!("Bearer {}", self.operator))
    }

    fn environment(&self) -> String {
        format!("/management/v1/projects/{}/environments/dev", self.project)
    }

    /// From now on `value` must show nowhere.
    fn hide(&mut self, what: &str, value: &str) {
        assert!(value.len() >= 6, "{what} is too short to search for");
        self.secrets.insert(format!("{what} {}", self.secrets.len()), value.to_owned());
    }

    fn hide_pair(&mut self, body: &Value) {
        for name in ["accessToken", "refreshToken"] {
            self.hide(name, body[name].as_str().unwrap_or_else(|| panic!("{body}")));
        }
    }

    /// Keeps the answer when it refuses.
    fn seen(&mut self, answer: Answer) -> Answer {
        if answer.status >= 400 {
            self.errors.push(answer.text.clone());
        }
        answer
    }

    async fn post(&mut self, path: &str, body: Value) -> Answer {
        let answer = self.guest().post(&format!("/v1/auth{path}"), body).await;
        self.seen(answer)
    }

    async fn post_as(&mut self, token: &str, path: &str, body: Value) -> Answer {
        let answer = self.guest().header("Authorization", &format!("Bearer {token}")).post(&format!("/v1/auth{path}"), body).await;
        self.seen(answer)
    }

    /// Token or code of the newest mail, hidden from now on.
    async fn mailed(&mut self) -> String {
        let mail = self.operator().get(&format!("{}/mailbox?limit=1", self.environment())).await.assert(200)["items"][0].clone();
        let secret = mail["token"].as_str().or(mail["code"].as_str()).unwrap_or_else(|| panic!("{mail}")).to_owned();
        self.hide(mail["template"].as_str().unwrap(), &secret);
        secret
    }

    /// Everything that people who may see less than the secrets can look at.
    async fn everything_told(&self) -> Vec<(String, String)> {
        let mut told: Vec<(String, String)> = self.errors.iter().map(|text| ("an error".to_owned(), text.clone())).collect();
        let requests = format!("{}/requests", self.environment());
        let mut page = 1;
        loop {
            let list = self.operator().get(&format!("{requests}?limit=100&page={page}")).await.assert(200);
            for request in list["items"].as_array().unwrap() {
                let detail = self.operator().get(&format!("{requests}/{}", request["id"].as_str().unwrap())).await.assert(200);
                told.push(("the request log".to_owned(), detail.to_string()));
            }
            told.push(("the request log".to_owned(), list.to_string()));
            if list["pagination"]["hasNext"] != true {
                break;
            }
            page += 1;
        }
        for (what, path) in [
            ("events", format!("{}/auth/events?limit=100", self.environment())),
            ("activities", format!("/management/v1/projects/{}/activities?limit=100", self.project)),
            ("settings", format!("{}/auth/config", self.environment())),
            ("metrics", "/metrics".to_owned()),
        ] {
            told.push((what.to_owned(), self.operator().get(&path).await.text));
        }
        for table in ["users", "accounts", "sessions"] {
            told.push((format!("the view {table}"), self.secret().get(&format!("/v1/data/{table}?limit=100")).await.assert(200).to_string()));
        }
        told.push(("the log".to_owned(), std::fs::read_to_string(self.directory.path().with_extension("log")).unwrap()));
        told
    }
}

/// Sign-up, right and wrong sign-in, refresh, sign-out.
async fn passwords_and_sessions(w: &mut Watched) {
    w.hide("password", "tide-of-spring-42");
    w.hide("wrong password", "ebb-of-autumn-43");
    let up = w.post("/email/signup", json!({ "email": EMAIL, "password": "tide-of-spring-42", "name": "Mina" })).await.assert(201);
    w.hide_pair(&up);
    w.post("/email/signup", json!({ "email": EMAIL, "password": "tide-of-spring-42", "name": "Mina" })).await.assert(409);
    w.post("/email/signup", json!({ "email": "not an address", "password": "ebb-of-autumn-43", "name": "Mina" })).await.assert(400);
    w.post("/email/signup", json!({ "email": "joon@harbor.test", "password": ["ebb-of-autumn-43"], "name": "Mina" })).await.assert(400);
    w.post("/email/signin", json!({ "email": EMAIL, "password": "ebb-of-autumn-43" })).await.assert(401);
    w.post("/email/signin", json!({ "email": "nobody@harbor.test", "password": "ebb-of-autumn-43" })).await.assert(401);
    let text = format!("{{ \"email\": \"{EMAIL}\", \"password\": \"ebb-of-autumn-43\", ");
    let broken = w.guest().send_text(reqwest::Method::POST, "/v1/auth/email/signin", text).await;
    w.seen(broken).assert(400);
    let pair = w.post("/email/signin", json!({ "email": EMAIL, "password": "tide-of-spring-42" })).await.assert(200);
    w.hide_pair(&pair);
    let (access, refresh) = (pair["accessToken"].as_str().unwrap(), pair["refreshToken"].as_str().unwrap());
    let rotated = w.post("/refresh", json!({ "refreshToken": refresh })).await.assert(200);
    w.hide_pair(&rotated);
    w.post("/refresh", json!({ "refreshToken": access })).await.assert(401);
    let damaged = format!("{}x{}", &access[..access.len() - 8], &access[access.len() - 4..]);
    let query = w.guest().get(&format!("/v1/auth/me?token={access}")).await;
    w.seen(query).assert(401);
    w.hide("damaged token", &damaged);
    w.post_as(&damaged, "/signout", json!({})).await.assert(401);
    w.post_as(access, "/password/change", json!({ "currentPassword": "ebb-of-autumn-43", "newPassword": "a-new-tide-44" })).await.assert(401);
    w.hide("new password", "a-new-tide-44");
    w.post_as(rotated["accessToken"].as_str().unwrap(), "/signout", json!({})).await.assert(200);
}

/// Magic link, code, reset and verification, right and wrong.
async fn mailed_secrets(w: &mut Watched) {
    let callback = "http://localhost:5173/in";
    w.post("/email/signin", json!({ "email": EMAIL, "callbackUrl": callback })).await.assert(200);
    let link = w.mailed().await;
    let pair = w.post("/email/callback", json!({ "token": link })).await.assert(200);
    w.hide_pair(&pair);
    w.post("/email/callback", json!({ "token": link })).await.assert(401);
    let by_get = w.guest().get(&format!("/v1/auth/email/callback?token={link}")).await;
    w.seen(by_get).assert(405);
    w.post("/email/signin", json!({ "method": "otp", "email": EMAIL })).await.assert(200);
    let code = w.mailed().await;
    w.post("/email/callback", json!({ "email": "other@harbor.test", "code": code })).await.assert(401);
    let pair = w.post("/email/callback", json!({ "email": EMAIL, "code": code })).await.assert(200);
    w.hide_pair(&pair);
    w.post("/password/reset/request", json!({ "email": EMAIL, "callbackUrl": callback })).await.assert(200);
    let reset = w.mailed().await;
    w.hide("password after reset", "a-reset-tide-45");
    w.post("/password/reset/confirm", json!({ "email": EMAIL, "token": reset, "newPassword": "a" })).await.assert(400);
    w.post("/password/reset/confirm", json!({ "email": EMAIL, "token": reset, "newPassword": "a-reset-tide-45" })).await.assert(200);
    w.post("/password/reset/confirm", json!({ "email": EMAIL, "token": reset, "newPassword": "a-reset-tide-45" })).await.assert(404);
    let pair = w.post("/email/signin", json!({ "email": EMAIL, "password": "a-reset-tide-45" })).await.assert(200);
    w.hide_pair(&pair);
    w.post_as(pair["accessToken"].as_str().unwrap(), "/email/verify/send", json!({ "email": "mina.new@harbor.test" })).await.assert(200);
    let change = w.mailed().await;
    let opened = w.client("X-None", "1").get(&format!("/v1/auth/signup/email/confirm?token={change}&email=mina.new%40harbor.test")).await;
    w.seen(opened).assert(401);
    let opened = w.client("X-None", "1").get(&format!("/v1/auth/email/verify/confirm?token={change}&email=mina.new%40harbor.test")).await;
    w.seen(opened).assert(200);
}

/// A second factor: its secret, codes, backup codes and the token that carries a sign-in on.
async fn second_factor(w: &mut Watched) {
    let up = w.post("/email/signup", json!({ "email": "hana@harbor.test", "password": "tide-of-spring-42", "name": "Hana" })).await.assert(201);
    w.hide_pair(&up);
    let access = up["accessToken"].as_str().unwrap();
    w.post_as(access, "/mfa/enable", json!({ "password": "ebb-of-autumn-43" })).await.assert(401);
    let setup = w.post_as(access, "/mfa/enable", json!({ "password": "tide-of-spring-42" })).await.assert(200);
    let authenticator = Authenticator::new(setup["secret"].as_str().unwrap(), Vec::new());
    w.hide("TOTP secret", &authenticator.secret);
    for code in setup["backupCodes"].as_array().unwrap() {
        w.hide("backup code", code.as_str().unwrap());
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let (first, second) = (authenticator.at(now), authenticator.at(now + 30));
    w.hide("code of the app", &first);
    w.hide("code of the app", &second);
    w.post_as(access, "/mfa/confirm", json!({ "code": first })).await.assert(200);
    let backup = setup["backupCodes"][0].as_str().unwrap();
    let body = json!({ "email": "hana@harbor.test", "password": "tide-of-spring-42", "mfaCode": backup });
    let pair = w.post("/email/signin", body.clone()).await.assert(200);
    w.hide_pair(&pair);
    w.post("/email/signin", body).await.assert(401);
    // This refusal is meant to carry its token, so it is not among those that are searched.
    let asked = w.guest().post("/v1/auth/email/signin", json!({ "email": "hana@harbor.test", "password": "tide-of-spring-42" })).await.assert(403);
    let token = asked["error"]["mfaToken"].as_str().unwrap();
    w.hide("mfaToken", token);
    w.post("/mfa/verify", json!({ "mfaToken": token, "code": first })).await.assert(401);
    let pair = w.post("/mfa/verify", json!({ "mfaToken": token, "code": second })).await.assert(200);
    w.hide_pair(&pair);
}

/// Google, played by the server itself: its codes and ID tokens.
async fn social(w: &mut Watched) {
    let back = "http://localhost:5173/auth";
    let wanted = json!({ "redirectUri": back, "identity": { "email": "sora@harbor.test", "name": "Sora", "emailVerified": true } });
    let approved = w.secret().post("/v1/auth/simulator/google/approve", wanted.clone()).await.assert(200);
    let (code, id_token) = (approved["code"].as_str().unwrap(), approved["idToken"].as_str().unwrap());
    w.hide("provider's code", code);
    w.hide("ID token", id_token);
    w.post("/google/callback", json!({ "code": code, "redirectUri": "http://localhost:5173/other" })).await.assert(401);
    let approved = w.secret().post("/v1/auth/simulator/google/approve", wanted).await.assert(200);
    let code = approved["code"].as_str().unwrap();
    w.hide("provider's code", code);
    let pair = w.post("/google/callback", json!({ "code": code, "redirectUri": back })).await.assert(200);
    w.hide_pair(&pair);
    w.post("/google/callback", json!({ "code": code, "redirectUri": back })).await.assert(401);
    let pair = w.post("/google/callback", json!({ "idToken": id_token })).await.assert(200);
    w.hide_pair(&pair);
    let again = w.guest().get(&format!("/v1/auth/google/callback?code={code}&redirectUri=http%3A%2F%2Flocalhost%3A5173%2Fauth")).await;
    w.seen(again).assert(401);
}

/// Anonymous users, impersonation, settings with their secrets, and mail that no server takes.
async fn additions(w: &mut Watched) {
    let guest = w.post("/anonymous", json!({})).await.assert(201);
    w.hide_pair(&guest);
    let impersonated = w.secret().post("/v1/auth/impersonate", json!({ "email": "mina.new@harbor.test" })).await.assert(200);
    w.hide("impersonation", impersonated["accessToken"].as_str().unwrap());
    for (what, secret) in [("SMTP password", "smtp-tide-46"), ("provider's secret", "client-tide-47")] {
        w.hide(what, secret);
    }
    let google = format!("{}/auth/providers/google", w.environment());
    w.operator().put(&google, json!({ "clientId": "id", "clientSecret": "client-tide-47" })).await.assert(200);
    w.secret().put("/v1/auth/providers/oauth/github", json!({ "clientId": "id", "clientSecret": "client-tide-47" })).await.assert(200);
    let bad = w.secret().put("/v1/auth/providers/oauth/github", json!({ "mode": 7, "clientSecret": "client-tide-47" })).await;
    w.seen(bad).assert(400);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let smtp = json!({ "host": "127.0.0.1", "port": closed, "security": "none", "username": "mina", "password": "smtp-tide-46" });
    let config = format!("{}/auth/config", w.environment());
    w.operator().patch(&config, json!({ "mail": { "smtp": smtp } })).await.assert(200);
    w.post("/email/signin", json!({ "email": "joon@harbor.test", "callbackUrl": "http://localhost/" })).await.assert(200);
    w.mailed().await;
    w.operator().post(&format!("{}/auth/rotate-secret?confirm=dev", w.environment()), json!({ "immediate": true })).await.assert(200);
}

/// Users brought along with hashes and passwords, taken and refused.
async fn import(w: &mut Watched) {
    let bcrypt = "$2b$04$pLKDHF.l29P0WkgMPxFA.OuXX7zhXYcMZL0avrzhOwSB8wT0oO45S";
    let unknown = "$1$saltysal$oCcZ4nGzVbMzBJTS5Xs5T1";
    let broken = "$2b$04$pLKDHF.l29P0WkgMPxFA.TooShort";
    for (what, secret) in [("imported hash", bcrypt), ("unknown hash", unknown), ("broken hash", broken)] {
        w.hide(what, secret);
        w.hide(&format!("tail of the {what}"), &secret[secret.len() - 8..]);
    }
    let user = |name: &str, hash: &str| json!({ "email": format!("{name}@import.test"), "name": name, "passwordHash": hash });
    let users = json!({ "users": [user("taken", bcrypt), user("unknown", unknown), user("broken", broken)] });
    let report = w.secret().post("/v1/users/import", users.clone()).await;
    w.errors.push(report.text.clone());
    assert_eq!(report.assert(200)["created"], 1);
    let report = w.operator().post(&format!("{}/users/import", w.environment()), users).await;
    w.errors.push(report.text.clone());
    report.assert(200);
    let malformed = w.secret().post("/v1/users/import", json!({ "users": [{ "email": 7, "passwordHash": bcrypt }], "onConflict": 7 })).await;
    w.seen(malformed).assert(400);
    let text = format!("{{ \"users\": [{{ \"passwordHash\": \"{bcrypt}\", ");
    let cut_off = w.secret().send_text(reqwest::Method::POST, "/v1/users/import", text).await;
    w.seen(cut_off).assert(400);
    let pair = w.post("/email/signin", json!({ "email": "taken@import.test", "password": "tide42" })).await.assert(200);
    w.hide_pair(&pair);
}

#[actix_web::test]
async fn no_password_hash_token_or_code_shows_in_log_events_request_log_activities_errors_or_metrics() {
    let mut w = Watched::start().await;
    let settings = json!({ "email": { "emailCodeEnabled": true }, "users": { "anonymousEnabled": true }, "tokens": { "refreshGraceSeconds": 0 } });
    w.operator().patch(&format!("{}/auth/config", w.environment()), settings).await.assert(200);
    passwords_and_sessions(&mut w).await;
    mailed_secrets(&mut w).await;
    second_factor(&mut w).await;
    social(&mut w).await;
    import(&mut w).await;
    additions(&mut w).await;
    w.hide("any hash", "$argon2id$");
    w.hide("costs of any hash", "v=19$m=");
    // What is written off the requests' path is written now.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let told = w.everything_told().await;
    let about = |what: &str| told.iter().filter(|(place, _)| place == what).map(|(_, text)| text.as_str()).collect::<String>();
    assert!(about("the request log").contains(EMAIL), "bodies are kept, else nothing is proved");
    assert!(about("the log").contains("magic_link"), "mail is logged, else nothing is proved");
    assert!(about("events").contains("signin_failed") && about("activities").contains("provider_updated") && about("metrics").contains("# TYPE"));
    assert!(w.errors.len() >= 15, "{}", w.errors.len());
    for (what, secret) in &w.secrets {
        for (place, text) in &told {
            // Six digits also stand in times and ids: only whole words count.
            let shows = text.match_indices(secret.as_str()).any(|(at, _)| secret.len() > 6 || is_word(text, at, secret.len()));
            assert!(!shows, "{what} shows in {place}: {text}");
        }
    }
}

fn is_word(text: &str, at: usize, length: usize) -> bool {
    let outside = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
    outside(text[..at].chars().next_back()) && outside(text[at + length..].chars().next())
}
