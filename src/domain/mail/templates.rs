//! Own texts of mails: reading, saving, going back to the built-in ones, and looking at them before they are sent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::letterhead::Letterhead;
use super::outgoing::Outgoing;
use super::render::{Text, one_line};
use super::{BODY, Locale, SUBJECT, Template, VARIABLES, built_in};
use crate::domain::activities::Change;
use crate::domain::auth::Email;
use crate::domain::auth::administration::allowed;
use crate::domain::caller::Caller;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Detail, Error, Result};
use crate::domain::tenancy::version::{Expected, Versioned};
use crate::store::data::MailTemplateRow;
use crate::store::{Reader, Tx};

/// Characters of one variable of a preview, and how many variables it takes.
const SAMPLE: usize = 2_048;
const SAMPLES: usize = 50;

/// A mail's text in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MailTemplate {
    pub id: String,
    /// Same as `id`.
    pub template: String,
    /// For people.
    pub name: String,
    /// `verification`, `password`, `signin` or `invitation`.
    pub category: String,
    pub locale: Locale,
    pub subject: String,
    /// HTML.
    pub body: String,
    /// Whether it is an own text.
    pub customized: bool,
    /// What it may name.
    pub variables: Vec<String>,
    /// What it names and no mail knows; renders empty.
    pub unknown_variables: Vec<String>,
}

/// A new text; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct MailTemplatePatch {
    /// 1–200 characters.
    pub subject: Option<String>,
    /// HTML, at most 256 KiB, naming at most 500 variables.
    pub body: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewRequest {
    /// Absent: the saved one.
    pub subject: Option<String>,
    /// Absent: the saved one.
    pub body: Option<String>,
    /// In place of sample values.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub variables: Map<String, Value>,
    /// Sends it there as a mail, too.
    pub send_to: Option<String>,
}

/// A mail as it would be sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    pub subject: String,
    pub html_body: String,
    pub text_body: String,
}

impl MailTemplate {
    fn of(template: Template, locale: Locale, text: &Text, customized: bool) -> Self {
        let variables = template.variables();
        Self {
            id: template.name().to_owned(),
            template: template.name().to_owned(),
            name: template.title().to_owned(),
            category: template.category().to_owned(),
            locale,
            subject: text.subject.to_string(),
            body: text.body.to_string(),
            customized,
            unknown_variables: text.unknown(&variables),
            variables: variables.into_iter().map(str::to_owned).collect(),
        }
    }

    fn read(r: &Reader<'_>, template: Template, locale: Locale) -> Result<Self> {
        let own = r.mail_template(template.name(), locale.name())?;
        let customized = own.is_some();
        let text = own.map_or_else(|| built_in::text(template, locale), own_text);
        Ok(Self::of(template, locale, &text, customized))
    }

    fn text(&self) -> Text {
        Text { subject: self.subject.clone().into(), body: self.body.clone().into() }
    }

    fn change<'a>(&'a self, environment: &'a Environment, action: &'a str) -> Change<'a> {
        let mut change = Change {
            organization_id: Some(&environment.project().organization_id),
            project_id: Some(&environment.project().id),
            environment: Some(environment.name()),
            entity: "template",
            action,
            entity_id: &self.id,
            entity_name: &self.id,
            ..Change::default()
        };
        change.metadata.insert("locale".to_owned(), self.locale.name().into());
        change
    }
}

fn own_text(row: MailTemplateRow) -> Text {
    Text { subject: row.subject.into(), body: row.body.into() }
}

/// A template and language by their names.
///
/// # Errors
/// 404 `auth/template-not-found`.
pub fn named(template: &str, locale: &str) -> Result<(Template, Locale)> {
    let template = Template::parse(template)?;
    let locale = Locale::parse(locale).ok_or_else(|| Error::new(Code::TEMPLATE_NOT_FOUND, "Mails have texts in en and ko; locale must be one of them"))?;
    Ok((template, locale))
}

impl Environment {
    /// Every mail in every language.
    ///
    /// # Errors
    /// 403 for callers who are neither developer nor secret key.
    pub async fn mail_templates(self: &Arc<Self>, caller: &Caller) -> Result<Vec<MailTemplate>> {
        allowed(caller)?;
        let each = |r: &Reader<'_>| Template::ALL.into_iter().flat_map(|t| Locale::ALL.map(|l| (t, l))).map(|(t, l)| MailTemplate::read(r, t, l)).collect();
        self.data().read::<_, Error, _>(move |r| r.snapshot(|| each(r))).await
    }

    /// # Errors
    /// As [`Environment::mail_templates`].
    pub async fn mail_template(self: &Arc<Self>, caller: &Caller, template: Template, locale: Locale) -> Result<Versioned<MailTemplate>> {
        allowed(caller)?;
        self.data().read::<_, Error, _>(move |r| Versioned::of(MailTemplate::read(r, template, locale)?)).await
    }

    /// Saves an own text. It is sent while `overrideDefaults` is true.
    ///
    /// # Errors
    /// As [`Environment::mail_templates`]; `common/invalid-parameters`, `management/version-conflict`.
    pub async fn set_mail_template(
        self: &Arc<Self>,
        caller: &Caller,
        template: Template,
        locale: Locale,
        patch: MailTemplatePatch,
        expected: &Expected,
    ) -> Result<Versioned<MailTemplate>> {
        allowed(caller)?;
        let (this, caller, expected) = (Arc::clone(self), caller.clone(), expected.clone());
        self.data()
            .write::<_, Error, _>(move |tx| {
                let before = Versioned::of(MailTemplate::read(&tx.reader(), template, locale)?)?;
                expected.check(&before)?;
                let text = merged(&before.value, patch.subject, patch.body)?;
                let row = MailTemplateRow {
                    template: template.name().to_owned(),
                    locale: locale.name().to_owned(),
                    subject: text.subject.to_string(),
                    body: text.body.to_string(),
                    updated_at: this.now(),
                };
                tx.put_mail_template(&row)?;
                let after = MailTemplate::of(template, locale, &text, true);
                this.audit_template(tx, &caller, &after, "updated")?;
                Versioned::of(after)
            })
            .await
    }

    /// Goes back to the built-in text.
    ///
    /// # Errors
    /// As [`Environment::set_mail_template`].
    pub async fn reset_mail_template(self: &Arc<Self>, caller: &Caller, template: Template, locale: Locale, expected: &Expected) -> Result<()> {
        allowed(caller)?;
        let (this, caller, expected) = (Arc::clone(self), caller.clone(), expected.clone());
        self.data()
            .write::<_, Error, _>(move |tx| {
                let before = Versioned::of(MailTemplate::read(&tx.reader(), template, locale)?)?;
                expected.check(&before)?;
                if tx.delete_mail_template(template.name(), locale.name())? {
                    this.audit_template(tx, &caller, &before.value, "reset")?;
                }
                Ok(())
            })
            .await
    }

    /// Shows a mail with sample values; with `sendTo`, also sends it.
    ///
    /// # Errors
    /// As [`Environment::set_mail_template`].
    pub async fn preview_mail(self: &Arc<Self>, caller: &Caller, template: Template, locale: Locale, request: PreviewRequest) -> Result<Preview> {
        allowed(caller)?;
        check_samples(&request.variables)?;
        let to = request.send_to.as_deref().map(address).transpose()?;
        let sends = to.is_some();
        let mail = sample(template, locale, to, request.variables);
        let saved = self.mail_template(caller, template, locale).await?.value;
        let text = merged(&saved, request.subject, request.body)?;
        let letterhead = Letterhead::of(self);
        let rendered = text.render(&mail.all_variables(&letterhead));
        if sends {
            let this = Arc::clone(self);
            self.data().write::<_, Error, _>(move |tx| this.put_mail_as(tx, &mail, &letterhead, &text)).await?;
        }
        Ok(Preview { subject: rendered.subject, html_body: rendered.html, text_body: rendered.text })
    }

    /// What developers change is audited; what secret keys change is not.
    fn audit_template(&self, tx: &mut Tx<'_>, caller: &Caller, template: &MailTemplate, action: &str) -> Result<()> {
        match caller {
            Caller::Tenant(tenant) => self.audit(tx, &template.change(self, action).by(tenant)),
            _ => Ok(()),
        }
    }
}

fn address(text: &str) -> Result<String> {
    let parsed = Email::parse(text).map(Email::into_string);
    parsed.map_err(|_| Error::invalid_parameter("sendTo", "sendTo must be an address such as mina@harbor.test"))
}

/// The saved text with what came in its place, if that is within the limits.
fn merged(saved: &MailTemplate, subject: Option<String>, body: Option<String>) -> Result<Text> {
    let mut text = saved.text();
    let mut wrong = Vec::new();
    if let Some(subject) = subject {
        let subject = one_line(&subject);
        if subject.is_empty() || subject.chars().count() > SUBJECT {
            wrong.push(Detail::new("subject", "length", format!("subject must have 1–{SUBJECT} characters")));
        }
        text.subject = subject.into();
    }
    if let Some(body) = body {
        if body.trim().is_empty() || body.len() > BODY {
            wrong.push(Detail::new("body", "length", format!("body must be HTML of at most {} KiB", BODY / 1024)));
        }
        text.body = body.into();
    }
    if text.count_variables() > VARIABLES {
        wrong.push(Detail::new("body", "variables", format!("subject and body name at most {VARIABLES} variables")));
    }
    if wrong.is_empty() { Ok(text) } else { Err(Error::with_details(Code::INVALID_PARAMETERS, wrong)) }
}

fn check_samples(variables: &Map<String, Value>) -> Result<()> {
    let bad = variables.iter().find(|(_, value)| value.is_array() || value.is_object() || value.as_str().is_some_and(|text| text.chars().count() > SAMPLE));
    if let Some((name, _)) = bad {
        let name = crate::domain::error::clip(name);
        return Err(Error::invalid_parameter(&format!("variables.{name}"), format!("variables.{name} must be text of at most {SAMPLE} characters")));
    }
    if variables.len() > SAMPLES {
        return Err(Error::invalid_parameter("variables", format!("variables has at most {SAMPLES} members")));
    }
    Ok(())
}

/// A mail of this kind with values that stand for real ones; `variables` replaces them.
fn sample(template: Template, locale: Locale, to: Option<String>, variables: Map<String, Value>) -> Outgoing {
    let to = to.unwrap_or_else(|| "mina@harbor.test".to_owned());
    let token = "0".repeat(64);
    let link = format!("http://localhost:5173/?token={token}");
    let mail = match template {
        Template::EmailCode => Outgoing::code(to, "123456", template.usual_lifetime()),
        _ => Outgoing::link(template, to, link, token, template.usual_lifetime()),
    };
    let mut mail = mail.user(Some("Mina"), Some(locale.name()));
    if template == Template::Invitation {
        mail = mail.with("inviterName", "Joon").with("resourceName", "Harbor");
    }
    mail.variables.extend(variables);
    mail
}
