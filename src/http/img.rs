//! `/img`: pictures of any size and format, made from stored ones (`05-storage.md` §7).

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use super::routing::resource;
use super::storage::{self, asked_disposition};
use super::{ApiResult, State, context};
use crate::domain::error::{Code, Error, Result};
use crate::domain::files::conditions::{Validators, Verdict};
use crate::domain::files::disposition::Disposition;
use crate::domain::files::open::{Found, Reading};
use crate::domain::images::{Made, Path, Served};

const PREFIX: &str = "/img";

/// Mounts the routes.
pub fn routes(config: &mut ServiceConfig) {
    for path in ["/img", "/img/{path:(?s:.*)}"] {
        config.service(resource(path).undocumented().get(get).done());
    }
}

/// Whether a path is one of a picture.
pub fn covers(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Sends a picture.
async fn get(state: State, request: HttpRequest) -> ApiResult<HttpResponse> {
    let raw = raw(&request);
    let path = match Path::parse(raw) {
        Ok(path) => path,
        Err(error) => {
            remember(&request).await;
            return Err(error.into());
        }
    };
    let environment = state.environment_of_key(&path.key).await?.ok_or_else(|| path.unknown_key())?;
    context::remember_guest(&request, &environment);
    match environment.picture(&path, takes_webp(&request)).await? {
        Served::Unchanged => storage::send(&request, &environment, &path.key, Reading::Plain, asked_disposition(request.query_string())).await,
        Served::Made(picture) => {
            let (found, made) = *picture;
            Ok(answer(&request, &path, &found, made)?)
        }
    }
}

fn answer(request: &HttpRequest, path: &Path, found: &Found, made: Made) -> Result<HttpResponse> {
    let validators = Validators { etag: &made.etag, modified: found.modified };
    let verdict = storage::judge(request, validators);
    Ok(match verdict {
        Verdict::Failed => return Err(Error::new(Code::FILE_PRECONDITION_FAILED, "The picture is not the one that If-Match or If-Unmodified-Since want")),
        Verdict::NotModified => described(HttpResponse::NotModified(), request, path, found, &made).finish(),
        Verdict::Serve => described(HttpResponse::Ok(), request, path, found, &made).body(made.bytes),
    })
}

/// An answer with everything that describes the picture (§6.4).
fn described(mut response: HttpResponseBuilder, request: &HttpRequest, path: &Path, found: &Found, made: &Made) -> HttpResponseBuilder {
    let validators = Validators { etag: &made.etag, modified: found.modified };
    let disposition = asked_disposition(request.query_string()).unwrap_or(Disposition::Inline);
    response
        .insert_header((header::CONTENT_TYPE, made.format.mime_type()))
        .insert_header((header::ETAG, validators.etag_header()))
        .insert_header((header::LAST_MODIFIED, validators.last_modified()))
        .insert_header((header::CACHE_CONTROL, found.cache_control()))
        .insert_header((header::CONTENT_DISPOSITION, disposition.header(&made.format.name(&found.name))))
        .insert_header((header::ACCEPT_RANGES, "none"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header(("cross-origin-resource-policy", "cross-origin"));
    if path.options.format.is_none() {
        response.append_header((header::VARY, HeaderValue::from_static("Accept")));
    }
    response
}

/// What follows `/img/`, as it came.
fn raw(request: &HttpRequest) -> &str {
    let rest = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    rest.strip_prefix('/').unwrap_or(rest)
}

/// Whether `Accept` names WebP, and does not refuse it.
fn takes_webp(request: &HttpRequest) -> bool {
    let named = |part: &str| {
        let mut words = part.split(';').map(str::trim);
        let is_webp = words.next().is_some_and(|kind| kind.eq_ignore_ascii_case("image/webp"));
        let weight = words.find_map(|word| word.strip_prefix("q=").or_else(|| word.strip_prefix("Q=")));
        is_webp && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    };
    request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()).any(|list| list.split(',').any(named))
}

/// Finds out whose request it is that is refused before its key is known, so that the answer can be read across origins.
pub async fn remember(request: &HttpRequest) {
    let Ok(state) = State::of(request) else { return };
    let is_id = |segment: &&str| segment.len() == 24 && segment.bytes().all(|b| b.is_ascii_hexdigit());
    let raw = raw(request).replace("%2F", "/").replace("%2f", "/");
    if let Some(id) = raw.split('/').find(is_id)
        && let Ok(environment) = state.environment(id).await
    {
        context::remember_guest(request, &environment);
    }
}
