//! POST: one message, or a batch of them. The checks come in the order of the contract: size, token, content type, JSON,
//! version, session.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use rmcp::model::{ErrorCode, ErrorData, ProtocolVersion};
use serde_json::Value;

use super::{answer, caller, header_text, stream};
use crate::domain::error::{Code, Error, Result};
use crate::domain::oauth::McpAccess;
use crate::domain::tenancy::mcp_sessions::{McpSession, NewMcpSession};
use crate::http::body::{self, JSON_LIMIT};
use crate::http::context::Context;
use crate::http::{State, address};
use crate::mcp::protocol::methods::{self, Reply};
use crate::mcp::protocol::stateless::{self, Headers};
use crate::mcp::protocol::version::{self, Era};
use crate::mcp::protocol::{Body, Fault, Message, Request, greeting, message};
use crate::mcp::{Connection, Narrowing};

pub const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub const VERSION: &str = "mcp-protocol-version";

type Step<T> = std::result::Result<T, HttpResponse>;

/// One call of the endpoint, once it is known who makes it.
struct Call<'a> {
    request: &'a HttpRequest,
    state: &'a State,
    access: Option<McpAccess>,
    narrowing: Narrowing,
}

pub async fn post(request: HttpRequest, state: State, body: body::Body) -> HttpResponse {
    take(&request, &state, body).await.unwrap_or_else(|refusal| refusal)
}

async fn take(request: &HttpRequest, state: &State, body: body::Body) -> Step<HttpResponse> {
    let refuse = |error: Error| caller::refuse(request, &error);
    let media_type = body.media_type().map(str::to_owned);
    let bytes = body.bytes(JSON_LIMIT).await.map_err(refuse)?;
    let access = caller::access(request, state).await?;
    is_json(media_type.as_deref()).map_err(refuse)?;
    let body = message::parse(&bytes).map_err(|fault| answer::fault(request, &fault))?;
    let narrowing = Narrowing::parse(request.query_string()).map_err(refuse)?;
    let header = header_text(request, VERSION);
    let session_id = header_text(request, SESSION.as_str());
    let era = version::era(header.as_deref(), &body, session_id.is_some()).map_err(|fault| answer::fault(request, &fault))?;
    let call = Call { request, state, access, narrowing };
    match (era, body) {
        (Era::Stateless, body) => call.stateless(header, body).await,
        (Era::Sessions, Body::One(Message::Request(first))) if first.method == "initialize" => call.initialize(first).await,
        (Era::Sessions, body) => {
            let session = call.session(session_id.as_deref()).await?;
            call.in_session(&session, body).await
        }
    }
}

fn is_json(media_type: Option<&str>) -> Result<()> {
    match media_type {
        None | Some("application/json") => Ok(()),
        Some(_) => Err(Error::new(Code::UNSUPPORTED_MEDIA_TYPE, "Messages are JSON; send Content-Type: application/json")),
    }
}

/// The living session a request names.
///
/// # Errors
/// The 404 that makes clients initialize anew.
pub async fn session(state: &State, access: Option<&McpAccess>, id: Option<&str>, request: &HttpRequest) -> Step<McpSession> {
    let Some(id) = id else { return Err(answer::no_session()) };
    let found = state.mcp_session(access, id).await.map_err(|error| caller::refuse(request, &error))?;
    found.ok_or_else(answer::no_session)
}

impl Call<'_> {
    fn connection(&self, version: ProtocolVersion) -> Arc<Connection> {
        Arc::new(Connection {
            backend: Arc::clone(self.state.backend()),
            access: self.access.clone(),
            base: address::base_url(self.request, self.state.settings()),
            version,
            narrowing: self.narrowing.clone(),
            request_id: Context::of(self.request).request_id.to_string(),
        })
    }

    async fn session(&self, id: Option<&str>) -> Step<McpSession> {
        session(self.state, self.access.as_ref(), id, self.request).await
    }

    /// Opens a session.
    async fn initialize(&self, request: Request) -> Step<HttpResponse> {
        let connection = self.connection(version::negotiate(request.params.get("protocolVersion")));
        let client = greeting::Client::of(&request.params);
        let new = NewMcpSession { version: connection.version.to_string(), client_name: client.name, client_version: client.version };
        let id = self.state.open_mcp_session(self.access.as_ref(), new).await.map_err(|error| caller::refuse(self.request, &error))?;
        let result = serde_json::json!({ "jsonrpc": "2.0", "id": request.id, "result": greeting::initialize(&connection) });
        let mut answer = answer::message(self.request, &result);
        if let Ok(id) = HeaderValue::from_str(&id) {
            answer.headers_mut().insert(SESSION, id);
        }
        Ok(answer)
    }

    async fn in_session(&self, session: &McpSession, body: Body) -> Step<HttpResponse> {
        let version = version::known(&session.version).unwrap_or(version::UNNAMED);
        match body {
            Body::One(Message::Request(request)) => {
                let reply = self.run(&self.connection(version), request).await;
                Ok(answer::message(self.request, &reply.message))
            }
            Body::One(Message::Notification | Message::Response) => Ok(HttpResponse::Accepted().finish()),
            Body::Batch(items) if version::allows_batches(&version) => self.batch(&self.connection(version), items).await,
            Body::Batch(_) => Err(self.no_batches(&version)),
        }
    }

    /// Answers requests in their order.
    async fn batch(&self, connection: &Arc<Connection>, items: Vec<std::result::Result<Message, Fault>>) -> Step<HttpResponse> {
        let mut answers = Vec::new();
        for item in items {
            match item {
                Ok(Message::Request(request)) => answers.push(self.run(connection, request).await.message),
                Ok(Message::Notification | Message::Response) => {}
                Err(fault) => answers.push(fault.to_message()),
            }
        }
        Ok(if answers.is_empty() { HttpResponse::Accepted().finish() } else { answer::message(self.request, &Value::Array(answers)) })
    }

    /// A call that stands for itself.
    async fn stateless(&self, version: Option<String>, body: Body) -> Step<HttpResponse> {
        let request = match body {
            Body::One(Message::Request(request)) => request,
            Body::One(Message::Notification | Message::Response) => return Ok(HttpResponse::Accepted().finish()),
            Body::Batch(_) => return Err(self.no_batches(&ProtocolVersion::V_2026_07_28)),
        };
        let headers = Headers { version, method: header_text(self.request, "mcp-method"), name: header_text(self.request, "mcp-name") };
        stateless::check(&headers, &request).map_err(|fault| answer::fault(self.request, &fault))?;
        if request.method == "subscriptions/listen" {
            return stream::listen(self.request, self.state, self.access.clone(), &request).map_err(|fault| answer::fault(self.request, &fault));
        }
        let reply = self.run(&self.connection(ProtocolVersion::V_2026_07_28), request).await;
        Ok(match reply.error {
            Some(ErrorCode::METHOD_NOT_FOUND) => answer::json(StatusCode::NOT_FOUND, &reply.message),
            _ => answer::message(self.request, &reply.message),
        })
    }

    async fn run(&self, connection: &Arc<Connection>, request: Request) -> Reply {
        methods::answer(connection, &self.state.mcp().calls, request).await
    }

    fn no_batches(&self, version: &ProtocolVersion) -> HttpResponse {
        let message = format!("Version {version} of the protocol has no batches; send one message at a time");
        answer::fault(self.request, &Fault::refused(Value::Null, ErrorData::invalid_request(message, None)))
    }
}
