//! HTML pages: templates on one frame, and the headers every page of ours has (`00-conventions.md`, "A server on a
//! developer's laptop").

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use minijinja::{Environment, UndefinedBehavior, Value};

/// What every set of pages stands on: `base.html` is the document, `card.html` a heading with one card below it.
const FRAME: [(&str, &str); 2] = [("base.html", include_str!("pages/base.html")), ("card.html", include_str!("pages/card.html"))];

/// Templates that belong together, and what browsers are told of pages made from them.
pub struct Pages {
    templates: Environment<'static>,
    policy: &'static str,
    headers: Vec<(HeaderName, &'static str)>,
}

impl Pages {
    /// Templates by name, for pages with this Content-Security-Policy.
    ///
    /// # Panics
    /// When a template cannot be parsed: they are part of the program, and a test renders each.
    pub fn new(policy: &'static str, templates: &[(&'static str, &'static str)]) -> Self {
        let mut environment = Environment::new();
        for (name, source) in FRAME.iter().chain(templates) {
            environment.add_template(name, source).expect("the templates are part of the program, and a test renders each");
        }
        // Without a referrer, browsers would name no origin when a form is sent.
        let headers = vec![(header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "same-origin"), (HeaderName::from_static("x-frame-options"), "DENY")];
        Self { templates: environment, policy, headers }
    }

    /// Makes an error of every value that a template names and is not given; otherwise such a value counts as nothing.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.templates.set_undefined_behavior(UndefinedBehavior::Strict);
        self
    }

    /// Adds a header to every page, or replaces one of the usual ones.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
        self
    }

    /// A page of a template.
    pub fn page(&self, status: StatusCode, template: &str, values: Value) -> HttpResponse {
        match self.templates.get_template(template).and_then(|template| template.render(values)) {
            Ok(page) => self.html(status, page),
            Err(error) => {
                tracing::error!(%error, template, "a page could not be made");
                let page = "<!doctype html><title>Error</title><p>This page could not be made; the server's log says why.</p>";
                self.html(StatusCode::INTERNAL_SERVER_ERROR, page.to_owned())
            }
        }
    }

    /// An answer with this text and the headers of a page.
    pub fn html(&self, status: StatusCode, content: String) -> HttpResponse {
        let mut answer = HttpResponse::build(status);
        answer.content_type("text/html; charset=utf-8").insert_header((header::CONTENT_SECURITY_POLICY, self.policy));
        for (name, value) in &self.headers {
            answer.insert_header((name, HeaderValue::from_static(value)));
        }
        answer.body(content)
    }
}
