//! What a table tells apps about itself: `/spec` and `/openapi` (`02-data.md` §8.5).

use serde_json::{Map, Value, json};

use super::expression::Reach;
use super::field::{Field, FieldKind};
use crate::domain::records::Records;

/// Schema, indexes and permissions, without the fields the caller can never read.
pub fn spec(records: &Records) -> Value {
    let table = records.table();
    let hidden = records.never_readable();
    let mut schema = table.schema.to_value();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.retain(|name, _| !hidden.contains(&name.as_str()));
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| !hidden.iter().any(|h| name == h));
    }
    let shown = table.indexes.iter().filter(|index| !index.fields.keys().any(|f| hidden.contains(&f.as_str())));
    let mut spec = json!({
        "tableName": table.name,
        "displayName": table.display_name,
        "description": table.description,
        "schema": schema,
        "additionalFields": table.additional_fields,
        "indexes": shown.map(|index| index.to_value()).collect::<Vec<_>>(),
        "permissions": table.permissions.effective_matrix(),
        "schemaVersion": table.schema_version,
        "indexVersion": table.index_version,
    });
    if records.caller().is_admin() {
        let all = table.permissions.to_value();
        for key in ["expressionPermissions", "columnPermissions", "rowFilters"] {
            spec[key] = all[key].clone();
        }
    }
    spec
}

/// OpenAPI 3.0 of the table's own routes, made from its current schema.
pub fn openapi(records: &Records, base: &str) -> Value {
    let table = records.table();
    let hidden = records.never_readable();
    let visible = || table.schema.fields.iter().filter(|(name, _)| !hidden.contains(&name.as_str()));
    let mut properties = Map::new();
    for (name, description) in
        [("id", "Made by the server."), ("createdBy", "Id of the user who made it; empty for nobody's."), ("createdAt", ""), ("updatedAt", "")]
    {
        let mut property = json!({ "type": "string", "readOnly": true });
        if name.ends_with("At") {
            property["format"] = "date-time".into();
        } else {
            property["description"] = description.into();
        }
        properties.insert(name.to_owned(), property);
    }
    let fields: Map<String, Value> = visible().map(|(name, field)| (name.clone(), schema_of(field))).collect();
    properties.extend(fields.clone());
    let required: Vec<&String> = visible().filter(|(_, f)| f.required && f.default.is_none()).map(|(name, _)| name).collect();
    let mut create = json!({ "type": "object", "properties": fields, "additionalProperties": table.additional_fields });
    if !required.is_empty() {
        create["required"] = json!(required);
    }
    json!({
        "openapi": "3.0.0",
        "info": { "title": format!("{} API", table.name), "version": "1.0.0", "description": table.description.clone().unwrap_or_default() },
        "servers": [{ "url": base }],
        "security": [{ "apiKey": [] }, { "apiKey": [], "user": [] }],
        "paths": paths(&table.name),
        "components": {
            "schemas": {
                "Record": { "type": "object", "properties": properties, "required": ["id", "createdBy", "createdAt", "updatedAt"] },
                "RecordCreate": create,
                "RecordUpdate": { "type": "object", "properties": fields, "additionalProperties": true },
                "Error": { "type": "object", "properties": {
                    "success": { "type": "boolean" }, "statusCode": { "type": "integer" }, "message": { "type": "string" },
                    "error": { "type": "object", "properties": { "code": { "type": "string" }, "message": { "type": "string" }, "details": { "type": "array", "items": { "type": "object" } } } },
                    "requestId": { "type": "string" } } }
            },
            "securitySchemes": {
                "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
                "user": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" }
            }
        }
    })
}

fn schema_of(field: &Field) -> Value {
    let mut out = match field.kind {
        FieldKind::String => json!({ "type": "string" }),
        FieldKind::Int => json!({ "type": "integer", "format": "int64" }),
        FieldKind::Double => json!({ "type": "number", "format": "double" }),
        FieldKind::Bool => json!({ "type": "boolean" }),
        FieldKind::Date => json!({ "type": "string", "format": "date-time" }),
        FieldKind::Object => {
            let properties: Map<String, Value> = field.properties.iter().map(|(name, inner)| (name.clone(), schema_of(inner))).collect();
            json!({ "type": "object", "properties": properties, "additionalProperties": field.additional_properties })
        }
        FieldKind::Array => json!({ "type": "array", "items": field.items.as_ref().map_or_else(|| json!({}), |items| schema_of(items)) }),
        FieldKind::Mixed => json!({}),
    };
    let stored = field.to_value();
    for key in ["enum", "minLength", "maxLength", "pattern", "minItems", "maxItems", "minimum", "maximum", "description", "title", "default"] {
        // "$now" is no date a client could send.
        if let Some(value) = stored.get(key).filter(|v| v.as_str() != Some("$now")) {
            out[key] = value.clone();
        }
    }
    if !field.required || field.nullable {
        out["nullable"] = true.into();
    }
    out
}

fn paths(table: &str) -> Value {
    let record = json!({ "$ref": "#/components/schemas/Record" });
    let answer = |status: &str, schema: Value| {
        json!({ status: { "description": "Done.", "content": { "application/json": { "schema": schema } } },
            "default": { "description": "The error union.", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } } })
    };
    let object = || json!({ "type": "object" });
    let body = |name: &str| {
        let schema = if name.is_empty() { json!({ "type": "object" }) } else { json!({ "$ref": format!("#/components/schemas/{name}") }) };
        json!({ "required": true, "content": { "application/json": { "schema": schema } } })
    };
    let query = |names: &[&str]| Value::Array(names.iter().map(|n| json!({ "name": n, "in": "query", "schema": { "type": "string" } })).collect());
    let filters = ["andFilters", "orFilters", "search", "searchType"];
    let list = json!({ "type": "object", "properties": { "items": { "type": "array", "items": record }, "pagination": { "type": "object" } } });
    let id = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }]);
    let base = format!("/v1/data/{table}");
    let mut list_parameters = vec!["page", "limit", "offset", "sortBy", "sortDirection", "select", "include", "cursor"];
    list_parameters.extend(filters);
    json!({
        base.clone(): {
            "get": { "operationId": "list", "parameters": query(&list_parameters), "responses": answer("200", list.clone()) },
            "post": { "operationId": "create", "requestBody": body("RecordCreate"), "responses": answer("201", record.clone()) },
            "patch": { "operationId": "updateMatching", "parameters": query(&filters), "requestBody": body("RecordUpdate"), "responses": answer("200", object()) },
            "delete": { "operationId": "deleteMatching", "parameters": query(&filters), "responses": answer("200", object()) }
        },
        format!("{base}/{{id}}"): {
            "parameters": id,
            "get": { "operationId": "read", "parameters": query(&["select", "include"]), "responses": answer("200", record.clone()) },
            "patch": { "operationId": "update", "requestBody": body("RecordUpdate"), "responses": answer("200", record.clone()) },
            "put": { "operationId": "replace", "requestBody": body("RecordCreate"), "responses": answer("200", record.clone()) },
            "delete": { "operationId": "delete", "responses": answer("200", object()) }
        },
        format!("{base}/spec"): { "get": { "operationId": "spec", "responses": answer("200", object()) } },
        format!("{base}/openapi"): { "get": { "operationId": "openapi", "responses": answer("200", object()) } },
        format!("{base}/query"): { "post": { "operationId": "query", "requestBody": body(""), "responses": answer("200", list) } },
        format!("{base}/count"): {
            "get": { "operationId": "count", "parameters": query(&filters), "responses": answer("200", object()) },
            "post": { "operationId": "countByBody", "requestBody": body(""), "responses": answer("200", object()) }
        },
        format!("{base}/aggregate"): {
            "get": { "operationId": "aggregate", "parameters": query(&["groupBy", "sum", "avg", "min", "max", "distinct", "sort"]), "responses": answer("200", object()) },
            "post": { "operationId": "aggregateByBody", "requestBody": body(""), "responses": answer("200", object()) }
        },
        format!("{base}/upsert"): { "post": { "operationId": "upsert", "requestBody": body(""), "responses": answer("200", record) } },
        format!("{base}/bulk"): { "post": { "operationId": "bulk", "requestBody": body(""), "responses": answer("200", object()) } },
        format!("{base}/import"): { "post": { "operationId": "import", "parameters": query(&["format", "mode", "onBadRow", "dryRun"]), "requestBody": body(""), "responses": answer("200", object()) } },
        format!("{base}/export"): { "get": { "operationId": "export", "parameters": query(&["format", "select", "andFilters", "orFilters"]), "responses": answer("200", object()) } },
        format!("{base}/changes"): { "get": { "operationId": "changes", "parameters": query(&["andFilters", "orFilters", "search", "select", "initial"]),
            "responses": { "200": { "description": "Server-sent events.", "content": { "text/event-stream": { "schema": { "type": "string" } } } } } } }
    })
}

impl Records {
    /// Fields the caller can read in no record at all.
    pub(super) fn never_readable(&self) -> Vec<&str> {
        let columns = self.table().permissions.columns.iter().flat_map(|columns| columns.keys().map(String::as_str));
        columns.filter(|field| self.table().permissions.readable(field, &self.subject()) == Reach::Never).collect()
    }
}
