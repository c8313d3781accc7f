//! One line of CSV (RFC 4180) into its cells, strictly.
//!
//! It is apart, and our own, because a lenient reader is worse than none where the cells are money: a quote that is never
//! closed would swallow the lines below it. A cell may be quoted and hold commas and doubled quotes, but no line break.

/// The cells of a line; else what is wrong with it.
pub(super) fn cells(line: &str) -> Result<Vec<String>, String> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => self::quoted(quoted, cells.len() + 1)?,
            None => plain(rest, cells.len() + 1)?,
        };
        cells.push(cell);
        match after {
            Some(after) => rest = after,
            None => return Ok(cells),
        }
    }
}

/// A cell, and what stands after the comma that ends it.
type Cell<'a> = (String, Option<&'a str>);

fn plain(rest: &str, place: usize) -> Result<Cell<'_>, String> {
    let (cell, after) = match rest.split_once(',') {
        Some((cell, after)) => (cell, Some(after)),
        None => (rest, None),
    };
    if cell.contains('"') {
        return Err(format!("cell {place}: a quote in the middle: quote the whole cell, and double the quotes in it"));
    }
    Ok((cell.to_owned(), after))
}

fn quoted(mut rest: &str, place: usize) -> Result<Cell<'_>, String> {
    let mut cell = String::new();
    loop {
        let Some((text, after)) = rest.split_once('"') else {
            return Err(format!("cell {place}: the quote is not closed in its line"));
        };
        cell.push_str(text);
        match after.as_bytes().first() {
            Some(b'"') => {
                cell.push('"');
                rest = &after[1..];
            }
            Some(b',') => return Ok((cell, Some(&after[1..]))),
            None => return Ok((cell, None)),
            Some(_) => return Err(format!("cell {place}: something stands after its closing quote")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_its_cells() {
        for (line, expected) in [
            ("", Ok(&[""][..])),
            ("a,b", Ok(&["a", "b"])),
            ("a,,", Ok(&["a", "", ""])),
            (r#""a, b",c"#, Ok(&["a, b", "c"])),
            (r#""say ""hi""","""""#, Ok(&[r#"say "hi""#, "\""])),
            (r#""",x"#, Ok(&["", "x"])),
            (" a , b", Ok(&[" a ", " b"])),
            (r#"a,"b"#, Err("cell 2: the quote is not closed in its line")),
            (r#"a"b,c"#, Err("cell 1: a quote in the middle: quote the whole cell, and double the quotes in it")),
            (r#""a"b,c"#, Err("cell 1: something stands after its closing quote")),
        ] {
            let expected = expected.map(|cells| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
            assert_eq!(cells(line), expected.map_err(str::to_owned), "{line}");
        }
    }
}
