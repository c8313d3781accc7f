//! `scrip catalog check|diff|publish`, and catalogs given at start.

use std::path::Path;

use crate::support::{Server, run, shipped, succeed};

/// A studio's catalog with a piece of its text replaced, as a file.
fn changed(folder: &Path, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(shipped("studiotwin")).expect("the catalog is there");
    assert!(text.contains(from), "the catalog does not say {from}");
    let path = folder.join("changed.toml");
    std::fs::write(&path, text.replacen(from, to, 1)).expect("it can be written");
    path.display().to_string()
}

/// The world at 81 credits instead of 80, its example with it.
fn dearer(folder: &Path) -> String {
    changed(
        folder,
        "rate.flat = 80\nrate.examples = [{ credits = 80 }]",
        "rate.flat = 81\nrate.examples = [{ credits = 81 }]",
    )
}

/// The line of the shipped catalog on which a text first stands.
fn line_of(text: &str) -> usize {
    let catalog = std::fs::read_to_string(shipped("studiotwin")).expect("the catalog is there");
    catalog.lines().position(|line| line.contains(text)).expect("it says so") + 1
}

#[test]
fn the_shipped_catalogs_are_right() {
    for (studio, counts) in
        [("flow-studio", "5 tools, 2 plans, 0 packages"), ("studiotwin", "11 tools, 3 plans, 3 packages")]
    {
        let text = succeed(&["catalog", "check", &shipped(studio)]);
        assert!(text.contains(&format!("{studio} is right: {counts}")), "{text}");
    }
}

/// R5, R6: refused whole, with line and column, and for an example what was expected and got.
#[test]
fn a_broken_catalog_is_refused_where_it_is_broken() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (from, to, says) in [
        ("rate.flat = 80", "rate.flat = 81", &["80", "81"][..]),
        ("width * height / 1048576", "width * heigth / 1048576", &["heigth"]),
        ("2 + 10 * megapixels", "2 - 10 * megapixels", &["max(0"]),
        ("rate.flat = 5", "rate.flat = five", &[]),
        ("rate.flat = 5", "rate.flat = 1e400", &[]),
    ] {
        let file = changed(folder.path(), from, to);
        let ran = run(&["catalog", "check", &file]);
        assert_eq!(ran.code, Some(1), "{to}: {ran:?}");
        let place = ran.stderr.strip_prefix(&format!("scrip: {file}:")).unwrap_or_else(|| panic!("{to}: {ran:?}"));
        let numbers: Vec<usize> = place.split(':').map_while(|number| number.parse().ok()).collect();
        let [line, _] = numbers.as_slice() else { panic!("{to}: no line and column in {ran:?}") };
        let near = line_of(from).abs_diff(*line);
        assert!(near <= 3, "{to}: line {} in {ran:?}", line_of(from));
        assert!(says.iter().all(|word| ran.stderr.contains(word)), "{to}: {says:?} in {ran:?}");
    }
}

#[test]
fn a_difference_is_said_in_prices() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (old, new) = (shipped("studiotwin"), dearer(folder.path()));
    assert!(succeed(&["catalog", "diff", &old, &new]).contains("80 → 81"));
    assert_eq!(succeed(&["catalog", "diff", &old, &old]), "no difference\n");
}

/// R7, through the socket of a running server and without one.
#[test]
fn a_catalog_is_published_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let new = dearer(folder.path());
    let publish = |file: &str| run(&["catalog", "publish", "--data", &data.display().to_string(), file]);
    let first = publish(&shipped("studiotwin"));
    assert_eq!((first.code, first.stdout.as_str()), (Some(0), "studiotwin: version 1 is in force\n"), "{first:?}");
    let server = Server::start(&data, &["--keys", "studiotwin=sk_b"]);
    let second = publish(&new);
    assert_eq!((second.code, second.stdout.as_str()), (Some(0), "studiotwin: version 2 is in force\n"), "{second:?}");
    let mut client = server.client("sk_b");
    let quote = client.post("/quotes", "q", r#"{"tool":"environment-map-to-world","measures":{}}"#);
    assert_eq!((&quote.body["credits"], &quote.body["catalog_version"]), (&81.into(), &2.into()), "{quote:?}");
    let again = publish(&new);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.stdout.contains("is version 2 already"), "{again:?}");
    let older = publish(&shipped("studiotwin"));
    assert_eq!(older.code, Some(1), "{older:?}");
    assert!(older.stderr.contains("was version 1 before, and version 2 is in force"), "{older:?}");
    server.terminate();
    server.wait();
    // Given at start, the older content is left alone with a warning.
    let server = Server::start(&data, &["--keys", "studiotwin=sk_b"]);
    let quote = server.client("sk_b").post("/quotes", "q", r#"{"tool":"environment-map-to-world","measures":{}}"#);
    assert_eq!(quote.body["catalog_version"], 2, "{quote:?}");
    server.terminate();
    let (_, errors) = server.wait();
    assert!(errors.contains("left alone"), "{errors}");
}

/// R7: what is scheduled already and takes a publication back later is named.
#[test]
fn a_publication_names_what_takes_it_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data").display().to_string();
    let publish = |file: &str| succeed(&["catalog", "publish", "--data", &data, file]);
    publish(&shipped("studiotwin"));
    let said = publish(&changed(folder.path(), "studio = ", "effective_from = 2099-01-01T00:00:00Z\nstudio = "));
    assert!(said.starts_with("studiotwin: version 2 is published, in force from 2099-01-01T00:00:00Z\n"), "{said}");
    let expected = "studiotwin: version 3 is in force\n\
                    studiotwin: version 2, which is scheduled already, takes over on 2099-01-01T00:00:00Z and takes this back:\n  \
                    Environment Map to World: 81 → 80\n";
    assert_eq!(publish(&dearer(folder.path())), expected);
}

/// R7: content that is scheduled is left alone, and so is what never begins, which is the answer no.
#[test]
fn what_is_known_is_told_where_it_stands() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data").display().to_string();
    let publish = |from: &str, to: &str| {
        let to = format!("effective_from = 2099-01-01T00:00:00Z\n{to}");
        run(&["catalog", "publish", "--data", &data, &changed(folder.path(), from, &to)])
    };
    succeed(&["catalog", "publish", "--data", &data, &shipped("studiotwin")]);
    let studio = "studio = \"studiotwin\"\nname = \"StudioTwin\"";
    let twins = "studio = \"studiotwin\"\nname = \"Twins\"";
    assert_eq!(publish(studio, studio).code, Some(0));
    let again = publish(studio, studio);
    let expected = "studiotwin: this content is version 2 already, in force from 2099-01-01T00:00:00Z: left alone\n";
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), expected), "{again:?}");
    assert_eq!(publish(studio, twins).code, Some(0));
    let never = publish(studio, studio);
    assert_eq!(never.code, Some(1), "{never:?}");
    assert!(never.stderr.contains("version 2, which version 3 takes the place of"), "{never:?}");
    // A comment is none of the content: the time is.
    let back = publish(studio, &format!("# as it was\n{studio}"));
    assert_eq!(back.code, Some(1), "{back:?}");
}

#[test]
fn a_refused_catalog_stops_the_start_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let file = changed(folder.path(), "rate.flat = 80", "rate.flat = 81");
    let ran = run(&["serve", "--data", &data.display().to_string(), "--listen", "127.0.0.1:0", "--catalog", &file]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains(&format!("{file}:")), "{ran:?}");
    assert!(!data.exists());
}
