//! JSON-RPC messages as HTTP answers; every error of the endpoint is one.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use rmcp::model::{ErrorCode, ErrorData};
use serde_json::{Value, json};

use super::{wants_only_stream, with_allow};
use crate::domain::error::{Code, Error};
use crate::http::error::limit_headers;
use crate::mcp::protocol::{Fault, fault};

const UNAUTHORIZED: i32 = -32001;
const NO_SESSION: &str = "Session not found or expired. Send initialize without Mcp-Session-Id.";

/// 200 with one message (or the array of a batch): JSON, or an event stream of one event when nothing else is accepted.
pub fn message(request: &HttpRequest, body: &Value) -> HttpResponse {
    if wants_only_stream(request) {
        let event = format!("event: message\ndata: {body}\n\n");
        return HttpResponse::Ok().content_type("text/event-stream").insert_header((header::CACHE_CONTROL, "no-store")).body(event);
    }
    json(StatusCode::OK, body)
}

/// A message with a status of its own.
pub fn json(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json").insert_header((header::CACHE_CONTROL, "no-store")).body(body.to_string())
}

/// A fault: 200 when it is an answer like any other, else 400.
pub fn fault(request: &HttpRequest, fault: &Fault) -> HttpResponse {
    if fault.in_band { message(request, &fault.to_message()) } else { json(StatusCode::BAD_REQUEST, &fault.to_message()) }
}

/// 404 in the words clients know.
pub fn no_session() -> HttpResponse {
    let data = json!({ "code": UNAUTHORIZED, "reason": "session-not-found" });
    let error = ErrorData::new(ErrorCode::RESOURCE_NOT_FOUND, NO_SESSION, Some(data));
    json(StatusCode::NOT_FOUND, &fault::error_message(&Value::Null, &error))
}

/// A domain error as the endpoint words it.
pub fn error_response(error: &Error, request_id: &str) -> HttpResponse {
    let code = error.code();
    let status = StatusCode::from_u16(code.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut data = json!({ "code": code.name });
    let number = match status {
        StatusCode::UNAUTHORIZED => ErrorCode(UNAUTHORIZED),
        _ if code == Code::INVALID_JSON => ErrorCode::PARSE_ERROR,
        _ if code == Code::INVALID_PARAMETERS => ErrorCode::INVALID_PARAMS,
        _ if status.is_server_error() => {
            data["requestId"] = request_id.into();
            tracing::error!(request_id, code = code.name, cause = error.cause().unwrap_or("-"), "{}", error.message());
            ErrorCode::INTERNAL_ERROR
        }
        _ => ErrorCode::INVALID_REQUEST,
    };
    let error_data = ErrorData::new(number, error.message().to_owned(), Some(data));
    let mut answer = json(status, &fault::error_message(&Value::Null, &error_data));
    limit_headers(answer.headers_mut(), error);
    if code == Code::METHOD_NOT_ALLOWED { with_allow(answer) } else { answer }
}
