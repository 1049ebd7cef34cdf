//! The texts of an environment's mail.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::mail::{MailTemplate, MailTemplatePatch, Preview, PreviewRequest, templates};
use crate::domain::page::List;
use crate::http::body::Body;
use crate::http::{ApiResult, State};

type In = Path<(String, String, String, String)>;

/// List the texts of every mail in every language.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/auth/templates", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<MailTemplate>)))]
pub async fn list(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    reply::page_of(place.environment.mail_templates(&place.caller).await?, &parameters)
}

/// Save an own text of a mail; it is sent while `overrideDefaults` is true.
#[utoipa::path(put, path = "/management/v1/projects/{projectId}/environments/{environment}/auth/templates/{template}/{locale}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("template" = String, Path), ("locale" = String, Path),
        ("If-Match" = Option<String>, Header)),
    request_body = MailTemplatePatch, responses((status = 200, body = MailTemplate)))]
pub async fn replace(request: HttpRequest, state: State, developer: Developer, path: In, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let (template, locale) = templates::named(&path.2, &path.3)?;
    let patch: MailTemplatePatch = body.json().await?;
    reply::versioned(&place.environment.set_mail_template(&place.caller, template, locale, patch, &parameters.expected()).await?)
}

/// Go back to the built-in text of a mail.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/auth/templates/{template}/{locale}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("template" = String, Path), ("locale" = String, Path),
        ("If-Match" = Option<String>, Header)),
    responses((status = 204)))]
pub async fn reset(request: HttpRequest, state: State, developer: Developer, path: In, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let (template, locale) = templates::named(&path.2, &path.3)?;
    place.environment.reset_mail_template(&place.caller, template, locale, &parameters.expected()).await?;
    reply::no_content()
}

/// Show a mail with sample values before it is saved; with `sendTo`, send it.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/auth/templates/{template}/{locale}/preview", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("template" = String, Path), ("locale" = String, Path)),
    request_body = PreviewRequest, responses((status = 200, body = Preview)))]
pub async fn preview(request: HttpRequest, state: State, developer: Developer, path: In, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    let (template, locale) = templates::named(&path.2, &path.3)?;
    let wanted: PreviewRequest = body.json().await?;
    // A preview changes nothing; a mail does.
    let place = if wanted.send_to.is_some() { Place::to_write(&request, &state, &developer).await? } else { place };
    reply::ok(&place.environment.preview_mail(&place.caller, template, locale, wanted).await?)
}
