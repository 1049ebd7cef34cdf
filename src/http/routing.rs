//! Resources with their methods: everything else gets 405 with `Allow`, unknown paths 404.

use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{Handler, HttpRequest, HttpResponse, Resource, Responder, Route, guard, web};

use super::context::Context;
use super::{ApiError, State, error};
use crate::domain::error::{Code, Error};

/// One path and the methods it has.
pub struct Methods {
    path: String,
    routes: Vec<Route>,
    allow: Vec<&'static str>,
}

/// Starts a resource. GET routes answer HEAD too (RFC 9110 §9.3.2).
pub fn resource(path: &str) -> Methods {
    Methods { path: path.to_owned(), routes: Vec::new(), allow: Vec::new() }
}

macro_rules! method {
    ($name:ident, $method:ident, $text:literal) => {
        #[must_use]
        pub fn $name<F, Args>(mut self, handler: F) -> Self
        where
            F: Handler<Args>,
            Args: actix_web::FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            self.routes.push(web::method(Method::$method).to(handler));
            self.allow.push($text);
            self
        }
    };
}

impl Methods {
    #[must_use]
    pub fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.routes.push(web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler));
        self.allow.extend(["GET", "HEAD"]);
        self
    }

    method!(post, POST, "POST");
    method!(put, PUT, "PUT");
    method!(patch, PATCH, "PATCH");
    method!(delete, DELETE, "DELETE");

    /// The finished resource.
    pub fn done(self) -> Resource {
        let allow = self.allow.join(", ");
        let resource = self.routes.into_iter().fold(web::resource(self.path), Resource::route);
        resource.default_service(web::to(move |request: HttpRequest| {
            let answer = not_allowed(&request, &allow);
            async move { answer }
        }))
    }
}

fn not_allowed(request: &HttpRequest, allow: &str) -> HttpResponse {
    let error = Error::new(Code::METHOD_NOT_ALLOWED, format!("{} is not possible here; this route has {allow}", request.method()));
    let context = Context::of(request);
    *context.error_code.borrow_mut() = Some(error.code().name);
    let mut answer = error::response(&error, &context.request_id);
    if let Ok(value) = HeaderValue::from_str(allow) {
        answer.headers_mut().insert(header::ALLOW, value);
    }
    answer
}

/// The answer for paths that nothing else serves.
pub async fn not_found() -> Result<HttpResponse, ApiError> {
    Err(Error::new(Code::NOT_FOUND, "No such route; /docs lists those there are").into())
}

/// Writes the line of a request to the log.
pub fn log_request(http: &HttpRequest, state: &State, context: &Context, response: &ServiceResponse) {
    if !state.settings().log_requests {
        return;
    }
    tracing::info!(
        target: "request",
        method = %http.method(),
        path = http.path(),
        status = response.status().as_u16(),
        duration_ms = context.started.elapsed().as_millis() as u64,
        request_id = context.request_id,
    );
}
