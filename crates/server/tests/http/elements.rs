//! The balance element as the server gives it away, and as a package.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::world::World;

/// Bytes of the element as browsers get it compressed: less than this.
const GZIPPED_MAX: usize = 8_000;

fn package_file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../sdk/balance-element").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[tokio::test]
async fn any_page_may_load_the_element_and_keep_it() {
    let world = World::new().await;
    let newest = world.call("GET", "/elements/scrip-balance.js").empty().await;
    assert_eq!((newest.status, newest.header("cache-control")), (302, Some("no-cache")));
    let element = world.call("GET", newest.header("location").expect("where it is")).empty().await;
    assert_eq!(element.status, 200);
    assert_eq!(element.text(), package_file("scrip-balance.js"));
    assert_eq!(element.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(element.header("cache-control"), Some("public, max-age=31536000, immutable"));
    for answer in [&newest, &element] {
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("cross-origin"));
    }
    let older = world.call("GET", "/elements/scrip-balance-0123456789abcdef.js").empty().await;
    assert_eq!((older.status, older.header("cache-control")), (404, Some("no-store")));
}

#[test]
fn the_element_is_small() {
    let mut gzip = Command::new("gzip")
        .args(["--best", "--stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip is there");
    let mut input = gzip.stdin.take().expect("it is piped");
    input.write_all(package_file("scrip-balance.js").as_bytes()).expect("gzip reads");
    drop(input);
    let length = gzip.wait_with_output().expect("gzip ends").stdout.len();
    assert!((1..GZIPPED_MAX).contains(&length), "{length} bytes compressed");
}

/// A server that renders pages imports the module too: nothing may need a browser before an element is made.
#[test]
fn the_module_can_be_imported_without_a_browser() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../sdk/balance-element");
    let script = "import('./scrip-balance.js').then((module) => console.log(Object.keys(module).join()))";
    let ran = Command::new("node").args(["--eval", script]).current_dir(folder).output().expect("node is there");
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), "ScripBalance", "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn the_package_is_of_this_version_and_depends_on_nothing() {
    let package: Value = serde_json::from_str(&package_file("package.json")).expect("it is JSON");
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    for kind in ["dependencies", "peerDependencies", "devDependencies", "scripts"] {
        assert_eq!(package[kind], Value::Null, "{kind}");
    }
    for file in package["files"].as_array().expect("files") {
        assert!(!package_file(file.as_str().expect("a name")).is_empty());
    }
}

/// Every word that the element says can be changed, and every attribute is in the reader's page.
#[test]
fn the_types_and_the_page_know_what_the_module_knows() {
    let module = package_file("scrip-balance.js");
    let (types, page) = (package_file("scrip-balance.d.ts"), package_file("README.md"));
    let words = module.split("const WORDS = {").nth(1).and_then(|rest| rest.split("\n};").next()).expect("the words");
    let names: Vec<&str> =
        words.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": ")).map(|(name, _)| name).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(types.contains(&format!("  {name}: ")), "{name} has no type");
    }
    let attributes =
        module.split("observedAttributes = [").nth(1).and_then(|rest| rest.split(']').next()).expect("attributes");
    for attribute in attributes.split(", ") {
        assert!(page.contains(&format!("`{}`", attribute.trim_matches('\''))), "{attribute} is not in the page");
    }
    for variable in module.split("var(").skip(1).filter_map(|rest| rest.split([',', ')']).next()) {
        assert!(page.contains(&format!("`{variable}`")), "{variable} is not in the page");
    }
}
