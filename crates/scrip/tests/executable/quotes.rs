//! Every price of the two seed documents, offline: the sentence that a quote's price completes must
//! stand in the document.

use crate::support::{repository, run, shipped, succeed};

/// What the executable says a job costs.
fn price(studio: &str, tool: &str, measures: &[&str]) -> String {
    let catalog = shipped(studio);
    let arguments = [&["quote", "--catalog", &catalog, tool], measures].concat();
    let text = succeed(&arguments);
    text.split(' ').next().expect("an amount").to_owned()
}

/// The lines of a seed document, without bullets and odd spaces.
fn document(name: &str) -> Vec<String> {
    let path = repository().join("tests/seeds").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let plain = |line: &str| line.replace('\u{a0}', " ").trim_start_matches([' ', '•']).trim().to_owned();
    text.lines().map(plain).collect()
}

fn check(document: &[String], sentence: &str) {
    assert!(document.iter().any(|line| line == sentence), "the document does not say: {sentence}");
}

#[test]
fn flow_studio_prices_a_second() {
    let document = document("flow-studio-credits-system.txt");
    for (words, tool) in [
        ("Live Action (Easy or Advanced)", "live-action"),
        ("AI MoCap only", "ai-mocap"),
        ("Animation / Video to 3D Scene", "animation"),
        ("Wonder Tools Clean Plate", "clean-plate"),
        ("Wonder Tools Camera Track", "camera-track"),
    ] {
        check(&document, &format!("1 second of {words}: {} credits", price("flow-studio", tool, &["seconds=1"])));
    }
}

/// "150 seconds of Live Action" cost exactly what a Lite user gets.
#[test]
fn flow_studio_plans_buy_what_they_say() {
    let document = document("flow-studio-credits-system.txt");
    let (mut plan, mut checked) = (String::new(), 0);
    for line in &document {
        if let Some((_, rest)) = line.split_once(" users get ") {
            plan = rest.split(' ').next().expect("an amount").replace(',', "");
        }
        let Some((seconds, words)) = line.split_once(" seconds of ").or_else(|| line.split_once(" Second of ")) else {
            continue;
        };
        let seconds = format!("seconds={}", seconds.replace(',', ""));
        let tools = match words {
            "Live Action" => &["live-action"][..],
            "AI MoCap" => &["ai-mocap"],
            "Animation / Video to 3D Scene" => &["animation"],
            "Wonder Tools Clean Plate & Camera Track" => &["clean-plate", "camera-track"],
            _ => panic!("a line that nobody reads: {line}"),
        };
        for tool in tools {
            assert_eq!(price("flow-studio", tool, &[&seconds]), plan, "{line}");
            checked += 1;
        }
    }
    assert_eq!(checked, 10);
}

#[test]
fn studiotwin_prices_its_tools() {
    let document = document("studiotwin-how-credits-work.txt");
    for (name, tool, measures, unit) in [
        ("Text to Motion", "text-to-motion", &["actions=1"][..], " per action"),
        ("Motion Edit", "motion-edit", &[], ""),
        ("Motion Stitch", "motion-stitch", &[], ""),
        ("Trajectory Control", "trajectory-control", &[], ""),
        ("Text to Environment Map", "text-to-environment-map", &[], ""),
        ("Image to Environment Map", "image-to-environment-map", &[], ""),
        ("Environment Map to World", "environment-map-to-world", &[], ""),
        ("Image to 3D Mesh", "image-to-3d-mesh", &[], ""),
        ("Texture to Material", "texture-to-material", &[], ""),
    ] {
        check(&document, &format!("{name}{} credits{unit}", price("studiotwin", tool, measures)));
    }
}

/// The 18 cells of both formula tables: the document prints a row as its size and its three prices, unseparated.
#[test]
fn studiotwin_prices_materials() {
    let document = document("studiotwin-how-credits-work.txt");
    for tool in ["text-to-material", "image-to-material"] {
        for size in [512, 1024, 2048] {
            let cells = [1, 2, 4].map(|upscale| {
                let (width, height) = (format!("width={size}"), format!("height={size}"));
                price("studiotwin", tool, &[&width, &height, &format!("upscale={upscale}")])
            });
            check(&document, &format!("{size} x {size}{}", cells.concat()));
        }
    }
}

#[test]
fn a_price_is_rounded_once_and_explained() {
    // 2 + 10 × 0.343… = 5.433…: neither 6 by rounding up nor 5.4.
    assert_eq!(price("studiotwin", "text-to-material", &["width=600", "height=600", "upscale=1"]), "5");
    let catalog = shipped("flow-studio");
    let arguments = ["quote", "--catalog", &catalog, "live-action", "seconds=10.4"];
    let text = succeed(&arguments);
    assert_eq!(text, "220 credits\n  10.4 s → 11 s × 20 = 220\n");
    let json = succeed(&[&arguments[..], &["--json"]].concat());
    assert_eq!(
        json,
        "{\"tool\":\"live-action\",\"credits\":220,\
         \"lines\":[{\"text\":\"10.4 s → 11 s × 20 = 220\",\"credits\":220}]}\n"
    );
}

#[test]
fn what_has_no_price_says_why() {
    let catalog = shipped("flow-studio");
    for (arguments, code, says) in [
        (
            &["dead-action", "seconds=1"][..],
            1,
            "unknown_tool: There is no such tool. The catalog has live-action, ai-mocap",
        ),
        (&["live-action"], 1, "seconds"),
        (&["live-action", "seconds=long"], 1, "seconds"),
        (&["live-action", "seconds=1", "weight=2"], 1, "weight"),
        (&["live-action", "seconds"], 2, "name=value"),
        (&["live-action", "seconds=1", "seconds=2"], 2, "twice"),
    ] {
        let ran = run(&[&["quote", "--catalog", &catalog], arguments].concat());
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(says), "{arguments:?}: {ran:?}");
    }
    let ran = run(&["quote", "--catalog", "no-such-file.toml", "live-action", "seconds=1"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("no-such-file.toml"), "{ran:?}");
}
