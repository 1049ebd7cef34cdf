//! Which part of a picture is kept when its shape changes.

/// A part of a picture, in pixels of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Part {
    /// The largest part of the shape `to` in the middle of a picture of the size `from`.
    pub fn middle(from: (u32, u32), to: (u32, u32)) -> Self {
        let (width, height) = (f64::from(from.0), f64::from(from.1));
        let ratio = f64::from(to.0) / f64::from(to.1);
        let (part_width, part_height) = if width / height > ratio { (height * ratio, height) } else { (width, width / ratio) };
        Self { left: (width - part_width) / 2.0, top: (height - part_height) / 2.0, width: part_width, height: part_height }
    }

    /// The part of the same size that holds the most detail; `luma` is the picture made small, in shades of grey.
    #[must_use]
    pub fn towards_detail(self, from: (u32, u32), luma: &[u8], luma_size: (usize, usize)) -> Self {
        let (columns, rows) = luma_size;
        let moves_across = self.width < f64::from(from.0);
        let (lines, full, wanted) = if moves_across { (columns, f64::from(from.0), self.width) } else { (rows, f64::from(from.1), self.height) };
        let window = ((wanted / full * lines as f64).round() as usize).clamp(1, lines.max(1));
        let at = densest(&detail_per_line(luma, luma_size, moves_across), window);
        let offset = (at as f64 / lines as f64 * full).clamp(0.0, full - wanted);
        if moves_across { Self { left: offset, ..self } } else { Self { top: offset, ..self } }
    }
}

/// How much neighbouring pixels differ, added up for each column, or for each row.
fn detail_per_line(luma: &[u8], (columns, rows): (usize, usize), by_column: bool) -> Vec<u64> {
    let mut sums = vec![0; if by_column { columns } else { rows }];
    let at = |x: usize, y: usize| i32::from(luma[y * columns + x]);
    for y in 0..rows {
        for x in 0..columns {
            let across = at((x + 1).min(columns - 1), y) - at(x, y);
            let down = at(x, (y + 1).min(rows - 1)) - at(x, y);
            sums[if by_column { x } else { y }] += u64::from(across.unsigned_abs() + down.unsigned_abs());
        }
    }
    sums
}

/// Where the window with the largest sum begins; among equal ones the one nearest to the middle.
fn densest(sums: &[u64], window: usize) -> usize {
    let last = sums.len().saturating_sub(window);
    let mut sum: u64 = sums.iter().take(window).sum();
    let mut best = (0, sum);
    for at in 1..=last {
        sum = sum + sums[at + window - 1] - sums[at - 1];
        let from_middle = |at: usize| (2 * at).abs_diff(last);
        if sum > best.1 || (sum == best.1 && from_middle(at) < from_middle(best.0)) {
            best = (at, sum);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_has_the_shape_asked_for() {
        assert_eq!(Part::middle((400, 100), (100, 100)), Part { left: 150.0, top: 0.0, width: 100.0, height: 100.0 });
        assert_eq!(Part::middle((100, 400), (200, 100)), Part { left: 0.0, top: 175.0, width: 100.0, height: 50.0 });
    }

    #[test]
    fn the_part_moves_to_where_the_detail_is() {
        let mut luma = vec![128; 40 * 10];
        for y in 0..10 {
            for x in 30..38 {
                luma[y * 40 + x] = if (x + y) % 2 == 0 { 255 } else { 0 };
            }
        }
        let part = Part::middle((400, 100), (100, 100)).towards_detail((400, 100), &luma, (40, 10));
        assert!((280.0..=300.0).contains(&part.left) && part.top == 0.0 && part.width == 100.0, "{part:?}");
    }

    #[test]
    fn a_picture_without_detail_keeps_its_middle() {
        let part = Part::middle((400, 100), (100, 100));
        assert_eq!(part.towards_detail((400, 100), &[7; 400], (40, 10)), part);
    }
}
