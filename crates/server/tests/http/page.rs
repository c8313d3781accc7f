//! The how-to page: every `api …` and `twin …` command on it is sent, and every answer on it is the server's.

use serde_json::Value;

use crate::world::{FLOW, Reply, TWIN, World};

/// A fenced block of the page.
struct Block {
    kind: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let fences: Vec<&str> = page.split("\n```").collect();
    let inside = fences.iter().skip(1).step_by(2);
    let block = |text: &&str| {
        let (kind, text) = text.split_once('\n').unwrap();
        Block { kind: kind.to_owned(), text: text.to_owned() }
    };
    inside.map(block).collect()
}

/// The words of a shell line, as far as the page uses the shell: quotes of both kinds, and `$URL`.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in line.replace("$URL", "/v1").chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, ' ' | '\n') => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            _ => word.push(letter),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Sends what `api` would have curl send.
async fn send(world: &World, secret: &str, command: &str) -> Reply {
    let (mut method, mut path, mut body, mut headers) = (None, String::new(), None, Vec::new());
    let words = words(command);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-X" => method = words.next().cloned(),
            "-H" => headers.push(words.next().unwrap().clone()),
            "--json" | "--data-binary" => body = words.next().cloned(),
            _ => path = word.clone(),
        }
    }
    let method = method.unwrap_or_else(|| if body.is_some() { "POST".to_owned() } else { "GET".to_owned() });
    let mut call = world.call(&method, &path).secret(secret).header("host", "127.0.0.1:7171");
    for header in &headers {
        let (name, value) = header.split_once(": ").unwrap();
        call = call.header(&name.to_lowercase(), value);
    }
    match body {
        Some(body) => call.raw(&body).await,
        None => call.empty().await,
    }
}

/// The page shows a token by its beginning alone.
fn without_tokens(mut answer: Value) -> Value {
    for name in ["token", "url"] {
        if let Some(Value::String(text)) = answer.get_mut(name)
            && let Some(place) = text.find("ct_")
        {
            text.replace_range(place + 3.., "…");
        }
    }
    answer
}

#[tokio::test]
async fn the_page_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/http.md");
    let page = std::fs::read_to_string(path).unwrap();
    let world = World::new().await;
    let (mut last, mut compared) = (None, 0);
    for block in blocks(&page) {
        match block.kind.as_str() {
            "sh" if block.text.starts_with("api ") || block.text.starts_with("twin ") => {
                for line in
                    block.text.replace("\\\n", "").replace("\napi ", "\0api ").replace("\ntwin ", "\0twin ").split('\0')
                {
                    let (who, command) = line.split_once(' ').unwrap();
                    let secret = if who == "twin" { TWIN } else { FLOW };
                    last = Some((command.to_owned(), send(&world, secret, command).await));
                }
            }
            "json" => {
                let (command, reply) = last.take().expect("an answer follows its command");
                let shown: Value =
                    serde_json::from_str(&block.text).unwrap_or_else(|error| panic!("{command}: {error}"));
                assert_eq!(shown, without_tokens(reply.json()), "{command}");
                compared += 1;
            }
            "text" => {
                let (command, reply) = last.take().expect("an answer follows its command");
                assert_eq!(block.text.trim(), reply.text().replace("\r\n", "\n").trim(), "{command}");
                compared += 1;
            }
            _ => {}
        }
    }
    assert!(compared > 15, "only {compared} answers were compared");
}
