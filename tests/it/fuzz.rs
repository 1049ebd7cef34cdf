//! Hostile and generated requests: the answer is always a 2xx or the error union, never a 5xx, never a dropped connection.
//!
//! `FUZZ_SEED` repeats a run, `FUZZ_REQUESTS` makes it longer.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::random::Random;
use crate::support::wire::{Reply, Wire, request};

const REQUESTS: usize = 6_000;

const METHODS: [&str; 7] = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"];
const ODD_TABLES: [&str; 18] = [
    "tags",
    "users",
    "_settings",
    "_changes",
    "nope",
    "Plants",
    "data",
    "auth",
    "files",
    "changes",
    "transaction",
    "",
    "%00",
    "a'b%22",
    "%2e%2e",
    "%F0%9F%98%80",
    "plants%20",
    "plants__x",
];
const TAILS: [&str; 24] = [
    "",
    "",
    "",
    "",
    "/",
    "/fern",
    "/fern",
    "/ivy",
    "/spec",
    "/openapi",
    "/query",
    "/count",
    "/aggregate",
    "/upsert",
    "/bulk",
    "/import",
    "/export",
    "/absent",
    "/%00",
    "/a%2Fb",
    "/fern/extra",
    "//",
    "/%FF%FE",
    "/'%20OR%201=1--",
];
const PATHS: [&str; 30] = [
    "name",
    "height",
    "price",
    "tags",
    "tags.0",
    "potted",
    "bought",
    "care",
    "care.water",
    "care.x.y",
    "id",
    "_id",
    "createdAt",
    "updatedAt",
    "createdBy",
    "hue",
    "",
    ".",
    "a..b",
    "$a",
    "$where",
    "__proto__",
    "a.b.c.d.e.f.g.h.i.j",
    "a.b.c.d.e.f.g.h.i.j.k",
    "é",
    "\u{1F600}",
    "name'",
    "\"",
    "a\0b",
    "doc",
];
const OPERATORS: [&str; 34] = [
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$exists",
    "$regex",
    "$options",
    "$contains",
    "$startsWith",
    "$endsWith",
    "$like",
    "$between",
    "$not",
    "$all",
    "$size",
    "$elemMatch",
    "$and",
    "$or",
    "$nor",
    "$where",
    "$expr",
    "$text",
    "$function",
    "$",
    "eq",
    "$inc",
    "$push",
    "$unset",
    "$ref",
    "$EQ",
];
const TEXTS: [&str; 34] = [
    "",
    " ",
    "Fern",
    "fern",
    "wet",
    "5",
    "-0",
    "1e999",
    "NaN",
    "null",
    "true",
    "2026-03-01",
    "2026-02-30",
    "2026-01-15T10:30:00.000Z",
    "0000-00-00",
    "99999-01-01",
    "' OR 1=1 --",
    "\"; DROP TABLE plants; --",
    "%",
    "_",
    "\\",
    "\\%",
    "(",
    "[",
    "(?=a)",
    "a{1,99999}",
    "(a+)+$",
    "\0",
    "\u{FFFF}",
    "\u{1F600}",
    "e\u{301}",
    "\r\n",
    "$userId",
    "../../etc/passwd",
];
const PARAMETERS: [&str; 30] = [
    "page",
    "limit",
    "offset",
    "skip",
    "sortBy",
    "sortDirection",
    "sort",
    "andFilters",
    "orFilters",
    "filter",
    "search",
    "searchType",
    "select",
    "fields",
    "select[]",
    "include",
    "cursor",
    "groupBy",
    "sum",
    "avg",
    "min",
    "max",
    "distinct",
    "all",
    "ifUpdatedAt",
    "apiKey",
    "accessToken",
    "format",
    "mode",
    "%zz",
];
const UPDATES: [&str; 12] = ["$set", "$unset", "$inc", "$mul", "$min", "$max", "$push", "$addToSet", "$pull", "$pop", "$rename", "$currentDate"];

struct Fuzz {
    random: Random,
    publishable: String,
    secret: String,
    token: String,
}

impl Fuzz {
    fn text(&mut self) -> String {
        if self.random.one_in(6) {
            let length = self.random.below(24);
            return (0..length).filter_map(|_| char::from_u32((self.random.next() % 0x11_0000) as u32)).collect();
        }
        if self.random.one_in(60) {
            return "x".repeat(self.random.below(5_000));
        }
        (self.random.pick(&TEXTS)).to_owned()
    }

    fn number(&mut self) -> Value {
        match self.random.below(8) {
            0 => json!(i64::MAX),
            1 => json!(i64::MIN),
            2 => json!(u64::MAX),
            3 => json!(1e308),
            4 => json!(-0.0),
            5 => json!(0.1),
            _ => json!(self.random.below(40) as i64 - 10),
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.random.below(if depth == 0 { 5 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.random.one_in(2)),
            2 => self.number(),
            3 | 4 => json!(self.text()),
            5 | 6 => (0..self.random.below(4)).map(|_| self.value(depth - 1)).collect(),
            7 => Value::Object((0..self.random.below(4)).map(|_| (self.path(), self.value(depth - 1))).collect()),
            _ => Value::Object((0..self.random.below(3)).map(|_| (self.operator(), self.value(depth - 1))).collect()),
        }
    }

    fn path(&mut self) -> String {
        if self.random.one_in(12) { self.text() } else { (self.random.pick(&PATHS)).to_owned() }
    }

    fn operator(&mut self) -> String {
        (self.random.pick(&OPERATORS)).to_owned()
    }

    fn filter(&mut self, depth: usize) -> Value {
        let entries = (0..self.random.below(3) + 1).map(|_| match self.random.below(6) {
            0 if depth > 0 => {
                let logical = self.random.pick(&["$and", "$or", "$nor", "$not"]);
                (logical.to_owned(), (0..self.random.below(3)).map(|_| self.filter(depth - 1)).collect())
            }
            1 => (self.path(), self.value(2)),
            2 if depth > 0 => (self.path(), json!({ "$elemMatch": self.filter(depth - 1) })),
            3 if depth > 0 => (self.path(), json!({ "$not": { self.operator(): self.value(2) } })),
            _ => (self.path(), Value::Object((0..self.random.below(2) + 1).map(|_| (self.operator(), self.value(2))).collect())),
        });
        Value::Object(entries.collect())
    }

    fn parameter(&mut self, name: &str) -> String {
        if self.random.one_in(8) {
            return self.text();
        }
        match name {
            "andFilters" | "orFilters" | "filter" => self.filter(3).to_string(),
            "page" | "limit" | "offset" | "skip" => match self.random.below(3) {
                0 => self.number().to_string(),
                _ => self.random.below(30).to_string(),
            },
            "sort" => format!("{}:{}", self.path(), self.random.pick(&["asc", "desc", "up", ""])),
            "sortDirection" => (self.random.pick(&["asc", "DESC", "", "up", "asc,desc"])).to_owned(),
            "groupBy" => format!("{}{}", self.path(), self.random.pick(&["", ":day", ":week", ":nope", ":"])),
            "cursor" => (self.random.pick(&["", "x", "e30", "eyJ2IjpbXX0", "%"])).to_owned(),
            "include" => format!("{}{}", self.path(), self.random.pick(&["", ":plants", ":nope", ":", ":users"])),
            "all" | "ifUpdatedAt" => self.text(),
            _ => (0..self.random.below(3) + 1).map(|_| self.path()).collect::<Vec<_>>().join(","),
        }
    }

    /// Percent-encoded, now and then wrongly.
    fn encoded(&mut self, text: &str) -> Vec<u8> {
        if self.random.one_in(40) {
            return (0..self.random.below(20)).map(|_| self.random.pick(b"%ZF0&=[]+;{}\"<>\\^`'|~!*()$,:@/?\x80\xff")).collect();
        }
        url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().into_bytes()
    }

    fn query(&mut self) -> Vec<u8> {
        let mut query = Vec::new();
        for at in 0..self.random.below(5) {
            query.push(if at == 0 { b'?' } else { b'&' });
            let name = if self.random.one_in(15) { self.text() } else { (self.random.pick(&PARAMETERS)).to_owned() };
            let value = self.parameter(&name);
            query.extend(self.encoded(&name));
            if matches!(name.as_str(), "filter" | "andFilters" | "orFilters") && self.random.one_in(3) {
                let (path, operator) = (self.path(), self.operator());
                let bracket = self.random.pick(&["[{p}]", "[{p}][{o}]", "[{p}][{o}][]", "[{p}", "[]", "[[{p}]]", "[{p}][{o}][0][1]"]);
                query.extend(self.encoded(&bracket.replace("{p}", &path).replace("{o}", &operator)));
                let text = self.text();
                query.push(b'=');
                query.extend(self.encoded(&text));
                continue;
            }
            if !self.random.one_in(12) {
                query.push(b'=');
                query.extend(self.encoded(&value));
            }
        }
        query
    }

    fn record(&mut self) -> Value {
        let mut record = json!({ "name": self.text() });
        for _ in 0..self.random.below(5) {
            record[self.path()] = self.value(4);
        }
        record
    }

    fn patch(&mut self) -> Value {
        let mut patch = json!({});
        for _ in 0..self.random.below(3) + 1 {
            let operator = (self.random.pick(&UPDATES)).to_owned();
            let operand = match self.random.below(4) {
                0 => json!({ "$each": self.value(2), "$position": self.number(), "$slice": self.number() }),
                1 => self.number(),
                _ => self.value(3),
            };
            match self.random.below(3) {
                0 => patch[operator] = json!({ self.path(): operand }),
                1 => patch[self.path()] = json!({ operator: operand }),
                _ => patch[self.path()] = operand,
            }
        }
        patch
    }

    fn operation(&mut self) -> Value {
        let mut operation = json!({ "op": self.random.pick(&["create", "update", "delete", "upsert", "drop", ""]), "table": self.table() });
        let names = ["id", "data", "match", "set", "setOnInsert", "ifMatch", "as"];
        for name in names {
            if self.random.one_in(2) {
                operation[name] = match self.random.below(6) {
                    0 => json!({ "$ref": self.random.pick(&["a", "a.id", "a.x.y", "", ".", "b"]) }),
                    1 => json!(self.random.pick(&["fern", "ivy", "a"])),
                    2 => self.value(2),
                    3 => self.patch(),
                    _ => self.record(),
                };
            }
        }
        operation
    }

    fn body(&mut self) -> Vec<u8> {
        let value = match self.random.below(9) {
            0 => self.value(5),
            1 => (0..self.random.below(4)).map(|_| self.record()).collect(),
            2 => json!({ "operations": (0..self.random.below(4)).map(|_| self.operation()).collect::<Vec<_>>() }),
            3 => json!({ "match": { self.path(): self.value(1) }, "set": self.patch(), "setOnInsert": self.record() }),
            4 => {
                let name = self.random.pick(&PARAMETERS);
                json!({ name: self.value(3), "andFilters": self.filter(3) })
            }
            5 | 6 => self.patch(),
            _ => self.record(),
        };
        let mut text = value.to_string().into_bytes();
        if self.random.one_in(10) {
            // Cut, damaged or doubled.
            match self.random.below(4) {
                0 => text.truncate(self.random.below(text.len() + 1)),
                1 if !text.is_empty() => {
                    let at = self.random.below(text.len());
                    text[at] = self.random.next() as u8;
                }
                2 => text.extend(text.clone()),
                _ => text = (0..self.random.below(60)).map(|_| self.random.next() as u8).collect(),
            }
        }
        text
    }

    fn headers(&mut self) -> Vec<Vec<u8>> {
        let mut headers: Vec<Vec<u8>> = Vec::new();
        let mut add = |name: &str, value: &[u8]| headers.push([name.as_bytes(), b": ", value].concat());
        match self.random.below(20) {
            0 => {}
            1..=4 => add("X-API-Key", self.publishable.as_bytes()),
            5..=6 => {
                add("X-API-Key", self.publishable.as_bytes());
                add("Authorization", format!("Bearer {}", self.token).as_bytes());
            }
            7 => add("X-API-Key", self.random.pick(&[&b"pk_"[..], b"sk_0", b"", b"\xff\xfe", b"pk_zz", &[b'a'; 3000][..]])),
            8 => add(
                "Authorization",
                self.random.pick(&[&b"Bearer"[..], b"Bearer ", b"Basic eDp5", b"Bearer a.b.c", b"bearer \xff", b"Bearer eyJhbGciOiJub25lIn0.e30."]),
            ),
            9 => add("X-Project-Id", self.random.pick(&[&b"nope"[..], b"", b"\xff"])),
            _ => add("X-API-Key", self.secret.as_bytes()),
        }
        if self.random.one_in(12) {
            let tag: &[u8] = self.random.pick(&[&b"*"[..], b"\"x\"", b"W/\"x\"", b"x", b"", b"\"", b"\"a\",", b"\xff", b"\"a\"b"]);
            add(self.random.pick(&["If-Match", "If-None-Match"]), tag);
        }
        if self.random.one_in(10) {
            add("X-Bkend-Envelope", self.random.pick(&[&b"bare"[..], b"envelope", b"\xff", b""]));
        }
        if self.random.one_in(10) {
            add("Origin", self.random.pick(&[&b"http://localhost:3000"[..], b"null", b"https://evil.test", b"\xff"]));
        }
        if self.random.one_in(20) {
            add("X-Request-Id", self.random.pick(&[&b"mine-1"[..], b"a b", b"\xff", &[b'x'; 400][..]]));
        }
        let kind: &[u8] = match self.random.below(12) {
            0 => self.random.pick(&[&b"text/plain"[..], b"application/xml", b"", b"\xff", b"multipart/form-data", b"text/csv", b"application/x-ndjson"]),
            1 => b"application/json; charset=utf-8",
            _ => b"application/json",
        };
        add("Content-Type", kind);
        headers
    }

    fn table(&mut self) -> &'static str {
        if self.random.one_in(4) { self.random.pick(&ODD_TABLES) } else { "plants" }
    }

    fn target(&mut self) -> Vec<u8> {
        let prefix = self.random.pick(&["/v1/data/", "/v1/data/", "/v1/"]);
        let (table, tail) = (self.table(), self.random.pick(&TAILS));
        if self.random.one_in(25) {
            return (self.random.pick(&[
                &b"/v1/transaction"[..],
                b"/v1/transaction",
                b"/v1/",
                b"/v1",
                b"/v1/data",
                b"/",
                b"/healthz",
                b"/v1/data/../..",
                b"/v1//plants",
                b"/nope",
                b"/v1/changes",
            ]))
            .to_vec();
        }
        let mut target = format!("{prefix}{table}{tail}").into_bytes();
        target.extend(self.query());
        target
    }
}

/// What is wrong with an answer, if anything is.
fn complaint(method: &str, reply: &Reply) -> Option<String> {
    if reply.status >= 500 {
        return Some("a server error".to_owned());
    }
    if reply.header("x-request-id").is_none() {
        return Some("no X-Request-Id".to_owned());
    }
    if method == "HEAD" || matches!(reply.status, 204 | 304 | 307 | 302 | 303) {
        return None;
    }
    let streamed = reply.header("content-type").is_some_and(|kind| !kind.starts_with("application/json"));
    if reply.status < 400 && streamed {
        return None;
    }
    let body: Value = match serde_json::from_slice(&reply.body) {
        Ok(body) => body,
        Err(error) => return Some(format!("the body is no JSON: {error}")),
    };
    if reply.status < 400 {
        return None;
    }
    let union = body["success"] == false
        && body["statusCode"] == reply.status
        && body["message"].as_str().is_some_and(|m| !m.is_empty())
        && body["error"]["message"] == body["message"]
        && body["error"]["code"].as_str().is_some_and(|c| c.split('/').count() == 2)
        && body["requestId"].is_string();
    let leaks =
        ["SQLITE", "sqlite", "SELECT ", "panicked", "/src/", ".rs:"].into_iter().find(|leak| body["message"].as_str().is_some_and(|m| m.contains(leak)));
    match leaks {
        _ if !union => Some("not the error union".to_owned()),
        Some(leak) => Some(format!("the message shows {leak}")),
        None => None,
    }
}

async fn server() -> (TestApp, Fuzz) {
    let app = TestApp::start().await;
    app.table(json!({
        "tableName": "plants",
        "schema": {
            "name": { "type": "string", "required": true, "maxLength": 20000 },
            "height": { "type": "int" },
            "price": "number",
            "tags": ["string"],
            "potted": { "type": "boolean", "default": true },
            "bought": "date",
            "parent": { "type": "reference", "ref": "plants" },
            "care": { "type": "object", "properties": { "water": { "type": "string", "enum": ["low", "high"] } } }
        },
        "permissions": { "user": { "create": true, "read": true, "update": true }, "guest": { "read": true }, "self": { "update": true, "delete": true } }
    }))
    .await;
    app.table(json!({ "tableName": "tags" })).await;
    for (id, name) in [("fern", "Fern"), ("ivy", "Ivy")] {
        app.secret().post("/v1/plants", json!({ "id": id, "name": name, "height": 12, "tags": ["wet"], "bought": "2026-03-01" })).await.assert(201);
    }
    let user = app.user("ana", "user").await;
    let fuzz =
        Fuzz { random: Random::seeded("FUZZ_SEED"), publishable: app.publishable_key.clone(), secret: app.secret_key.clone(), token: user.token.clone() };
    (app, fuzz)
}

#[actix_web::test]
async fn hostile_requests_get_an_error_in_words_and_never_a_5xx() {
    let (app, mut fuzz) = server().await;
    let count = std::env::var("FUZZ_REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(REQUESTS);
    let mut wire = Wire::open(app.port()).await.unwrap();
    let (mut complaints, mut statuses) = (Vec::new(), std::collections::BTreeMap::<u16, usize>::new());
    for number in 0..count {
        let method = if fuzz.random.one_in(4) { fuzz.random.pick(&METHODS) } else { fuzz.random.pick(&METHODS[..3]) };
        let (target, headers) = (fuzz.target(), fuzz.headers());
        // Streams have no end to wait for.
        if target.windows(8).any(|w| w == b"/changes") {
            continue;
        }
        let body = (matches!(method, "POST" | "PATCH" | "PUT") || fuzz.random.one_in(10)).then(|| fuzz.body());
        let bytes = request(method, &target, &headers, body.as_deref());
        let found = match wire.exchange(&bytes, method != "HEAD").await {
            Ok(reply) => {
                *statuses.entry(reply.status).or_default() += 1;
                let found = complaint(method, &reply).map(|why| format!("{why}: {} {}", reply.status, String::from_utf8_lossy(&reply.body)));
                if reply.header("connection").is_some_and(|c| c.eq_ignore_ascii_case("close")) {
                    wire = Wire::open(app.port()).await.unwrap();
                }
                found
            }
            Err(error) => {
                wire = Wire::open(app.port()).await.unwrap();
                Some(format!("the connection was dropped: {error}"))
            }
        };
        if let Some(found) = found {
            complaints.push(format!("#{number} {}\n  -> {found}", String::from_utf8_lossy(&bytes)));
        }
    }
    println!("{statuses:?}");
    assert!(complaints.is_empty(), "{} of {count} answers are wrong:\n{}", complaints.len(), complaints[..complaints.len().min(60)].join("\n\n"));
    assert!(statuses.get(&200).copied().unwrap_or(0) > count / 20, "hardly anything got through to the queries: {statuses:?}");
    // It still works afterwards.
    app.secret().get("/v1/plants/count").await.assert(200);
}

#[actix_web::test]
async fn random_queries_see_the_same_records_as_list_count_and_aggregate() {
    let (app, mut fuzz) = server().await;
    let client = app.secret();
    for i in 0..60u32 {
        let (tags, hue) = (&["wet", "dry", "shade"][..i as usize % 4], (i % 3 > 0).then_some("green"));
        let record = json!({ "name": format!("P{i}"), "height": i % 7, "price": f64::from(i) / 4.0, "tags": tags, "hue": hue });
        client.post("/v1/plants", record).await.assert(201);
    }
    for _ in 0..400 {
        let body = json!({ "andFilters": fuzz.filter(3), "limit": 100 });
        let (list, count) = (client.post("/v1/plants/query", body.clone()).await, client.post("/v1/plants/count", body.clone()).await);
        assert_eq!(list.status, count.status, "{body}: {} {}", list.text, count.text);
        if list.status != 200 {
            continue;
        }
        let grouped = client.post("/v1/plants/aggregate", json!({ "andFilters": body["andFilters"] })).await.assert(200);
        let total = &list.body["pagination"]["total"];
        assert_eq!((total, total), (&count.body["count"], &grouped["items"][0]["count"]), "{body}");
        assert_eq!(list.body["items"].as_array().unwrap().len() as u64, total.as_u64().unwrap().min(100), "{body}");
    }
}
