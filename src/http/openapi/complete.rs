//! What every operation has in common and no annotation repeats: ids, security, path parameters, errors, short forms.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::errors;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

const TAGS: [(&str, &str); 9] = [
    ("data", "Records of the tables of an environment."),
    ("auth", "Sign-up, sign-in and sessions of an app's users."),
    ("users", "Administration and profiles of an app's users."),
    ("files", "Files and their metadata."),
    ("storage", "Presigned transfers of objects."),
    ("management", "What the console and the command line call."),
    ("oauth", "The authorization server for AI clients."),
    ("mcp", "The endpoint for AI clients."),
    ("server", "Health, metrics and this document."),
];

/// Completes every operation.
pub fn paths(paths: &mut Map<String, Value>) {
    add_short_forms(paths);
    let ids = shared_ids(paths);
    let mut used = HashSet::new();
    for (path, item) in paths.iter_mut() {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                operation["operationId"] = Value::from(unique(&mut used, operation_id(operation, &ids, method, path)));
                tag(operation, path);
                secure(operation, path);
                name_parameters(operation, path);
                describe_answers(operation);
                add_errors(operation, path);
            }
        }
    }
}

/// `/v1/data/{table}…` exists as `/v1/{table}…` too.
fn add_short_forms(paths: &mut Map<String, Value>) {
    let short: Vec<(String, Value)> = paths
        .iter()
        .filter_map(|(path, item)| {
            let rest = path.strip_prefix("/v1/data/{table}")?;
            let mut item = item.clone();
            for method in METHODS {
                if let Some(operation) = item.get_mut(method) {
                    let before = operation["description"].as_str().map_or_else(String::new, |d| format!("\n\n{d}"));
                    operation["description"] = Value::from(format!("Short form of `{path}`.{before}"));
                    operation["operationId"] = Value::Null;
                    operation["x-short-form-of"] = Value::from(path.as_str());
                }
            }
            Some((format!("/v1/{{table}}{rest}"), item))
        })
        .collect();
    paths.extend(short);
}

/// Ids that stand more than once: names of functions, such as `list`.
fn shared_ids(paths: &Map<String, Value>) -> HashSet<String> {
    let (mut seen, mut shared) = (HashSet::new(), HashSet::new());
    for id in paths.values().flat_map(super::members).filter_map(|(_, operation)| operation["operationId"].as_str()) {
        if !seen.insert(id) {
            shared.insert(id.to_owned());
        }
    }
    shared
}

/// The id given, when it says enough; else one of method and path: `getManagementOrganizationsMembersByTenantId`.
fn operation_id(operation: &Value, shared: &HashSet<String>, method: &str, path: &str) -> String {
    let given = operation["operationId"].as_str().filter(|id| !shared.contains(*id) && id.bytes().any(|b| b.is_ascii_uppercase()));
    given.map_or_else(|| id_of(method, path), str::to_owned)
}

fn id_of(method: &str, path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty() && *s != "v1").collect();
    let mut id = method.to_owned();
    for (at, segment) in segments.iter().enumerate() {
        match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(parameter) if at + 1 == segments.len() => {
                id.push_str("By");
                id.push_str(&capitalized(parameter));
            }
            Some(_) => {}
            None => id.push_str(&capitalized(segment)),
        }
    }
    id
}

fn capitalized(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
}

fn unique(used: &mut HashSet<String>, id: String) -> String {
    let mut candidate = id.clone();
    let mut number = 2;
    while !used.insert(candidate.clone()) {
        candidate = format!("{id}{number}");
        number += 1;
    }
    candidate
}

/// Those who set no tag get that of their path.
fn tag(operation: &mut Value, path: &str) {
    let known = operation["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| TAGS.iter().any(|(name, _)| tag == name)));
    if known {
        return;
    }
    let first = |prefix: &str| path.strip_prefix(prefix).and_then(|rest| rest.split('/').next());
    let name = match first("/v1/") {
        Some(part @ ("auth" | "users" | "files")) => part,
        Some(_) => "data",
        None => match first("/").unwrap_or_default() {
            part @ ("management" | "mcp") => part,
            "storage" | "img" => "storage",
            "oauth" | ".well-known" => "oauth",
            _ => "server",
        },
    };
    operation["tags"] = json!([name]);
}

/// The tags that are in use, described.
pub fn tags(paths: &Map<String, Value>) -> Vec<Value> {
    let used: HashSet<&str> = paths.values().flat_map(super::members).filter_map(|(_, operation)| operation["tags"][0].as_str()).collect();
    TAGS.iter().filter(|(name, _)| used.contains(name)).map(|(name, description)| json!({ "name": name, "description": description })).collect()
}

/// Those who set no security get that of their path.
fn secure(operation: &mut Value, path: &str) {
    if operation.get("security").is_some() {
        return;
    }
    operation["security"] = if path.starts_with("/v1/") {
        json!([{ "apiKey": [] }, { "apiKey": [], "accessToken": [] }, { "projectId": [] }, { "projectId": [], "accessToken": [] }])
    } else if path.starts_with("/management/") {
        json!([{ "session": [] }, { "personalAccessToken": [] }])
    } else if path.starts_with("/mcp") {
        json!([{ "oauth": [] }, { "personalAccessToken": [] }])
    } else {
        json!([{}])
    };
}

/// Declares the parameters of the path that no annotation declares, and the headers every route of `/v1` reads.
fn name_parameters(operation: &mut Value, path: &str) {
    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let declared = |parameters: &[Value], place: &str, name: &str| parameters.iter().any(|p| p["in"] == place && p["name"] == name);
    for name in path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}')) {
        if !declared(&parameters, "path", name) {
            parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
        }
    }
    // What a short form or a wider annotation says of the path beyond its template does not apply.
    parameters.retain(|p| p["in"] != "path" || p["name"].as_str().is_some_and(|name| path.contains(&format!("{{{name}}}"))));
    if path.starts_with("/v1/") {
        parameters.extend(["Envelope", "Environment"].map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })));
    }
    if !parameters.is_empty() {
        operation["parameters"] = Value::from(parameters);
    }
}

/// Parameters that many routes read.
pub fn parameters() -> Value {
    json!({
        "Envelope": {
            "name": "X-Bkend-Envelope", "in": "header", "schema": { "type": "string", "enum": ["bare", "envelope"] },
            "description": "Overrides the project's `responseEnvelope` for this answer.",
        },
        "Environment": {
            "name": "X-Environment", "in": "header", "schema": { "type": "string", "default": "dev" },
            "description": "The environment, beside `X-Project-Id`.",
        },
    })
}

/// Answers need a description.
fn describe_answers(operation: &mut Value) {
    let Some(answers) = operation["responses"].as_object_mut() else { return };
    for (status, answer) in answers {
        if answer.get("$ref").is_none() && answer["description"].as_str().is_none_or(str::is_empty) {
            let reason = status.parse().ok().and_then(|code| actix_web::http::StatusCode::from_u16(code).ok()).and_then(|code| code.canonical_reason());
            answer["description"] = Value::from(reason.unwrap_or("Answer"));
        }
        // A stream is a sequence of events, each with a body of its own; what one is like says the description.
        if let Some(stream) = answer.pointer_mut("/content/text~1event-stream").and_then(Value::as_object_mut) {
            stream.remove("schema");
        }
        let is_error = status.starts_with(['4', '5']);
        if is_error && answer.get("content").is_none() && answer.get("$ref").is_none() {
            answer["content"] = errors::content();
        }
    }
}

/// Adds the errors an operation of this kind can answer, as far as its annotation does not tell more of them.
fn add_errors(operation: &mut Value, path: &str) {
    let open = operation["security"] == json!([{}]);
    let has_parameters = operation["parameters"].as_array().is_some_and(|all| !all.is_empty());
    let has_body = operation.get("requestBody").is_some();
    let is_api = ["/v1/", "/management/", "/mcp", "/storage", "/oauth"].iter().any(|prefix| path.starts_with(prefix));
    let mut statuses = vec![421, 500, 503];
    if has_parameters || has_body {
        statuses.push(400);
    }
    if !open {
        statuses.extend([401, 403]);
    }
    // Bodies name things, too, that may be missing or there already.
    if path.contains('{') || has_body {
        statuses.push(404);
    }
    if has_body && path.starts_with("/management/") {
        statuses.push(409);
    }
    if has_body {
        statuses.extend([413, 415]);
    }
    if is_api {
        statuses.push(429);
    }
    statuses.sort_unstable();
    if !operation["responses"].is_object() {
        operation["responses"] = json!({});
    }
    for status in statuses {
        let answer = &mut operation["responses"][status.to_string()];
        if answer.is_null() {
            *answer = json!({ "$ref": format!("#/components/responses/Error{status}") });
        }
    }
}

/// How callers prove who they are (`00-conventions.md`, `06-console.md` B1).
pub fn security_schemes() -> Value {
    json!({
        "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "`pk_` or `sk_` and 64 hexadecimal characters; names project and environment." },
        "projectId": { "type": "apiKey", "in": "header", "name": "X-Project-Id", "description": "Instead of a key, with `X-Environment`; makes the caller a guest." },
        "accessToken": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Access token of a signed-in user of the same environment." },
        "personalAccessToken": { "type": "http", "scheme": "bearer", "bearerFormat": "pat_<64 hex>", "description": "A developer's token for the management API and `/mcp`." },
        "session": { "type": "apiKey", "in": "cookie", "name": "bkend_session", "description": "The console's session; its name ends with the first 8 characters of the server's id. Changes need `X-CSRF-Token` too." },
        "oauth": { "type": "http", "scheme": "bearer", "description": "Access token from this server's OAuth 2.1 endpoints." },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_from_method_and_path() {
        assert_eq!(id_of("get", "/management/v1/organizations/{organizationId}/members"), "getManagementOrganizationsMembers");
        assert_eq!(id_of("patch", "/v1/data/{table}/{id}"), "patchDataById");
        assert_eq!(id_of("get", "/.well-known/oauth-authorization-server"), "getWellKnownOauthAuthorizationServer");
    }
}
