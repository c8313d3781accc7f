//! Which crate may know which: a table, compared with the real manifests.
//!
//! It is the architecture in a form that cannot drift: an arrow that is not here fails the check,
//! and so does a crate that nobody entered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::steps;

/// What a crate may depend on, of this workspace.
struct Allowed {
    krate: &'static str,
    /// In what is shipped.
    normal: &'static [&'static str],
    /// In its tests besides.
    tests: &'static [&'static str],
}

const ALLOWED: &[Allowed] = &[
    Allowed { krate: "scrip-core", normal: &[], tests: &[] },
    Allowed { krate: "scrip-engine", normal: &["scrip-core"], tests: &[] },
    Allowed { krate: "scrip-store-sqlite", normal: &["scrip-core", "scrip-engine"], tests: &[] },
    // Its own harness, for its tests.
    Allowed {
        krate: "scrip-store-postgres",
        normal: &["scrip-core", "scrip-engine"],
        tests: &["scrip-store-postgres"],
    },
    Allowed { krate: "scrip-api", normal: &["scrip-core"], tests: &[] },
    // The client and the test provider: neither knows the other, but the provider's tests call it with the client.
    Allowed { krate: "scrip-stripe", normal: &[], tests: &[] },
    Allowed { krate: "scrip-oidc", normal: &[], tests: &[] },
    Allowed { krate: "scrip-till", normal: &[], tests: &["scrip-stripe"] },
    // An example of a studio: it has scrip's address and nothing of scrip.
    Allowed { krate: "scrip-studio", normal: &[], tests: &[] },
    Allowed {
        krate: "scrip-server",
        normal: &["scrip-core", "scrip-engine", "scrip-api", "scrip-stripe", "scrip-oidc"],
        tests: &["scrip-till", "scrip-sim", "scrip-store-postgres"],
    },
    Allowed {
        krate: "scrip",
        normal: &[
            "scrip-core",
            "scrip-engine",
            "scrip-store-sqlite",
            "scrip-store-postgres",
            "scrip-api",
            "scrip-server",
            "scrip-stripe",
            "scrip-oidc",
            "scrip-till",
            "scrip-web",
            "scrip-studio",
        ],
        tests: &["scrip-sim"],
    },
    // Pages ask the API in-process, as any caller would: no server, no engine.
    Allowed { krate: "scrip-web", normal: &["scrip-core", "scrip-api"], tests: &[] },
    Allowed {
        krate: "scrip-sim",
        normal: &["scrip-core", "scrip-engine", "scrip-store-sqlite"],
        tests: &["scrip-store-postgres"],
    },
    Allowed { krate: "xtask", normal: &[], tests: &[] },
];

/// Every edge that the table does not allow, and every crate that it does not know.
pub(crate) fn problems() -> Vec<String> {
    let output = match steps::command(&["metadata", "--format-version", "1", "--no-deps"]).output() {
        Ok(output) if output.status.success() => output,
        Ok(output) => return vec![format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr))],
        Err(error) => return vec![format!("cargo metadata: {error}")],
    };
    match serde_json::from_slice(&output.stdout) {
        Ok(metadata) => compare(&metadata),
        Err(error) => vec![format!("cargo metadata: {error}")],
    }
}

fn compare(metadata: &Value) -> Vec<String> {
    let packages: Vec<&Value> = metadata["packages"].as_array().into_iter().flatten().collect();
    let ours: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let table: BTreeMap<&str, &Allowed> = ALLOWED.iter().map(|allowed| (allowed.krate, allowed)).collect();
    let mut problems = Vec::new();
    for package in &packages {
        let name = package["name"].as_str().unwrap_or("?");
        let Some(allowed) = table.get(name) else {
            problems.push(format!("{name} is not in the table of xtask/src/edges.rs: enter what it may depend on"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or("?");
            let only_tests = dependency["kind"] == "dev";
            let fine = allowed.normal.contains(&to) || (only_tests && allowed.tests.contains(&to));
            if ours.contains(to) && !fine {
                problems.push(format!(
                    "{name} must not know {to}: the arrows of ARCHITECTURE.md do not allow it (xtask/src/edges.rs)"
                ));
            }
        }
    }
    for gone in table.keys().filter(|name| !ours.contains(*name)) {
        problems.push(format!("{gone} is in the table of xtask/src/edges.rs but not in the workspace"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workspace_with(extra: Value) -> Value {
        let mut packages: Vec<Value> = ALLOWED
            .iter()
            .filter(|allowed| extra["name"] != allowed.krate)
            .map(|allowed| json!({"name": allowed.krate, "dependencies": []}))
            .collect();
        packages.push(extra);
        json!({ "packages": packages })
    }

    #[test]
    fn an_arrow_the_wrong_way_is_found() {
        let engine = json!({"name": "scrip-engine", "dependencies": [
            {"name": "scrip-core", "kind": null}, {"name": "serde", "kind": null}, {"name": "scrip-server", "kind": null}]});
        let problems = compare(&workspace_with(engine));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("scrip-engine must not know scrip-server"), "{problems:?}");
    }

    #[test]
    fn a_crate_that_nobody_entered_is_found() {
        let problems = compare(&workspace_with(json!({"name": "scrip-extra", "dependencies": []})));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("scrip-extra is not in the table"), "{problems:?}");
    }
}
