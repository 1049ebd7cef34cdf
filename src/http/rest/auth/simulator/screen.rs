//! The page at which a person chooses whom to be, and what was decided on it.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use actix_web::{HttpRequest, HttpResponse};
use url::Url;

use super::pages::{self, Typed};
use crate::domain::auth::simulator::{self, Asked, Begun, Chosen, Decision};
use crate::domain::auth::social::Provider;
use crate::domain::error::{Code, Error, Result};
use crate::domain::records::query::Params;
use crate::http::body::Body;
use crate::http::context;
use crate::http::rest::auth::visit;
use crate::http::rest::query::params;
use crate::http::{State, address};

/// Bytes of a form.
const LIMIT: usize = 64 * 1024;

pub async fn show_google(request: HttpRequest, state: State) -> HttpResponse {
    page(&request, show(&request, &state, Provider::Google).await)
}

pub async fn show_github(request: HttpRequest, state: State) -> HttpResponse {
    page(&request, show(&request, &state, Provider::GitHub).await)
}

pub async fn decide_google(request: HttpRequest, state: State, body: Body) -> HttpResponse {
    page(&request, decide(&request, &state, Provider::Google, body).await)
}

pub async fn decide_github(request: HttpRequest, state: State, body: Body) -> HttpResponse {
    page(&request, decide(&request, &state, Provider::GitHub, body).await)
}

/// The answer, or a page about why there is none.
fn page(request: &HttpRequest, result: Result<HttpResponse>) -> HttpResponse {
    result.unwrap_or_else(|error| {
        let status = StatusCode::from_u16(error.code().status).unwrap_or(StatusCode::BAD_REQUEST);
        pages::message(request, status, "Cannot sign in", &error)
    })
}

async fn show(request: &HttpRequest, state: &State, provider: Provider) -> Result<HttpResponse> {
    let asked = asked(&params(request)?);
    match simulator::begin(state.backend(), &visit(request)?, provider, asked).await? {
        Begun::Refused(location) => Ok(go(&location)),
        Begun::Offer(offer) => {
            context::remember_guest(request, &offer.environment);
            Ok(pages::choose(provider, &offer, None))
        }
    }
}

fn asked(params: &Params) -> Asked {
    let text = |name: &str| params.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
    Asked {
        client_id: text("client_id"),
        redirect_uri: text("redirect_uri"),
        response_type: text("response_type"),
        state: text("state"),
        nonce: text("nonce"),
        scope: text("scope"),
        login_hint: text("login_hint"),
        code_challenge: text("code_challenge"),
        code_challenge_method: text("code_challenge_method"),
    }
}

async fn decide(request: &HttpRequest, state: &State, provider: Provider, body: Body) -> Result<HttpResponse> {
    require_own_origin(request, state)?;
    let form = body.form(LIMIT).await?;
    let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let decision = match text("decision") {
        "cancel" => Decision::Decline,
        _ => {
            let typed = typed(&form);
            match Chosen::new(&typed.email, Some(&typed.name), Some(&typed.picture), typed.email_verified) {
                Ok(chosen) => Decision::Be(chosen),
                Err(error) => {
                    let offer = simulator::waiting(state.backend(), provider, text("ticket")).await?;
                    context::remember_guest(request, &offer.environment);
                    return Ok(pages::choose(provider, &offer, Some((&typed, &error))));
                }
            }
        }
    };
    let decided = simulator::decide(state.backend(), provider, text("ticket"), decision).await?;
    context::remember_guest(request, &decided.environment);
    Ok(go(&decided.location))
}

fn typed(form: &HashMap<String, String>) -> Typed {
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    Typed {
        email: text("email"),
        name: text("name"),
        picture: text("picture"),
        email_verified: matches!(text("email_verified").as_str(), "true" | "1" | "on" | "yes"),
    }
}

/// The form is taken from this server's own page, or from a program: browsers always name the origin of a form.
fn require_own_origin(request: &HttpRequest, state: &State) -> Result<()> {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let own = match header(header::ORIGIN.as_str()) {
        Some(origin) => address::is_own_origin(request, state.settings(), origin),
        None => matches!(header("sec-fetch-site"), None | Some("same-origin" | "none")),
    };
    if own { Ok(()) } else { Err(Error::new(Code::ORIGIN_DENIED, "Sign-in is decided on this server's own page only; go back to the app and start again")) }
}

fn go(location: &Url) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((LOCATION, location.as_str()))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .finish()
}
