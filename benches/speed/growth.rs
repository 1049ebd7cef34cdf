//! (g) What a table's growth does to single requests: the median time of each, one client, by the size of the table.

use super::load;
use super::report;
use super::seed::{self, Seeded};
use super::server::{Running, get, post};

pub struct Growth(Vec<Vec<String>>);

pub fn measure(seeded: &Seeded) -> Growth {
    let server = Running::start(seeded);
    let mut rows = vec![["rows", "create", "read", "indexed list", "unindexed filter", "search"].map(str::to_owned).to_vec()];
    for (table, size) in &seeded.tables {
        let list = |query: &str| get(&format!("/v1/{table}?{query}"), seeded);
        let page = load::one(server.port, &list("limit=100"));
        let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
        let ids: Vec<String> = page["items"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect();
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let cells = [
            median(&server, (0..100).map(|i| post(&format!("/v1/{table}"), &seed::record(i).to_string(), seeded)).collect()),
            median(&server, ids.iter().map(|id| get(&format!("/v1/{table}/{id}"), seeded)).collect()),
            median(&server, (1..=20).map(|page| list(&format!("andFilters={}&sortBy=views&page={page}", encode(r#"{"state":"live"}"#)))).collect()),
            median(&server, (0..3).map(|i| list(&format!("andFilters={}", encode(&format!(r#"{{"score":{{"$gt":{}}}}}"#, 120 + i))))).collect()),
            median(&server, (0..3).map(|i| list(&format!("search=word{}", 7 + i))).collect()),
        ];
        rows.push(std::iter::once(size.to_string()).chain(cells).collect());
    }
    Growth(rows)
}

fn median(server: &Running, requests: Vec<Vec<u8>>) -> String {
    let mut times: Vec<f64> = load::many(server.port, &requests).into_iter().map(|(_, took)| took.as_secs_f64() * 1000.0).collect();
    times.sort_by(f64::total_cmp);
    format!("{:.2} ms", times[times.len() / 2])
}

impl Growth {
    pub fn print(&self) {
        report::table(self.0.iter().map(Vec::as_slice));
    }
}
