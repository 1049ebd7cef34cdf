//! Resources with their methods: everything else gets 405 with `Allow`, unknown paths 404. Every route registered here
//! is counted by `/metrics` and has to stand in `/openapi.json`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

use actix_web::guard::{Guard, GuardContext};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::ServiceConfig;
use actix_web::{Handler, HttpRequest, HttpResponse, Resource, Responder, Route, Scope, web};
use parking_lot::RwLock;

use super::context::{self, Context};
use super::{ApiError, error};
use crate::domain::error::{Code, Error};

/// Routes the server can tell apart in its counters.
pub const MAX_ROUTES: usize = 1024;

/// A method on a path, as registered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Registered {
    pub method: &'static str,
    /// The path template, `{name}` for parameters, without patterns.
    pub path: String,
    /// Part of the API, so it has to stand in `/openapi.json`; pages and their assets do not.
    pub documented: bool,
}

/// The place of a route in [`registered`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteId(u16);

impl RouteId {
    pub fn index(self) -> usize {
        self.0.into()
    }
}

/// One and the same for all workers (and servers) of a process: each builds the same routes.
static ROUTES: LazyLock<RwLock<Routes>> = LazyLock::new(RwLock::default);

#[derive(Default)]
struct Routes {
    list: Vec<Registered>,
    ids: HashMap<(&'static str, String), RouteId>,
}

/// Every route registered so far.
pub fn registered() -> Vec<Registered> {
    ROUTES.read().list.clone()
}

fn register(route: Registered) -> Option<RouteId> {
    let mut routes = ROUTES.write();
    let key = (route.method, route.path.clone());
    if let Some(id) = routes.ids.get(&key) {
        return Some(*id);
    }
    let id = u16::try_from(routes.list.len()).ok().filter(|id| usize::from(*id) < MAX_ROUTES).map(RouteId)?;
    routes.ids.insert(key, id);
    routes.list.push(route);
    Some(id)
}

/// `/a/{b:[^/]+}` without its patterns: `/a/{b}`.
fn template(path: &str) -> String {
    let (mut out, mut depth, mut skipping) = (String::with_capacity(path.len()), 0, false);
    for c in path.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ':' if depth == 1 => skipping = true,
            _ => {}
        }
        if depth == 0 {
            skipping = false;
        }
        if !skipping {
            out.push(c);
        }
    }
    out
}

/// One path and the methods it has.
pub struct Methods {
    path: String,
    routes: Vec<Route>,
    allow: Vec<&'static str>,
    documented: bool,
    hidden: bool,
}

thread_local! {
    /// Where the resources that are being made will stand.
    static PREFIX: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A scope whose resources are known by their whole path; what it doesn't have is 404.
pub fn scope(prefix: &str, configure: impl FnOnce(&mut ServiceConfig)) -> Scope {
    let before = PREFIX.with_borrow_mut(|p| {
        let before = p.clone();
        p.push_str(prefix);
        before
    });
    let scope = web::scope(prefix).configure(configure).default_service(web::to(not_found));
    PREFIX.set(before);
    scope
}

/// Starts a resource; within [`scope`], `path` follows its prefix. GET routes answer HEAD too (RFC 9110 §9.3.2).
pub fn resource(path: &str) -> Methods {
    Methods { path: path.to_owned(), routes: Vec::new(), allow: Vec::new(), documented: true, hidden: false }
}

/// Lets a method through and notes which route it was.
struct Is {
    method: Method,
    id: Option<RouteId>,
}

impl Guard for Is {
    fn check(&self, request: &GuardContext<'_>) -> bool {
        let method = &request.head().method;
        let fits = *method == self.method || (self.method == Method::GET && *method == Method::HEAD);
        if fits && let Some(context) = request.req_data().get::<Rc<Context>>() {
            context.route.set(self.id);
        }
        fits
    }
}

macro_rules! method {
    ($name:ident, $method:ident) => {
        #[must_use]
        pub fn $name<F, Args>(self, handler: F) -> Self
        where
            F: Handler<Args>,
            Args: actix_web::FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            self.route(Method::$method, stringify!($method), handler)
        }
    };
}

impl Methods {
    method!(get, GET);
    method!(post, POST);
    method!(put, PUT);
    method!(patch, PATCH);
    method!(delete, DELETE);
    method!(options, OPTIONS);

    /// Marks the methods added after it as no part of the API: pages, scripts, pictures.
    #[must_use]
    pub fn undocumented(mut self) -> Self {
        self.documented = false;
        self
    }

    fn route<F, Args>(mut self, method: Method, name: &'static str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let id = register(Registered { method: name, path: PREFIX.with_borrow(|prefix| prefix.clone() + &template(&self.path)), documented: self.documented });
        self.routes.push(web::route().guard(Is { method, id }).to(handler));
        self.allow.push(name);
        if name == "GET" {
            self.allow.push("HEAD");
        }
        self
    }

    /// Other methods get 404 instead of 405, as if the path did not exist.
    #[must_use]
    pub fn hide_other_methods(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// The finished resource.
    pub fn done(self) -> Resource {
        if self.hidden {
            return self.routes.into_iter().fold(web::resource(self.path), Resource::route).default_service(web::to(not_found));
        }
        let allow: Rc<str> = self.allow.join(", ").into();
        let resource = self.routes.into_iter().fold(web::resource(self.path), Resource::route);
        resource.default_service(web::to(move |request: HttpRequest| {
            let allow = Rc::clone(&allow);
            async move {
                context::look_up_environment(&request).await;
                not_allowed(&request, &allow)
            }
        }))
    }
}

fn not_allowed(request: &HttpRequest, allow: &str) -> HttpResponse {
    let error = Error::new(Code::METHOD_NOT_ALLOWED, format!("{} is not possible here; this route has {allow}", request.method()));
    let context = Context::of(request);
    context.error_code.set(Some(error.code().name));
    let mut answer = error::response_at(request.path(), &error, &context.request_id);
    if let Ok(value) = HeaderValue::from_str(allow) {
        answer.headers_mut().insert(header::ALLOW, value);
    }
    answer
}

/// The answer for paths that nothing else serves.
pub async fn not_found(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    context::look_up_environment(&request).await;
    Err(Error::new(Code::NOT_FOUND, "No such route; /docs lists those there are").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_lose_their_patterns() {
        assert_eq!(template("/v1/{table:[a-z]{1,3}}/{id}"), "/v1/{table}/{id}");
        assert_eq!(template("/console/{path:.*}"), "/console/{path}");
        assert_eq!(template("/plain"), "/plain");
    }
}
