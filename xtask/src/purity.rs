//! What sources must not say: no clocks, floats, chance, I/O or unordered maps in the core, and no
//! reading of the date outside the engine's clock. A plain scan for words: cheap, and it reads the
//! code that macros and features hide from lints.

use std::path::{Path, PathBuf};

/// A word that a folder's sources must not contain.
struct Banned {
    word: &'static str,
    why: &'static str,
}

const IN_CORE: &[Banned] = &[
    Banned { word: "f32", why: "credits and prices are exact (R1, R2)" },
    Banned { word: "f64", why: "credits and prices are exact (R1, R2)" },
    Banned { word: "HashMap", why: "its order differs from run to run: use BTreeMap or a sorted Vec" },
    Banned { word: "HashSet", why: "its order differs from run to run: use BTreeSet or a sorted Vec" },
    Banned { word: "SystemTime", why: "the rules take time as an argument (R33)" },
    Banned { word: "Instant::now", why: "the rules take time as an argument (R33)" },
    Banned { word: "std::time", why: "the rules take time as an argument (R33)" },
    Banned { word: "Timestamp::now", why: "the rules take time as an argument (R33)" },
    Banned { word: "Zoned::now", why: "the rules take time as an argument (R33)" },
    Banned { word: "TimeZone::system", why: "the rules read nothing from the machine" },
    Banned { word: "rand", why: "ids are derived, salts are arguments" },
    Banned { word: "getrandom", why: "ids are derived, salts are arguments" },
    Banned { word: "RandomState", why: "no chance in the rules" },
    Banned { word: "std::fs", why: "no I/O in the rules" },
    Banned { word: "std::net", why: "no I/O in the rules" },
    Banned { word: "std::env", why: "the rules read nothing from the machine" },
    Banned { word: "std::process", why: "the rules read nothing from the machine" },
    Banned { word: "std::thread", why: "the rules are single-threaded and synchronous" },
    Banned { word: "async", why: "the rules are synchronous" },
];

const IN_ALL_BUT_THE_CLOCK: &[Banned] = &[
    Banned { word: "SystemTime", why: "the engine's clock is the only one (R33)" },
    Banned { word: "Timestamp::now", why: "the engine's clock is the only one (R33)" },
    Banned { word: "Zoned::now", why: "the engine's clock is the only one (R33)" },
];

/// Every banned word in the workspace's shipped sources.
pub(crate) fn problems(workspace: &Path) -> Vec<String> {
    let clock = workspace.join("crates/engine/src/clock.rs");
    let core = workspace.join("crates/core/src");
    let mut problems = Vec::new();
    let mut sources = Vec::new();
    if let Err(error) = collect(&workspace.join("crates"), &mut sources) {
        problems.push(format!("crates: {error}"));
    }
    for path in sources {
        let banned = if path.starts_with(&core) {
            IN_CORE
        } else if path == clock {
            continue;
        } else {
            IN_ALL_BUT_THE_CLOCK
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => problems.extend(found(&text, banned).map(|(line, banned)| {
                let path = path.strip_prefix(workspace).unwrap_or(&path).display();
                format!("{path}:{line}: {}: {}", banned.word, banned.why)
            })),
            Err(error) => problems.push(format!("{}: {error}", path.display())),
        }
    }
    problems
}

/// The Rust sources beneath a folder, in order; tests and benches of a crate are not shipped and not read.
fn collect(folder: &Path, sources: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if !path.ends_with("tests") && !path.ends_with("benches") {
                collect(&path, sources)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
    Ok(())
}

/// Lines (from 1) with a banned word outside comments.
fn found<'a>(text: &'a str, banned: &'a [Banned]) -> impl Iterator<Item = (usize, &'a Banned)> {
    text.lines().enumerate().flat_map(move |(index, line)| {
        let code = line.split("//").next().unwrap_or(line);
        banned.iter().filter(move |banned| says(code, banned.word)).map(move |banned| (index + 1, banned))
    })
}

/// Whether `word` stands in `code` on its own, not as a part of a longer name.
fn says(code: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].chars().next_back().is_some_and(part_of_name)
            && !code[at + word.len()..].chars().next().is_some_and(part_of_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_where_they_stand_alone() {
        for (code, found_words) in [
            ("let x: f64 = 1.0;", vec!["f64"]),
            ("// an f64 would round", vec![]),
            ("let operand = 1;", vec![]),
            ("use std::collections::{BTreeMap, HashMap};", vec!["HashMap"]),
            ("jiff::Timestamp::now()", vec!["Timestamp::now"]),
            ("let last_f64_free = 2;", vec![]),
        ] {
            let words: Vec<_> = found(code, IN_CORE).map(|(_, banned)| banned.word).collect();
            assert_eq!(words, found_words, "{code}");
        }
    }
}
