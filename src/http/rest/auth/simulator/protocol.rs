//! What apps ask the stand-in directly: tokens, identity, keys and discovery, in the form the real ones answer.

use actix_web::http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::domain::auth::simulator::{self, Grant, Issued, Refusal, TokenRequest, account_id, github_id, login_of};
use crate::domain::auth::social::{AuthorizationCode, Provider};
use crate::domain::error::{Code, Error, Result};
use crate::http::body::{self, Body};
use crate::http::context::{self, Context};
use crate::http::{ApiResult, State, address};

/// Bytes of a token request.
const LIMIT: usize = 64 * 1024;

/// An error as OAuth names it (RFC 6749 §5.2), with what to do about it.
struct Refused {
    error: &'static str,
    description: String,
}

fn refused(error: &'static str, description: impl Into<String>) -> Refused {
    Refused { error, description: description.into() }
}

/// The parameters of a token request: a form, or a JSON object.
struct Fields(Vec<(String, String)>);

impl Fields {
    async fn of(body: Body) -> Result<Self> {
        let is_json = body.media_type() == Some("application/json");
        let bytes = body.bytes(LIMIT).await?;
        if !is_json {
            return Ok(Self(url::form_urlencoded::parse(&bytes).into_owned().collect()));
        }
        let Value::Object(members) = body::parse(&bytes)? else { return Err(Error::invalid_parameter("body", "The body must be a JSON object")) };
        Ok(Self(members.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, value)| own == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The client: `client_id`, or the user name of Basic (RFC 6749 §2.3.1).
    fn client_id(&self, request: &HttpRequest) -> Option<String> {
        self.get("client_id").map(str::to_owned).or_else(|| basic_user(request))
    }
}

fn basic_user(request: &HttpRequest) -> Option<String> {
    let (scheme, encoded) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let user = decoded.split(|b| *b == b':').next().and_then(|user| std::str::from_utf8(user).ok())?;
    percent_decode_str(user).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

async fn exchanged(request: &HttpRequest, state: &State, provider: Provider, fields: &Fields) -> Result<std::result::Result<Issued, Refused>> {
    if fields.get("grant_type").is_some_and(|grant| grant != "authorization_code") {
        return Ok(Err(refused("unsupported_grant_type", "grant_type must be authorization_code")));
    }
    let Some(client_id) = fields.client_id(request) else { return Ok(Err(refused("invalid_client", "client_id is missing"))) };
    let environment = match state.backend().simulator_environment(provider, &client_id).await {
        Ok(environment) => environment,
        Err(error) if error.code().status < 500 => return Ok(Err(refused("invalid_client", error.message()))),
        Err(error) => return Err(error),
    };
    context::remember_guest(request, &environment);
    let text = |name: &str| fields.get(name).map(str::to_owned);
    let Some(code) = text("code") else { return Ok(Err(refused("invalid_request", "code is missing"))) };
    let Some(redirect_uri) = text("redirect_uri") else { return Ok(Err(refused("invalid_request", "redirect_uri is missing"))) };
    let code = AuthorizationCode { code, redirect_uri, verifier: text("code_verifier") };
    let asked = TokenRequest { client_id, code, base_url: address::base_url(request, state.settings()) };
    let issued = simulator::exchange(&environment, provider, asked).await?;
    Ok(issued.map_err(|refusal| refused(if refusal == Refusal::RedirectUri { "redirect_uri_mismatch" } else { "invalid_grant" }, refusal.message())))
}

/// A token request to the stand-in for Google.
pub async fn google_token(request: HttpRequest, state: State, body: Body) -> ApiResult<HttpResponse> {
    let fields = Fields::of(body).await?;
    if fields.get("grant_type").is_none() {
        return Ok(google_refusal(&request, &refused("invalid_request", "grant_type is missing; it must be authorization_code")));
    }
    match exchanged(&request, &state, Provider::Google, &fields).await? {
        Ok(issued) => {
            let scope = issued.scope.unwrap_or_else(|| "openid email profile".to_owned());
            let mut answer = json!({ "access_token": issued.access_token, "expires_in": issued.expires_in, "scope": scope, "token_type": "Bearer" });
            if let Some(id_token) = issued.id_token {
                answer["id_token"] = id_token.into();
            }
            Ok(unkept(StatusCode::OK, &answer))
        }
        Err(refused) => Ok(google_refusal(&request, &refused)),
    }
}

fn google_refusal(request: &HttpRequest, refused: &Refused) -> HttpResponse {
    Context::of(request).error_code.set(Some(Code::INVALID_OAUTH_CODE.name));
    let status = if refused.error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    unkept(status, &json!({ "error": refused.error, "error_description": refused.description }))
}

/// A token request to the stand-in for GitHub, which refuses with 200 and answers a form unless JSON is asked for.
pub async fn github_token(request: HttpRequest, state: State, body: Body) -> ApiResult<HttpResponse> {
    let fields = Fields::of(body).await?;
    let answer = match exchanged(&request, &state, Provider::GitHub, &fields).await? {
        Ok(issued) => {
            let scope = issued.scope.unwrap_or_else(|| "read:user user:email".to_owned()).split([' ', ',']).collect::<Vec<_>>().join(",");
            json!({ "access_token": issued.access_token, "scope": scope, "token_type": "bearer" })
        }
        Err(Refused { error, description }) => {
            Context::of(&request).error_code.set(Some(Code::INVALID_OAUTH_CODE.name));
            let error = match error {
                "invalid_grant" => "bad_verification_code",
                "invalid_client" => "incorrect_client_credentials",
                other => other,
            };
            json!({ "error": error, "error_description": description })
        }
    };
    let wants_json = request.headers().get(ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|accept| accept.contains("json"));
    if wants_json {
        return Ok(unkept(StatusCode::OK, &answer));
    }
    let pairs = answer.as_object().into_iter().flatten().filter_map(|(name, value)| Some((name, value.as_str()?)));
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(form))
}

/// Who holds the access token of a request: `Bearer`, or GitHub's older `token`.
async fn holder(request: &HttpRequest, state: &State, provider: Provider) -> Result<std::result::Result<Grant, HttpResponse>> {
    let given = request.headers().get(AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|value| value.split_once(' '));
    let token = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token")).map(|(_, token)| token.trim());
    let grant = match token {
        Some(token) => simulator::holder(state.backend(), provider, token).await?,
        None => None,
    };
    Ok(grant.ok_or_else(|| {
        Context::of(request).error_code.set(Some(Code::INVALID_TOKEN.name));
        let body = match provider {
            Provider::Google => json!({ "error": "invalid_token", "error_description": "The access token is missing, damaged or has expired" }),
            Provider::GitHub => json!({ "message": "Bad credentials", "status": "401" }),
        };
        let mut answer = unkept(StatusCode::UNAUTHORIZED, &body);
        answer.headers_mut().insert(WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer error=\"invalid_token\""));
        answer
    }))
}

/// The identity as Google's userinfo endpoint tells it (OpenID Connect Core §5.3).
pub async fn google_userinfo(request: HttpRequest, state: State) -> ApiResult<HttpResponse> {
    let grant = match holder(&request, &state, Provider::Google).await? {
        Ok(grant) => grant,
        Err(answer) => return Ok(answer),
    };
    let who = &grant.identity;
    let mut answer = json!({ "sub": account_id(Provider::Google, &who.email) });
    if grant.allows("profile") {
        answer["name"] = who.name.clone().into();
        if let Some(picture) = &who.picture {
            answer["picture"] = picture.clone().into();
        }
    }
    if grant.allows("email") {
        answer["email"] = who.email.clone().into();
        answer["email_verified"] = who.email_verified.into();
    }
    Ok(unkept(StatusCode::OK, &answer))
}

/// The keys of ID tokens (RFC 7517).
pub async fn google_certs(state: State) -> ApiResult<HttpResponse> {
    let keys = simulator::public_keys(state.backend().social()).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(keys))
}

/// Where everything is (OpenID Connect Discovery §4).
pub async fn google_discovery(request: HttpRequest, state: State) -> HttpResponse {
    let base = address::base_url(&request, state.settings());
    let issuer = format!("{base}{}", simulator::ISSUER_PATH);
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{base}{}", simulator::authorize_path(Provider::Google)),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/certs"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "none"],
        "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "iss", "name", "picture", "sub"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

/// The profile as GitHub's API tells it.
pub async fn github_user(request: HttpRequest, state: State) -> ApiResult<HttpResponse> {
    let grant = match holder(&request, &state, Provider::GitHub).await? {
        Ok(grant) => grant,
        Err(answer) => return Ok(answer),
    };
    let who = &grant.identity;
    let email = grant.allows_addresses().then(|| who.email.clone());
    let avatar = who.picture.clone().unwrap_or_default();
    Ok(unkept(
        StatusCode::OK,
        &json!({ "login": login_of(&who.email), "id": github_id(&who.email), "avatar_url": avatar, "type": "User", "name": who.name, "email": email }),
    ))
}

/// The addresses as GitHub's API tells them; 404 without the scope for them, as there.
pub async fn github_emails(request: HttpRequest, state: State) -> ApiResult<HttpResponse> {
    let grant = match holder(&request, &state, Provider::GitHub).await? {
        Ok(grant) => grant,
        Err(answer) => return Ok(answer),
    };
    if !grant.allows_addresses() {
        return Ok(unkept(StatusCode::NOT_FOUND, &json!({ "message": "Not Found", "status": "404" })));
    }
    let who = &grant.identity;
    Ok(unkept(StatusCode::OK, &json!([{ "email": who.email, "primary": true, "verified": who.email_verified, "visibility": "private" }])))
}

/// JSON that no cache keeps.
fn unkept(status: StatusCode, value: &Value) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json").insert_header((CACHE_CONTROL, "no-store")).body(value.to_string())
}
