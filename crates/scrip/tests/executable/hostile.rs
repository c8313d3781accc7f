//! The server among callers who say nothing, little, or what ought to end its lines.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::support::Server;

const SECRET: &str = "sk_hostile";
const KEYS: &str = "studiotwin=sk_hostile";

/// Resident memory of a process, in KiB.
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process())).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says how large it is");
    line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
}

/// How many connections this test and the server can each have open: as many as there are places, where the machine allows.
fn most() -> usize {
    let limit = Command::new("sh").args(["-c", "ulimit -n"]).output().expect("a shell").stdout;
    let limit = String::from_utf8(limit).expect("a text").trim().parse().unwrap_or(10_000);
    usize::min(limit, 10_000) - 200
}

/// Nearly as many connections as there are places say nothing, or half of something: they cost little, and the rest is served.
#[test]
fn idle_connections_cost_little_and_keep_nobody_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path(), &["--keys", KEYS, "--log", "warn"]);
    let mut client = server.client(SECRET);
    assert_eq!(client.put("/accounts/ada", "{}").status, 201);
    let before = memory(&server);
    let mut idle = Vec::new();
    for place in 0..most() {
        let mut connection = TcpStream::connect(&server.address).expect("the server accepts");
        let words = ["", "GET /v1/acc", "POST /v1/quotes HTTP/1.1\r\nhost: x\r\n"][place % 3];
        connection.write_all(words.as_bytes()).expect("it listens");
        idle.push(connection);
    }
    let grant = r#"{"credits":5,"class":"top_up","reason":"test"}"#;
    assert_eq!(server.client(SECRET).post("/accounts/ada/grants", "g", grant).status, 201);
    let grown = memory(&server).saturating_sub(before);
    println!("{} idle connections: {grown} KiB, {} each", idle.len(), grown * 1_024 / idle.len() as u64);
    assert!(grown < 32 * idle.len() as u64, "{grown} KiB for {} idle connections", idle.len());
    drop(idle);
    assert_eq!(server.client(SECRET).get("/accounts/ada/balance").body["available"], 5);
    server.stop();
}

/// At its loudest, the log has a line for each request and none that a caller wrote.
#[test]
fn nobody_writes_lines_into_the_log() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path(), &["--keys", KEYS, "--log", "trace"]);
    let forged = "forged-by-a-caller";
    for head in [
        format!("GET /v1/accounts/x%0a{forged}%1b[31m HTTP/1.1\r\nhost: x"),
        format!("GET /v1/entries?x%0a{forged}=1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET}"),
        format!("GET /{forged}/%0d%0a HTTP/1.1\r\nhost: {forged}"),
        format!("{forged} /v1/quotes HTTP/1.1\r\nhost: x"),
        format!("GET /v1/quotes HTTP/1.1\r\nhost: x\r\n{forged}: 1\r\nuser-agent: {forged}"),
        format!("GET /v1/accounts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk_{forged}"),
        format!("GET /v1/accounts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ct_{forged}"),
        format!(
            "POST /v1/accounts/ada/charges HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET}\r\nidempotency-key: {forged}"
        ),
        format!("GET /v1/accounts HTTP/1.1\r\nhost: x\r\n x\n{forged}"),
        format!("\x16\x03\x01{forged}"),
    ] {
        let mut connection = TcpStream::connect(&server.address).expect("the server accepts");
        connection.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes()).expect("it listens");
        // Some are no HTTP: a connection that is broken off is an answer.
        connection.read_to_end(&mut Vec::new()).ok();
    }
    server.terminate();
    let (status, log) = server.wait();
    assert!(status.success() && log.contains("answered"), "{status}: {log}");
    let repeated = log.lines().find(|line| line.contains(forged) || line.contains(SECRET));
    assert_eq!(repeated, None, "the log repeats what a caller said");
}
