//! The same scrip in a database, and back: `scrip export journal` and `scrip import --journal` between folders and databases.

use std::process::Stdio;

use scrip_store_postgres::harness;
use serde_json::json;

use crate::moving::{self, Ground, larger, refused};
use crate::support::{Answer, Client, Post, Ran, Server, run, scrip, shipped, succeed};

const KEYS: [&str; 2] = ["flow-studio", "studiotwin"];

/// Where a scrip is, as arguments.
#[derive(Clone)]
struct Seat([String; 2]);

impl Seat {
    fn folder(ground: &Ground, name: &str) -> Seat {
        Seat(["--data".to_owned(), ground.name(name)])
    }

    fn database() -> Seat {
        Seat(["--store".to_owned(), harness::database_address()])
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(&self.with(arguments))
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        succeed(&self.with(arguments))
    }

    fn with<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        // Before the words of an option that takes several.
        let of_command = usize::from(matches!(arguments[0], "export" | "catalog" | "key")) + 1;
        let mut all = arguments[..of_command].to_vec();
        all.extend(self.0.iter().map(String::as_str));
        all.extend(&arguments[of_command..]);
        all
    }

    fn serve(&self) -> Server {
        let keys = KEYS.map(|studio| format!("{studio}=sk_{studio}")).join(",");
        let mut command = scrip();
        command.args(self.with(&["serve", "--listen", "127.0.0.1:0", "--log", "error", "--keys", &keys]));
        for studio in KEYS {
            command.args(["--catalog", &shipped(studio)]);
        }
        Server::spawn(command)
    }

    /// Its journal, filled into another place.
    fn move_to(&self, ground: &Ground, to: &Seat, file: &str) -> String {
        self.succeed(&["export", "journal", "--output", &ground.name(file)]);
        to.succeed(&["import", "--journal", &ground.name(file)])
    }

    /// What a seal of it says, but for when it was made.
    fn sealed(&self, ground: &Ground, file: &str) -> Vec<String> {
        self.succeed(&["seal", &ground.name(file)]);
        let text = ground.text(file);
        text.lines()
            .filter(|line| !line.contains("\"sealed_at\"") && !line.starts_with("  \"digest\""))
            .map(str::to_owned)
            .collect()
    }
}

/// Some of everything, under keys that can be sent again.
fn work(client: &mut Client, accounts: &[&str], turn: usize) -> Vec<Answer> {
    let mut answers = Vec::new();
    for account in accounts {
        for (key, path, body) in [
            ("grant", "grants", r#"{"credits":500,"class":"top_up","reason":"moving"}"#.to_owned()),
            (
                "hold",
                "holds",
                json!({"credits": 2.000001, "hold": format!("job-{turn}"), "reference": "ünï → 🎬"}).to_string(),
            ),
            ("charge", "charges", r#"{"credits":3,"reference":"r","member":"m"}"#.to_owned()),
        ] {
            let post = Post { path: format!("/accounts/{account}/{path}"), key: format!("{key}-{turn}"), body };
            let answer = client.try_post(&post).expect("it answers");
            assert_eq!(answer.status, 201, "{post:?}: {answer:?}");
            answers.push(answer);
        }
    }
    answers
}

/// Each studio's client.
fn clients(server: &Server) -> [Client; 2] {
    KEYS.map(|studio| server.client(&format!("sk_{studio}")))
}

fn open(client: &mut Client, accounts: &[&str]) {
    for account in accounts {
        assert_eq!(client.put(&format!("/accounts/{account}"), r#"{"name":"A name"}"#).status, 201, "{account}");
    }
}

/// The same answers again, known by their keys.
fn assert_known(server: &Server, accounts: &[&str], turn: usize, first: &[Vec<Answer>; 2]) {
    for (mut client, first) in clients(server).into_iter().zip(first) {
        for (again, first) in work(&mut client, accounts, turn).iter().zip(first) {
            assert!(again.replayed, "{again:?}");
            assert_eq!(again.body, first.body);
        }
    }
}

#[test]
fn a_scrip_moves_into_a_database_to_another_and_back() {
    let ground = Ground::new();
    let (home, one, other) = (Seat::folder(&ground, "home"), Seat::database(), Seat::database());
    let everybody = ["ana", "bo", "cy", "dan"];
    let server = home.serve();
    let first = clients(&server).map(|mut client| {
        open(&mut client, &everybody);
        work(&mut client, &everybody, 0)
    });
    home.succeed(&["seal", &ground.name("early")]);
    home.succeed(&["erase", "--studio", "studiotwin", "--yes", "dan"]);
    let left = ["ana", "bo", "cy"];
    let second = clients(&server).map(|mut client| work(&mut client, &left, 1));
    server.stop();

    let told = home.move_to(&ground, &one, "journal");
    assert!(told.contains("imported the database from"), "{told}");
    let sealed = home.sealed(&ground, "seal");
    assert_eq!(one.sealed(&ground, "seal-there"), sealed);
    for seal in ["early", "seal"] {
        one.succeed(&["verify", "--since", &ground.name(seal)]);
    }
    assert!(one.succeed(&["import", "--journal", &ground.name("journal")]).contains("nothing to do"));

    // Two servers serve it: keys are known, accounts go on, others are opened beside them, one is erased and its id used again.
    let servers = [one.serve(), one.serve()];
    assert_known(&servers[0], &left, 1, &second);
    assert_known(&servers[1], &["ana"], 0, &first.clone().map(|answers| answers[..3].to_vec()));
    for (mut client, account) in clients(&servers[1]).into_iter().zip(["eve", "fay"]) {
        open(&mut client, &[account]);
    }
    let balance = clients(&servers[0])[0].get("/accounts/ana/balance");
    assert_eq!(balance.body["remaining"], json!(994));
    one.succeed(&["erase", "--studio", "flow-studio", "--yes", "bo"]);
    for server in &servers {
        assert_eq!(clients(server)[0].get("/accounts/bo/balance").status, 404);
    }
    open(&mut clients(&servers[1])[0], &["bo"]);
    let last = ["ana", "cy"];
    let fourth = clients(&servers[0]).map(|mut client| work(&mut client, &last, 2));
    assert_known(&servers[1], &last, 2, &fourth);
    servers.into_iter().for_each(Server::stop);
    one.succeed(&["verify", "--since", &ground.name("seal")]);

    // To another database, and from there home.
    one.move_to(&ground, &other, "second-journal");
    let sealed = one.sealed(&ground, "second-seal");
    assert_eq!(other.sealed(&ground, "second-seal-there"), sealed);
    assert!(ground.text("second-journal") == other.succeed(&["export", "journal"]), "the journal is another");
    let server = other.serve();
    assert_known(&server, &last, 2, &fourth);
    server.stop();
    let back = Seat::folder(&ground, "back");
    other.move_to(&ground, &back, "third-journal");
    for seal in ["early", "seal", "second-seal"] {
        for seat in [&other, &back] {
            seat.succeed(&["verify", "--since", &ground.name(seal)]);
        }
    }
    assert_eq!(back.sealed(&ground, "third-seal"), sealed);
    assert!(ground.text("third-journal") == back.succeed(&["export", "journal"]), "the journal is another");
    let server = back.serve();
    assert_known(&server, &last, 2, &fourth);
    server.stop();
}

#[test]
fn only_an_empty_database_is_filled_and_what_is_not_the_journal_is_named() {
    let ground = larger();
    let journal = ground.name("journal");
    let published = Seat::database();
    published.succeed(&["catalog", "publish", &shipped("studiotwin")]);
    refused(&published.run(&["import", "--journal", &journal]), 3, "it holds a scrip already");

    // Broken late, so that much is there before it is found.
    let whole = ground.text("journal");
    let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
    let late = lines.len() - 10;
    lines[late] = lines[late].replacen("\"credits\":-", "\"credits\":-1", 1);
    std::fs::write(ground.path("broken"), lines.join("\n") + "\n").expect("it can be written");
    let database = Seat::database();
    let ran = database.run(&["import", "--journal", &ground.name("broken")]);
    refused(&ran, 1, &format!("broken:{}: entry ", late + 1));
    assert!(ran.stderr.contains("run the same import again to go on, or begin anew with an empty database"), "{ran:?}");
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["verify"],
        &["export", "accounts"],
        &["export", "journal"],
        &["seal", &ground.name("seal")],
        &["key", "create", "--studio", "studiotwin"],
        &["key", "list"],
    ] {
        refused(&database.run(arguments), 3, "an import is under way: run the same `scrip import --journal` again");
    }
    database.succeed(&["import", "--journal", &journal]);
    database.succeed(&["verify"]);
}

/// Kills the import once it has told of the `tenth`-th tenth of the entries, or lets it end.
fn killed_at(database: &Seat, journal: &str, tenth: usize) {
    use std::io::{BufRead as _, BufReader};

    let mut command = scrip();
    command.args(database.with(&["import", "--journal", journal])).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut import = command.spawn().expect("it starts");
    let told = BufReader::new(import.stderr.take().expect("it was piped")).lines();
    drop(told.map_while(Result::ok).filter(|line| line.contains(" entries")).nth(tenth));
    import.kill().expect("it can be killed, or has ended");
    import.wait().expect("it ends");
}

/// Killed anywhere, it goes on from there, and is served only when it is whole.
#[test]
fn a_killed_import_into_a_database_goes_on() {
    let ground = larger();
    let journal = ground.name("journal");
    let whole = Seat::database();
    whole.succeed(&["import", "--journal", &journal]);
    let sealed = whole.sealed(&ground, "seal");
    let mut under_way = 0;
    for (round, tenths) in [[0, 4], [2, 6], [5, 8]].into_iter().enumerate() {
        let database = Seat::database();
        for tenth in tenths {
            killed_at(&database, &journal, tenth);
            under_way += usize::from(database.run(&["verify"]).stderr.contains("an import is under way"));
        }
        database.succeed(&["import", "--journal", &journal]);
        assert_eq!(database.sealed(&ground, &format!("seal-{round}")), sealed);
    }
    assert!(under_way >= 3, "{under_way} of 6 were cut short in the middle");
    // At once, while the database may still be at work on what the one before has sent.
    let database = Seat::database();
    (1..=9).for_each(|tenth| killed_at(&database, &journal, tenth));
    database.succeed(&["import", "--journal", &journal]);
    assert_eq!(database.sealed(&ground, "seal-at-once"), sealed);
    let mut command = scrip();
    command.args(whole.with(&["serve", "--listen", "127.0.0.1:0", "--log", "error", "--keys", moving::KEYS]));
    let server = Server::spawn(command);
    let post = r#"{"credits":1,"reference":"job 0"}"#;
    let again = server.client(moving::SECRET).post("/accounts/a0/charges", "101", post);
    assert_eq!((again.status, again.replayed), (201, true), "{again:?}");
    server.stop();
}
