//! Tables for people: columns as wide as what stands in them.

/// Lines of a table under its headings. What comes from elsewhere is shown without control characters; the last column is not
/// filled up.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let shown: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let width = |column: usize| {
        let cells = shown.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(headings.to_vec())];
    lines.extend(shown.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

/// A text on one line, and nothing that a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_controls_are_no_part_of_them() {
        let rows = [vec!["zürich".to_owned(), "a\u{1b}[2Jb".to_owned()], vec!["x".to_owned(), String::new()]];
        assert_eq!(table(&["NAME", "ERROR"], &rows), "NAME    ERROR\nzürich  a [2Jb\nx");
    }
}
