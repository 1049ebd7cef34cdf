//! The built-in pages that mailed links lead to when an app has none of its own: a new password, an invitation. Plain HTML
//! without scripts in the console's design. The token is worth as much as a password: no cache keeps the page, and no address
//! of it leaves in a `Referer`.

use std::sync::{Arc, LazyLock};

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse};
use minijinja::value::Serde;
use minijinja::{Value, context};
use utoipa::ToSchema;

use super::page_texts::{self, Texts};
use super::{email_is_on, visit};
use crate::domain::auth::invitations::UserInvitation;
use crate::domain::auth::one_time::Purpose;
use crate::domain::auth::{Email, Visit, invalid_link, invitation_answer, password_reset};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::mail::Locale;
use crate::http::body::Body;
use crate::http::context::{self, Context};
use crate::http::error::limit_headers;
use crate::http::pages::Pages;
use crate::http::rest::query::params;

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Bytes of a form.
const FORM_LIMIT: usize = 16 * 1024;

static PAGES: LazyLock<Pages> = LazyLock::new(|| {
    Pages::new(
        POLICY,
        &[
            ("app.html", include_str!("pages/app.html")),
            ("reset.html", include_str!("pages/reset.html")),
            ("invitation.html", include_str!("pages/invitation.html")),
            ("message.html", include_str!("pages/message.html")),
        ],
    )
    // The addresses of these pages carry tokens.
    .with(header::REFERRER_POLICY, "no-referrer")
    .with(header::VARY, "Accept-Language")
    .with(HeaderName::from_static("cross-origin-opener-policy"), "same-origin")
});

/// The page to choose a new password on, when `passwordResetUrl` names no other; needs no key.
#[utoipa::path(get, path = "/v1/auth/pages/reset", tag = "auth", security(()), params(("token" = String, Query), ("email" = String, Query)),
    responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub async fn show_reset(request: HttpRequest) -> HttpResponse {
    Page::of_link(&request)
        .await
        .answer(async |page: &mut Page, link: &Link| {
            let environment = page.reset_environment(link).await?;
            password_reset::check_link(&environment, &page.visit, &link.email()?, &link.token).await?;
            Ok(page.reset_form(&environment, link, None))
        })
        .await
}

/// What the form of a new password sends.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ResetForm {
    pub token: String,
    pub email: String,
    pub new_password: String,
}

/// The form of that page.
#[utoipa::path(post, path = "/v1/auth/pages/reset", tag = "auth", security(()),
    request_body(content = ResetForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub async fn reset(request: HttpRequest, body: Body) -> HttpResponse {
    Page::of_form(&request, body)
        .await
        .answer(async |page: &mut Page, link: &Link| {
            let environment = page.reset_environment(link).await?;
            let outcome = password_reset::confirm(&environment, &page.visit, &link.email()?, &link.token, &link.new_password).await;
            match outcome {
                Ok(()) => Ok(page.message(StatusCode::OK, page.texts().reset_done_title, page.texts().reset_done)),
                Err(error) if page.concerns_password(&error, &environment) || error.code() == Code::UNAVAILABLE => {
                    Ok(page.reset_form(&environment, link, Some(&error)))
                }
                Err(error) => Err(error),
            }
        })
        .await
}

/// The page of an invitation, when `invitationUrl` names no other; needs no key.
#[utoipa::path(get, path = "/v1/auth/pages/invitation", tag = "auth", security(()), params(("token" = String, Query), ("email" = String, Query)),
    responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub async fn show_invitation(request: HttpRequest) -> HttpResponse {
    Page::of_link(&request)
        .await
        .answer(async |page: &mut Page, link: &Link| {
            let environment = page.invitation_environment(link).await?;
            let invitation = invitation_answer::look_up(&environment, &page.visit, &link.token, &link.email()?).await?;
            Ok(page.invitation_form(invitation, link))
        })
        .await
}

/// What the buttons of an invitation send.
#[derive(Debug, ToSchema)]
pub struct InvitationForm {
    pub token: String,
    pub email: String,
    /// `accept` or `decline`.
    pub answer: String,
}

/// The buttons of that page.
#[utoipa::path(post, path = "/v1/auth/pages/invitation", tag = "auth", security(()),
    request_body(content = InvitationForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub async fn answer_invitation(request: HttpRequest, body: Body) -> HttpResponse {
    Page::of_form(&request, body)
        .await
        .answer(async |page: &mut Page, link: &Link| {
            let environment = page.invitation_environment(link).await?;
            let email = link.email()?;
            match link.answer.as_str() {
                "accept" => {
                    let invitation = invitation_answer::accept(&environment, &page.visit, None, &link.token, Some(&email)).await?;
                    Ok(page.message(StatusCode::OK, page.texts().accepted_title, &page_texts::accepted(page.locale, &invitation.email)))
                }
                "decline" => {
                    invitation_answer::reject(&environment, &page.visit, &link.token, Some(&email)).await?;
                    Ok(page.message(StatusCode::OK, page.texts().declined_title, page.texts().declined))
                }
                _ => Err(Error::invalid_parameter("answer", "answer must be accept or decline")),
            }
        })
        .await
}

/// What an address or a form of a page carries.
#[derive(Debug, Default)]
struct Link {
    token: String,
    email: String,
    new_password: String,
    answer: String,
}

impl Link {
    fn email(&self) -> Result<Email> {
        Email::parse(&self.email).map_err(|_| invalid_link())
    }
}

/// A page being made for one request.
struct Page {
    request: HttpRequest,
    visit: Visit,
    locale: Locale,
    /// The project's name, once the environment is known.
    app: Option<String>,
    link: Result<Link>,
}

impl Page {
    async fn of_link(request: &HttpRequest) -> Self {
        let link = params(request).map(|params| {
            let text = |name: &str| params.get(name).unwrap_or_default().to_owned();
            Link { token: text("token"), email: text("email"), ..Link::default() }
        });
        Self::new(request, link)
    }

    async fn of_form(request: &HttpRequest, body: Body) -> Self {
        let link = body.form(FORM_LIMIT).await.map(|mut form| {
            let mut text = |name: &str| form.remove(name).unwrap_or_default();
            Link { token: text("token"), email: text("email"), new_password: text("newPassword"), answer: text("answer") }
        });
        Self::new(request, link)
    }

    fn new(request: &HttpRequest, link: Result<Link>) -> Self {
        let (visit, failed) = match visit(request) {
            Ok(visit) => (visit, None),
            Err(error) => (Visit::default(), Some(error)),
        };
        let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        Self { request: request.clone(), visit, locale: preferred(accepted), app: None, link: failed.map_or(link, Err) }
    }

    /// The page that `make` answers, or one about why it could not.
    async fn answer(mut self, make: impl AsyncFnOnce(&mut Self, &Link) -> Result<HttpResponse>) -> HttpResponse {
        let result = match std::mem::replace(&mut self.link, Ok(Link::default())) {
            Ok(link) => make(&mut self, &link).await,
            Err(error) => Err(error),
        };
        result.unwrap_or_else(|error| self.failed(&error))
    }

    fn texts(&self) -> &'static Texts {
        page_texts::texts(self.locale)
    }

    async fn reset_environment(&mut self, link: &Link) -> Result<Arc<Environment>> {
        let found = context::backend(&self.request)?.environment_of_link(&self.visit, Purpose::PasswordReset, &link.token).await?;
        let unknown = || Error::new(Code::VERIFICATION_TOKEN_NOT_FOUND, "The reset link is not valid; ask for a new one");
        self.entered(found.ok_or_else(unknown)?)
    }

    async fn invitation_environment(&mut self, link: &Link) -> Result<Arc<Environment>> {
        let found = context::backend(&self.request)?.environment_of_invitation(&self.visit, &link.token).await?;
        self.entered(found.ok_or_else(invalid_link)?)
    }

    fn entered(&mut self, environment: Arc<Environment>) -> Result<Arc<Environment>> {
        context::remember_guest(&self.request, &environment);
        self.app = Some(environment.project().state().name.clone());
        email_is_on(&environment)?;
        Ok(environment)
    }

    fn concerns_password(&self, error: &Error, environment: &Environment) -> bool {
        page_texts::password_problems(self.locale, error, &environment.auth_config().email.password_policy).is_some()
    }

    fn reset_form(&self, environment: &Environment, link: &Link, problem: Option<&Error>) -> HttpResponse {
        let policy = &environment.auth_config().email.password_policy;
        let wrong = problem.and_then(|error| page_texts::password_problems(self.locale, error, policy));
        let notice = problem.filter(|_| wrong.is_none()).map(|error| page_texts::failure(self.locale, error));
        let values = context! { token => &link.token, email => &link.email, hint => page_texts::policy(self.locale, policy), wrong, notice };
        let answer = self.render(problem.map_or(StatusCode::OK, status_of), "reset.html", values);
        if let Some(error) = problem { self.noted(error, answer) } else { answer }
    }

    fn invitation_form(&self, invitation: UserInvitation, link: &Link) -> HttpResponse {
        let app = self.app.as_deref().unwrap_or_default();
        let (inviter, resource) = (invitation.inviter_name.as_deref().unwrap_or(app), invitation.resource_name.as_deref().unwrap_or(app));
        let lead = page_texts::invitation_lead(self.locale, inviter, resource);
        self.render(StatusCode::OK, "invitation.html", context! { token => &link.token, lead, invitation => Value::from(Serde(invitation)) })
    }

    fn message(&self, status: StatusCode, title: &str, text: &str) -> HttpResponse {
        self.render(status, "message.html", context! { title, text, is_error => status != StatusCode::OK })
    }

    fn failed(&self, error: &Error) -> HttpResponse {
        let (status, text) = (status_of(error), page_texts::failure(self.locale, error));
        let request_id = Some(Context::of(&self.request).request_id.to_string()).filter(|_| status.is_server_error());
        let answer = self.render(status, "message.html", context! { title => self.texts().failed_title, text, is_error => true, request_id });
        self.noted(error, answer)
    }

    /// Tells log and browser of an error that a page shows.
    fn noted(&self, error: &Error, mut answer: HttpResponse) -> HttpResponse {
        let context = Context::of(&self.request);
        context.error_code.set(Some(error.code().name));
        limit_headers(answer.headers_mut(), error);
        if status_of(error).is_server_error() {
            tracing::error!(request_id = &*context.request_id, cause = error.cause().unwrap_or("-"), "{}", error.message());
        }
        answer
    }

    fn render(&self, status: StatusCode, template: &str, values: Value) -> HttpResponse {
        let common = context! { lang => self.locale.name(), app => self.app.as_deref(), t => Value::from(Serde(self.texts())) };
        PAGES.page(status, template, context! { ..values, ..common })
    }
}

fn status_of(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.code().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The language a browser prefers among ours (RFC 9110 §12.5.4).
fn preferred(accept_language: &str) -> Locale {
    let mut wanted: Vec<(f32, Locale)> = accept_language
        .split(',')
        .filter_map(|part| {
            let mut pieces = part.split(';').map(str::trim);
            let locale = Locale::of_tag(pieces.next()?)?;
            let quality = pieces.find_map(|piece| piece.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            (quality > 0.0).then_some((quality, locale))
        })
        .collect();
    // Stable: of equal ones the first stands.
    wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
    wanted.first().map_or(Locale::En, |(_, locale)| *locale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_speaks_the_language_that_the_browser_prefers_among_ours() {
        for (header, locale) in [
            ("", Locale::En),
            ("ko-KR,ko;q=0.9,en-US;q=0.8", Locale::Ko),
            ("de,en;q=0.7,ko;q=0.8", Locale::Ko),
            ("de-DE", Locale::En),
            ("ko;q=0,en", Locale::En),
            ("en,ko", Locale::En),
            ("ko;q=x;;,,", Locale::Ko),
        ] {
            assert_eq!(preferred(header), locale, "{header}");
        }
    }
}
