//! The table that is printed.

#[derive(Default)]
pub struct Report(Vec<[String; 5]>);

impl Report {
    /// Ours beside the raw limit: their ratio is to reach `goal`.
    pub fn at_least(&mut self, what: &str, ours: f64, raw: f64, unit: &str, goal: f64) {
        let ratio = ours / raw;
        println!("{what}: {ours:.0}{unit}, raw {raw:.0}{unit}");
        let verdict = if ratio >= goal { "reached" } else { "MISSED" };
        self.0.push([what.into(), format!("{ours:.0} {unit}"), format!("{raw:.0} {unit}"), format!("{ratio:.2}"), format!("≥ {goal} {verdict}")]);
    }

    /// Two figures without a goal.
    pub fn beside(&mut self, what: &str, ours: f64, other: f64, unit: &str) {
        println!("{what}: {ours:.2} {unit}, {other:.2} {unit}");
        self.0.push([what.into(), format!("{ours:.2} {unit}"), format!("{other:.2} {unit}"), format!("{:.2}", ours / other), "–".into()]);
    }

    /// A size or a time that is to stay below `goal`.
    pub fn at_most(&mut self, what: &str, ours: f64, unit: &str, goal: f64) {
        println!("{what}: {ours:.1} {unit}");
        let verdict = if ours <= goal { "reached" } else { "MISSED" };
        self.0.push([what.into(), format!("{ours:.1} {unit}"), "–".into(), "–".into(), format!("≤ {goal} {unit} {verdict}")]);
    }

    pub fn print(&self) {
        let head = ["what", "ours", "raw limit", "ratio", "goal"].map(str::to_owned);
        table(std::iter::once(&head).chain(&self.0).map(|row| row.as_slice()));
    }
}

/// Prints rows, the first of which is the head, in aligned columns.
pub fn table<'a>(rows: impl Iterator<Item = &'a [String]>) {
    let rows: Vec<&[String]> = rows.collect();
    let widths: Vec<usize> = (0..rows[0].len()).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
    println!();
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("| {} |", cells.join(" | "));
        if number == 0 {
            println!("|{}|", widths.iter().map(|width| "-".repeat(width + 2)).collect::<Vec<_>>().join("|"));
        }
    }
}
