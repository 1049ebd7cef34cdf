//! Settings of authentication on `/v1/auth`, as earlier documentation published them; for secret keys (`03-auth.md` §14).

use actix_web::web::{Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::query::params;
use crate::domain::access::Access;
use crate::domain::auth::administration::{AuthSettings, ProviderView, allowed, without_own_callback};
use crate::domain::auth::config::EmailSettings;
use crate::domain::error::{Code, Error, Result};
use crate::domain::mail::{Locale, MailTemplate, MailTemplatePatch, Preview, PreviewRequest, Template};
use crate::domain::tenancy::version::Expected;
use crate::http::address;
use crate::http::body::Body;
use crate::http::reply::Reply;
use crate::http::routing::resource;
use crate::http::{ApiResult, State};

/// Mounts the routes, below `/v1/auth`.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/providers").get(providers).done())
        .service(resource("/providers/email").get(email).put(set_email).done())
        .service(resource("/providers/oauth").get(oauth).done())
        .service(resource("/providers/oauth/{provider}").get(provider).put(set_provider).delete(reset_provider).done())
        .service(resource("/email-templates/config").get(mail).put(set_mail).done())
        .service(resource("/email-templates").get(list_templates).done())
        .service(resource("/email-templates/preview/{templateId}").get(preview).done())
        .service(resource("/email-templates/{templateId}").get(template).put(set_template).done());
}

/// How users may sign in.
#[derive(Serialize, ToSchema)]
pub struct Providers {
    email: EmailSettings,
    oauth: Vec<ProviderView>,
}

#[derive(Serialize, ToSchema)]
pub struct OAuthProviders {
    items: Vec<ProviderView>,
}

/// What every mail shows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MailConfig {
    sender_email: String,
    sender_name: String,
    logo_url: Option<String>,
    brand_color: String,
    override_defaults: bool,
    default_locale: String,
}

/// A mail's text in one language.
#[derive(Serialize, ToSchema)]
pub struct EmailTemplate {
    id: String,
    name: String,
    category: String,
    subject: String,
    body: String,
    customized: bool,
    locale: Locale,
}

#[derive(Serialize, ToSchema)]
pub struct EmailTemplates {
    items: Vec<EmailTemplate>,
}

impl From<MailTemplate> for EmailTemplate {
    fn from(t: MailTemplate) -> Self {
        Self { id: t.id, name: t.name, category: t.category, subject: t.subject, body: t.body, customized: t.customized, locale: t.locale }
    }
}

/// Show how users may sign in; for secret keys.
#[utoipa::path(get, path = "/v1/auth/providers", tag = "auth", responses((status = 200, body = Providers)))]
pub async fn providers(request: HttpRequest, state: State, access: Access) -> ApiResult<HttpResponse> {
    let AuthSettings { email, .. } = access.environment.auth_settings(&access.caller)?.value;
    let oauth = shown(&request, &state, &access)?;
    Ok(Reply::ok(&Providers { email, oauth })?.send(&request))
}

/// Show the settings of sign-in by e-mail; for secret keys.
#[utoipa::path(get, path = "/v1/auth/providers/email", tag = "auth", responses((status = 200, body = EmailSettings)))]
pub async fn email(request: HttpRequest, access: Access) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&access.environment.auth_settings(&access.caller)?.value.email)?.send(&request))
}

/// Change the settings of sign-in by e-mail; for secret keys. What is not named stays.
#[utoipa::path(put, path = "/v1/auth/providers/email", tag = "auth", request_body = Object, responses((status = 200, body = EmailSettings)))]
pub async fn set_email(request: HttpRequest, access: Access, body: Body) -> ApiResult<HttpResponse> {
    let settings = change(&access, "email", body).await?;
    Ok(Reply::ok(&settings.email)?.send(&request))
}

/// List the providers of social sign-in, without secrets; for secret keys.
#[utoipa::path(get, path = "/v1/auth/providers/oauth", tag = "auth", responses((status = 200, body = OAuthProviders)))]
pub async fn oauth(request: HttpRequest, state: State, access: Access) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&OAuthProviders { items: shown(&request, &state, &access)? })?.send(&request))
}

/// Show a provider, without its secret; for secret keys.
#[utoipa::path(get, path = "/v1/auth/providers/oauth/{provider}", tag = "auth", params(("provider" = String, Path)),
    responses((status = 200, body = ProviderView)))]
pub async fn provider(request: HttpRequest, state: State, access: Access, path: Path<String>) -> ApiResult<HttpResponse> {
    let mut provider = access.environment.auth_provider(&access.caller, &path)?.value;
    provider.show_callback(&address::base_url(&request, state.settings()));
    Ok(Reply::ok(&provider)?.send(&request))
}

/// Set up a provider; for secret keys. Without `clientSecret` the stored one stays.
#[utoipa::path(put, path = "/v1/auth/providers/oauth/{provider}", tag = "auth", params(("provider" = String, Path)), request_body = Object,
    responses((status = 200, body = ProviderView)))]
pub async fn set_provider(request: HttpRequest, state: State, access: Access, path: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    allowed(&access.caller)?;
    let (mut patch, base): (Map<String, Value>, _) = (body.json().await?, address::base_url(&request, state.settings()));
    without_own_callback(&mut patch, &base, &path);
    let set = access.environment.set_auth_provider(&access.caller, &path, patch, &Expected::Any).await?;
    Ok(Reply::ok(&set.with(|provider| provider.show_callback(&base)).value)?.send(&request))
}

/// Forget everything that was set for a provider; for secret keys.
#[utoipa::path(delete, path = "/v1/auth/providers/oauth/{provider}", tag = "auth", params(("provider" = String, Path)), responses((status = 200)))]
pub async fn reset_provider(request: HttpRequest, access: Access, path: Path<String>) -> ApiResult<HttpResponse> {
    access.environment.reset_auth_provider(&access.caller, &path).await?;
    Ok(Reply::ok(&json!({ "message": "The provider is back to its defaults." }))?.send(&request))
}

/// Show sender and look of mail; for secret keys.
#[utoipa::path(get, path = "/v1/auth/email-templates/config", tag = "auth", responses((status = 200, body = MailConfig)))]
pub async fn mail(request: HttpRequest, access: Access) -> ApiResult<HttpResponse> {
    let settings = access.environment.auth_settings(&access.caller)?.value;
    Ok(Reply::ok(&mail_config(settings))?.send(&request))
}

/// Change sender and look of mail; for secret keys. What is not named stays.
#[utoipa::path(put, path = "/v1/auth/email-templates/config", tag = "auth", request_body = Object, responses((status = 200, body = MailConfig)))]
pub async fn set_mail(request: HttpRequest, access: Access, body: Body) -> ApiResult<HttpResponse> {
    let settings = change(&access, "mail", body).await?;
    Ok(Reply::ok(&mail_config(settings))?.send(&request))
}

/// List the texts of mail in one language; for secret keys.
#[utoipa::path(get, path = "/v1/auth/email-templates", tag = "auth", params(("locale" = Option<String>, Query)),
    responses((status = 200, body = EmailTemplates)))]
pub async fn list_templates(request: HttpRequest, access: Access) -> ApiResult<HttpResponse> {
    let locale = locale(&request, &access)?;
    let all = access.environment.mail_templates(&access.caller).await?;
    let items = all.into_iter().filter(|template| template.locale == locale).map(EmailTemplate::from).collect();
    Ok(Reply::ok(&EmailTemplates { items })?.send(&request))
}

/// Show the text of a mail; for secret keys.
#[utoipa::path(get, path = "/v1/auth/email-templates/{templateId}", tag = "auth",
    params(("templateId" = String, Path), ("locale" = Option<String>, Query, description = "`en` or `ko`; `defaultLocale` when absent.")),
    responses((status = 200, body = EmailTemplate)))]
pub async fn template(request: HttpRequest, access: Access, path: Path<String>) -> ApiResult<HttpResponse> {
    let locale = locale(&request, &access)?;
    let found = access.environment.mail_template(&access.caller, Template::parse(&path)?, locale).await?;
    Ok(Reply::ok(&EmailTemplate::from(found.value))?.send(&request))
}

/// Save an own text of a mail; for secret keys. It is sent while `overrideDefaults` is true.
#[utoipa::path(put, path = "/v1/auth/email-templates/{templateId}", tag = "auth",
    params(("templateId" = String, Path), ("locale" = Option<String>, Query)), request_body = MailTemplatePatch,
    responses((status = 200, body = EmailTemplate)))]
pub async fn set_template(request: HttpRequest, access: Access, path: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let (locale, template) = (locale(&request, &access)?, Template::parse(&path)?);
    let patch: MailTemplatePatch = body.json().await?;
    let saved = access.environment.set_mail_template(&access.caller, template, locale, patch, &Expected::Any).await?;
    Ok(Reply::ok(&EmailTemplate::from(saved.value))?.send(&request))
}

/// Show a mail with sample values; for secret keys.
#[utoipa::path(get, path = "/v1/auth/email-templates/preview/{templateId}", tag = "auth",
    params(("templateId" = String, Path), ("locale" = Option<String>, Query)), responses((status = 200, body = Preview)))]
pub async fn preview(request: HttpRequest, access: Access, path: Path<String>) -> ApiResult<HttpResponse> {
    let (locale, template) = (locale(&request, &access)?, Template::parse(&path)?);
    let preview = access.environment.preview_mail(&access.caller, template, locale, PreviewRequest::default()).await?;
    Ok(Reply::ok(&preview)?.send(&request))
}

/// The providers, with this server's callback where no other is set.
fn shown(request: &HttpRequest, state: &State, access: &Access) -> Result<Vec<ProviderView>> {
    let mut providers = access.environment.auth_providers(&access.caller)?;
    let base = address::base_url(request, state.settings());
    providers.iter_mut().for_each(|provider| provider.show_callback(&base));
    Ok(providers)
}

async fn change(access: &Access, section: &str, body: Body) -> Result<AuthSettings> {
    allowed(&access.caller)?;
    let mut patch: Map<String, Value> = body.json().await?;
    // Earlier documentation had no mail server here.
    patch.remove("smtp");
    let patch = Map::from_iter([(section.to_owned(), Value::Object(patch))]);
    Ok(access.environment.change_auth_settings(&access.caller, patch, &Expected::Any).await?.value)
}

/// `locale`, else `defaultLocale`; first of all, whether the caller may.
fn locale(request: &HttpRequest, access: &Access) -> Result<Locale> {
    allowed(&access.caller)?;
    let query = params(request)?;
    let default = access.environment.auth_config().mail.default_locale.clone();
    let wanted = query.get("locale").filter(|text| !text.is_empty()).unwrap_or(&default);
    Locale::parse(wanted).ok_or_else(|| Error::new(Code::TEMPLATE_NOT_FOUND, "Mails have texts in en and ko; locale must be one of them"))
}

fn mail_config(settings: AuthSettings) -> MailConfig {
    let mail = settings.mail;
    MailConfig {
        sender_email: mail.sender_email,
        sender_name: mail.sender_name,
        logo_url: mail.logo_url,
        brand_color: mail.brand_color,
        override_defaults: mail.override_defaults,
        default_locale: mail.default_locale,
    }
}
