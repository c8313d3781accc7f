//! The page of refusals against the codes: each in both, with the same status.

use std::collections::BTreeMap;

use scrip_api::code::Code;

#[test]
fn the_page_lists_every_code_with_its_status() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rejections.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, table) = page.split_once("## The codes").unwrap();
    let rows = table.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let code = cells.next()?.trim_end_matches('`');
        Some((code.to_owned(), cells.next()?.parse::<u16>().ok()?))
    });
    let listed: BTreeMap<String, u16> = rows.collect();
    let known: BTreeMap<String, u16> = Code::ALL.iter().map(|code| (code.word().to_owned(), code.status())).collect();
    assert_eq!(listed, known);
}

/// Every code has its place in the order, but those that can come at any point.
#[test]
fn the_page_gives_every_code_its_place_in_the_order() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rejections.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, order) = page.split_once("## The order").unwrap();
    let (order, _) = order.split_once("## The codes").unwrap();
    for code in Code::ALL {
        assert!(order.contains(&format!("`{}`", code.word())), "{}", code.word());
    }
}
