//! Which indexes SQLite takes for compiled queries.

use serde_json::{Value, json};

use super::super::ast::{Filter, Kind, Order, Test};
use super::super::list::{Query, sort_expr, unique_expr};
use super::{Table, path, shape, sort};

fn orders() -> Table {
    let docs: Vec<Value> =
        (0..50).map(|n| json!({"status": if n % 5 == 0 { "open" } else { "done" }, "n": n, "ship": {"city": format!("c{n}")}, "hue": n % 7})).collect();
    let table = Table::of(shape(&[("status", Kind::String), ("n", Kind::Int), ("ship", Kind::Any)], &[("ship.city", Kind::String)]), &docs);
    let city = sort_expr(&table.shape, &path("ship.city")).unwrap();
    let hue = unique_expr(&table.shape, &path("hue")).unwrap();
    let sorted = sort_expr(&table.shape, &path("hue")).unwrap();
    table
        .db
        .execute_batch(&format!(
            "CREATE INDEX by_status ON \"t \"\"1\"\"\" (c0_status, created_at DESC, id DESC);
             CREATE INDEX by_n ON \"t \"\"1\"\"\" (c1_n, id);
             CREATE INDEX by_city ON \"t \"\"1\"\"\" ({city});
             CREATE INDEX by_hue ON \"t \"\"1\"\"\" ({sorted}, id);
             CREATE INDEX key_hue ON \"t \"\"1\"\"\" ({hue});"
        ))
        .unwrap();
    table
}

fn plan(table: &Table, filter: &Filter, keys: &str, walking: bool) -> String {
    let keys = sort(keys);
    let query = Query { shape: &table.shape, filter, search: None, sort: &keys };
    let bytes = table.records[20].bytes();
    let position = walking.then(|| query.position(&table.records[20].row(&bytes)));
    let sql = query.list_sql(position.as_ref(), 20, 0);
    let mut statement = table.db.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.text())).unwrap();
    let lines: Vec<String> = statement.query_map(sql.params(), |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap();
    lines.join("; ")
}

#[test]
fn plain_conditions_and_orders_use_indexes() {
    let table = orders();
    let open = Filter::eq("status", "open");
    let field = |name: &str, test| Filter::Field(path(name), test);
    for (filter, keys, walking, index) in [
        (&open, "-createdAt", false, "by_status (c0_status=?)"),
        (&open, "-createdAt", true, "by_status (c0_status=? AND created_at<?)"),
        (&Filter::all(), "n", false, "SCAN t \"1\" USING INDEX by_n"),
        (&Filter::all(), "n", true, "by_n (c1_n>?)"),
        (&field("n", Test::Between(json!(3), json!(9))), "n", false, "by_n (c1_n>? AND c1_n<?)"),
        (&field("n", Test::Cmp(Order::Gt, json!(3))), "n", false, "by_n (c1_n>?)"),
        (&field("status", Test::StartsWith("op".to_owned())), "status", false, "by_status (c0_status>? AND c0_status<?)"),
        (&field("status", Test::In(vec![json!("open"), json!("new")])), "", false, "by_status (c0_status=?)"),
        (&field("ship.city", Test::Eq(json!("c3"))), "-createdAt", false, "by_city (<expr>=?)"),
        (&Filter::all(), "hue", false, "by_hue"),
        (&Filter::eq("id", "r03"), "", false, "(id=?)"),
        (&Filter::all(), "", true, "(id<?)"),
        (&Filter::And(vec![open.clone(), field("tags", Test::Exists)]), "-createdAt", false, "by_status (c0_status=?)"),
    ] {
        let plan = plan(&table, filter, keys, walking);
        assert!(plan.contains(index), "{filter:?} by {keys}: {plan}");
    }
    let plan = plan(&table, &open, "-createdAt", false);
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}
