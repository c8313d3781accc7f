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

/// As it is packed, and as somebody who installs it gets it: nothing more, the licence with it, and every link leads somewhere.
#[test]
fn the_package_is_whole_when_it_is_packed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../sdk/balance-element");
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("balance-element-{}", std::process::id()));
    std::fs::create_dir_all(&place).expect("a folder for temporary files");
    let run = |program: &str, arguments: &[&str], folder: &PathBuf| {
        let ran = Command::new(program).args(arguments).current_dir(folder).output();
        let ran = ran.unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(ran.status.success(), "{program}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).expect("it says text")
    };
    let there = place.to_str().expect("the target folder's name is text");
    let told: Value =
        serde_json::from_str(&run("npm", &["pack", "--json", "--pack-destination", there], &folder)).expect("JSON");
    let files: Vec<&str> =
        told[0]["files"].as_array().expect("files").iter().filter_map(|one| one["path"].as_str()).collect();
    assert_eq!(files, ["LICENSE", "README.md", "package.json", "scrip-balance.d.ts", "scrip-balance.js"]);
    assert_eq!(package_file("LICENSE"), package_file("../../LICENSE"));
    // A page on npm has nothing around it.
    let links: Vec<String> = package_file("README.md").split("](").skip(1).map(str::to_owned).collect();
    for link in links {
        assert!(link.starts_with("https://") || link.starts_with('#'), "{link}");
    }
    let package: Value = serde_json::from_str(&package_file("package.json")).expect("it is JSON");
    assert_eq!(package["license"], env!("CARGO_PKG_LICENSE"));
    let known = Some(env!("CARGO_PKG_REPOSITORY")).filter(|address| !address.is_empty());
    assert_eq!(package["repository"]["url"].as_str(), known, "as the project itself says");
    let packed = told[0]["filename"].as_str().expect("a name");
    std::fs::write(place.join("package.json"), r#"{"private": true}"#).expect("it can be written");
    run("npm", &["install", "--offline", "--no-audit", "--no-fund", &format!("./{packed}")], &place);
    let imported = run(
        "node",
        &["--eval", "import('scrip-balance').then((module) => console.log(Object.keys(module).join()))"],
        &place,
    );
    assert_eq!(imported.trim(), "ScripBalance");
    std::fs::remove_dir_all(place).expect("it is ours");
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
