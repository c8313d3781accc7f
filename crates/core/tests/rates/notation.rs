//! One content, several notations (R7): TOML and JSON come to the same catalog and the same digest.

use scrip_core::catalog::{Format, read};

const TOML: &str = r#"
# A comment.
studio = "s"
name = "S"
effective_from = 2026-12-01T00:00:00Z

[tools.video]
name = "Video"
measures.seconds = { min = 0, max = 3_600, step = 1 }

[tools.video.rate]
per = "seconds"
credits = 2.50

[plans.pro]
name = "Pro"
allowance = 1000
term = "year"
roll_over_cap = 500
price = "99.90 EUR"
"#;

const JSON: &str = r#"{
  "name": "S", "studio": "s", "effective_from": "2026-12-01T00:00:00Z",
  "plans": {"pro": {"price": "99.90 EUR", "term": "year", "name": "Pro", "allowance": 1e3, "roll_over_cap": 500.0}},
  "tools": {"video": {
    "rate": {"credits": 2.5, "per": "seconds"},
    "name": "Video",
    "measures": {"seconds": {"step": 1, "max": 3600, "min": 0}}}}
}"#;

#[test]
fn toml_and_json_are_one() {
    let (toml, json) = (read(TOML, Format::Toml).unwrap(), read(JSON, Format::Json).unwrap());
    assert_eq!(toml.digest, json.digest);
    assert_eq!((&toml.plans, toml.effective_from), (&json.plans, json.effective_from));
    assert_eq!(toml.plans[0].price.as_ref().unwrap().amount, 9_990);
    assert_eq!(toml.plans[0].terms.term_months, 12);
    assert_eq!(toml.tools[0].rate.summary(), "2.5 credits per second");
    assert_eq!((toml.tools[0].hold_for, toml.honoured_for), (3_600, 900));
}

#[test]
fn any_change_of_content_changes_the_digest() {
    let digest = read(TOML, Format::Toml).unwrap().digest;
    for (from, to, same) in [
        ("# A comment.", "# Another comment.", true),
        ("2.50", "2.5", true),
        ("2.50", "2.51", false),
        ("name = \"Pro\"", "name = \"Profi\"", false),
        ("term = \"year\"", "term = \"month\"", false),
        ("roll_over_cap = 500\n", "", false),
        ("[tools.video]", "[tools.videos]", false),
    ] {
        let text = TOML.replace(from, to).replace("[tools.video.rate]", &to.replace("]", ".rate]").replace("2.5", ""));
        let text = if to.starts_with("[tools") { text } else { TOML.replace(from, to) };
        assert_eq!(read(&text, Format::Toml).unwrap().digest == digest, same, "{from} → {to}");
    }
}

#[test]
fn the_shipped_catalogs_differ_from_each_other() {
    let files =
        [include_str!("../../../../catalogs/flow-studio.toml"), include_str!("../../../../catalogs/studiotwin.toml")];
    let [a, b] = files.map(|text| read(text, Format::Toml).unwrap());
    assert_ne!(a.digest, b.digest);
    assert_eq!((a.studio.as_str(), b.studio.as_str()), ("flow-studio", "studiotwin"));
    assert_eq!((a.effective_from, b.effective_from), (None, None));
}
