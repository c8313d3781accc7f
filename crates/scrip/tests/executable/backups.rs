//! `scrip backup` and `restore`: everything that was acknowledged, from a store under load; all or nothing, whatever
//! is in the way and whenever they are killed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Answer, Client, Post, Ran, Seeded, Server, ended, killed_after, run, succeed};
use crate::verify::store;

const SECRET: &str = "sk_backup";
const KEYS: &str = "studiotwin=sk_backup";
/// More than the machine has processors: the server is never idle.
const CALLERS: u64 = 16;

/// A store, a backup of it, and room for more, in a temporary folder.
struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn new() -> Ground {
        Ground { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// With a store in `store` and its backup in `backup`.
    fn with_backup() -> Ground {
        let ground = Ground::new();
        store(&ground.path("store"));
        succeed(&["backup", "--data", &ground.name("store"), &ground.name("backup")]);
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn restore(&self, backup: &str, data: &str) -> Ran {
        run(&["restore", "--data", &self.name(data), &self.name(backup)])
    }

    /// A copy of the backup, changed.
    fn changed(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = std::fs::read(self.path("backup")).expect("there is a backup");
        change(&mut bytes);
        std::fs::write(self.path(name), bytes).expect("it can be written");
    }
}

fn refused(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, Some(code), "{words}: {ran:?}");
    assert!(ran.stderr.contains(words), "{words}: {ran:?}");
}

/// Files in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("readable");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What callers were told.
#[derive(Default)]
struct Load {
    keys: AtomicU64,
    enough: AtomicBool,
    acknowledged: Mutex<Vec<(Post, Answer)>>,
}

impl Load {
    fn charge(&self, mut client: Client, told: &mpsc::Sender<()>) {
        while !self.enough.load(Ordering::Relaxed) {
            let post = Post {
                path: "/accounts/ana/charges".to_owned(),
                key: format!("job-{}", self.keys.fetch_add(1, Ordering::Relaxed)),
                body: r#"{"tool":"text-to-motion","measures":{"actions":1}}"#.to_owned(),
            };
            let answer = client.try_post(&post).expect("the server answers");
            assert_eq!(answer.status, 201, "{post:?}: {answer:?}");
            self.acknowledged.lock().expect("nobody panicked").push((post, answer));
            // Nobody listens any more once all backups are made.
            told.send(()).ok();
        }
    }

    fn acknowledged(&self) -> Vec<(Post, Answer)> {
        self.acknowledged.lock().expect("nobody panicked").clone()
    }
}

#[test]
fn a_backup_under_load_holds_everything_acknowledged_before_it_began() {
    let ground = Ground::new();
    let server = Server::start(&ground.path("store"), &["--keys", KEYS, "--log", "warn"]);
    let mut client = server.client(SECRET);
    assert_eq!(client.put("/accounts/ana", "{}").status, 201);
    let grant = json!({"credits": 1_000_000, "class": "top_up", "reason": "test"}).to_string();
    assert_eq!(client.post("/accounts/ana/grants", "fill", &grant).status, 201);
    let load = Load::default();
    let mut known = Vec::new();
    std::thread::scope(|scope| {
        let (told, acknowledged) = mpsc::channel();
        for _ in 0..CALLERS {
            let (client, told, load) = (server.client(SECRET), told.clone(), &load);
            scope.spawn(move || load.charge(client, &told));
        }
        for round in 0..3 {
            for _ in 0..100 {
                acknowledged.recv().expect("callers are at work");
            }
            let before = load.acknowledged();
            succeed(&["backup", "--data", &ground.name("store"), &ground.name(&format!("backup-{round}"))]);
            assert!(load.acknowledged().len() > before.len(), "commits went on");
            known.push(before);
        }
        load.enough.store(true, Ordering::Relaxed);
    });
    server.kill();
    for (round, known) in known.iter().enumerate() {
        restored_knows(&ground, &format!("backup-{round}"), known);
    }
}

/// Restores a backup, serves it, and asks again for all that must be known; the store then goes on.
fn restored_knows(ground: &Ground, backup: &str, known: &[(Post, Answer)]) {
    let data = format!("restored-{backup}");
    let ran = ground.restore(backup, &data);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("entries of 1 accounts, the last of 20"), "{ran:?}");
    let server = Server::start(&ground.path(&data), &["--keys", KEYS, "--log", "warn"]);
    let mut client = server.client(SECRET);
    for (post, first) in known {
        let again = client.try_post(post).expect("the server answers");
        assert!(again.replayed, "{backup}: {post:?} was acknowledged and is not known: {again:?}");
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{backup}: {post:?}");
    }
    assert_eq!(client.post("/accounts/ana/charges", "new", r#"{"credits":1}"#).status, 201);
    server.stop();
    succeed(&["verify", "--data", &ground.name(&data)]);
}

/// Whoever read the backup could make customers' tokens for the store that it is of, not for the restored one.
#[test]
fn customers_tokens_end_with_a_restore() {
    let ground = Ground::new();
    let store = ground.path("store");
    let server = Server::start(&store, &["--keys", KEYS]);
    let mut client = server.client(SECRET);
    assert_eq!(client.put("/accounts/ana", "{}").status, 201);
    let session = client.post("/accounts/ana/portal-sessions", "portal", "{}").body;
    let token = session["token"].as_str().expect("a token").to_owned();
    let status = |server: &Server, token: &str| server.client(token).get("/accounts/ana/balance").status;
    succeed(&["backup", "--data", &ground.name("store"), &ground.name("backup")]);
    assert_eq!(status(&server, &token), 200);
    server.stop();

    let ran = ground.restore("backup", "new");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let restored = Server::start(&ground.path("new"), &["--keys", KEYS]);
    assert_eq!(status(&restored, &token), 401);
    let session = restored.client(SECRET).post("/accounts/ana/portal-sessions", "portal", "{}").body;
    assert_eq!(status(&restored, session["token"].as_str().expect("a token")), 200);
    restored.stop();
}

#[test]
fn what_is_no_whole_backup_is_not_restored() {
    let ground = Ground::with_backup();
    ground.changed("empty", Vec::clear);
    ground.changed("text", |bytes| *bytes = b"chapter one".repeat(1_000));
    ground.changed("headless", |bytes| bytes.truncate(50));
    ground.changed("half", |bytes| bytes.truncate(bytes.len() / 2));
    ground.changed("all-but-one", |bytes| bytes.truncate(bytes.len() - 1));
    ground.changed("longer", |bytes| bytes.push(0));
    ground.changed("newer", |bytes| bytes[60..64].copy_from_slice(&99_i32.to_be_bytes()));
    ground.changed("another's", |bytes| bytes[68..72].fill(0));
    std::fs::copy(ground.path("store").join("scrip.db"), ground.path("a-store's")).expect("it can be copied");
    for (backup, words) in [
        ("missing", "missing"),
        ("empty", "it is empty"),
        ("text", "no database of SQLite's"),
        ("headless", "cut short"),
        ("half", "bytes of"),
        ("all-but-one", "bytes of"),
        ("longer", "bytes of"),
        ("newer", "newer scrip"),
        ("another's", "another program's"),
        ("a-store's", "write-ahead log"),
    ] {
        let ran = ground.restore(backup, "new");
        refused(&ran, 3, words);
        assert!(ran.stderr.contains(backup), "{ran:?}");
        assert!(!ground.path("new").exists(), "{backup}");
    }
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let ground = Ground::with_backup();
    ground.changed("entry", |_| {});
    let database = rusqlite::Connection::open(ground.path("entry")).expect("it opens");
    database.execute("UPDATE journal SET credits = credits + 1 WHERE position = 3", []).expect("it can be changed");
    database.close().expect("it closes");
    ground.changed("page", |bytes| {
        let last = bytes.len() - 4_096;
        bytes[last..].fill(0xff);
    });
    for (backup, words) in [("entry", "does not hold"), ("page", "damaged")] {
        let ran = ground.restore(backup, "new");
        refused(&ran, 1, words);
        assert!(ran.stderr.contains(&ground.name(backup)), "{ran:?}");
        assert_eq!(names(&ground.path("new")), ["scrip.lock"], "{backup}");
    }
    assert_eq!(ground.restore("backup", "new").code, Some(0), "the folder is as good as new");
}

#[test]
fn nothing_is_overwritten() {
    let ground = Ground::with_backup();
    let before = std::fs::read(ground.path("backup")).expect("readable");
    refused(&run(&["backup", "--data", &ground.name("store"), &ground.name("backup")]), 3, "not overwritten");
    assert_eq!(std::fs::read(ground.path("backup")).expect("readable"), before);
    refused(&ground.restore("backup", "store"), 3, "not overwritten");
    succeed(&["verify", "--data", &ground.name("store")]);
    for stranger in ["thesis.txt", "scrip.db-wal"] {
        let folder = ground.path(&format!("with-{stranger}"));
        std::fs::create_dir(&folder).expect("it can be made");
        std::fs::write(folder.join(stranger), "chapter one").expect("it can be written");
        refused(&ground.restore("backup", &format!("with-{stranger}")), 3, stranger);
        assert_eq!(names(&folder), [stranger]);
    }
}

#[test]
fn where_there_is_no_store_to_copy_it_is_said() {
    let ground = Ground::new();
    refused(&run(&["backup", "--data", &ground.name("typo"), &ground.name("backup")]), 3, "holds no scrip");
    for command in ["backup", "restore"] {
        let ran = run(&[command, "--store", "postgres://localhost/scrip", &ground.name("backup")]);
        refused(&ran, 3, "PostgreSQL's own tools");
    }
    assert!(names(ground.folder.path()).is_empty());
}

/// A limit on the size of files stands in for a full disk: writing fails in the middle.
#[test]
fn a_copy_that_cannot_be_written_leaves_nothing() {
    let ground = Ground::with_backup();
    for (command, data, file, temporary) in
        [("backup", "store", "second", "second.partial"), ("restore", "new", "backup", "scrip.db.restoring")]
    {
        let mut limited = Command::new("sh");
        // Room for the index of the store's write-ahead log, which is mapped into memory; not for the copy.
        let script = r#"trap '' XFSZ; ulimit -f 80; exec "$0" "$1" --data "$2" "$3""#;
        limited.args(["-c", script, env!("CARGO_BIN_EXE_scrip"), command, &ground.name(data), &ground.name(file)]);
        refused(&ended(limited), 3, temporary);
    }
    assert_eq!(names(ground.folder.path()), ["backup", "new", "store"]);
    assert_eq!(names(&ground.path("new")), ["scrip.lock"]);
}

#[test]
fn what_was_cut_short_is_not_served_and_is_made_again() {
    let ground = Ground::with_backup();
    let half = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    std::fs::create_dir(ground.path("new")).expect("it can be made");
    ground.changed("new/scrip.db.restoring", half);
    refused(&run(&["serve", "--data", &ground.name("new"), "--listen", "127.0.0.1:0"]), 3, "cut short");
    refused(&run(&["verify", "--data", &ground.name("new")]), 3, "holds no scrip");
    assert_eq!(ground.restore("backup", "new").code, Some(0));
    assert_eq!(names(&ground.path("new")), ["scrip.db", "scrip.lock"]);

    ground.changed("second.partial", half);
    succeed(&["backup", "--data", &ground.name("store"), &ground.name("second")]);
    assert_eq!(names(ground.folder.path()), ["backup", "new", "second", "store"]);
    assert_eq!(ground.restore("second", "third").code, Some(0));
}

/// Some moments in the time that a run takes, and a little beyond it.
fn moments(count: usize, arguments: &[&str]) -> impl Iterator<Item = Duration> {
    let begun = Instant::now();
    succeed(arguments);
    let most = begun.elapsed() * 11 / 10;
    let mut seeded = Seeded(20_261_122);
    std::iter::repeat_with(move || seeded.below(most)).take(count)
}

#[test]
fn a_killed_backup_leaves_no_file_or_a_whole_one() {
    let ground = Ground::with_backup();
    let arguments = |name: &str| ["backup".to_owned(), "--data".to_owned(), ground.name("store"), ground.name(name)];
    let run_through = arguments("timed");
    for (round, moment) in moments(13, &run_through.each_ref().map(String::as_str)).enumerate() {
        let backup = format!("backup-{round}");
        let arguments = arguments(&backup);
        let arguments = arguments.each_ref().map(String::as_str);
        killed_after(moment, &arguments);
        if !ground.path(&backup).exists() {
            succeed(&arguments);
        }
        assert!(!ground.path(&format!("{backup}.partial")).exists(), "{moment:?}");
        let ran = ground.restore(&backup, &format!("restored-{round}"));
        assert_eq!(ran.code, Some(0), "{moment:?}: {ran:?}");
    }
}

#[test]
fn a_killed_restore_leaves_nothing_usable_or_the_whole() {
    let ground = Ground::with_backup();
    let arguments = |name: &str| ["restore".to_owned(), "--data".to_owned(), ground.name(name), ground.name("backup")];
    let run_through = arguments("timed");
    for (round, moment) in moments(50, &run_through.each_ref().map(String::as_str)).enumerate() {
        let data = format!("restored-{round}");
        let arguments = arguments(&data);
        let arguments = arguments.each_ref().map(String::as_str);
        killed_after(moment, &arguments);
        let folder = ground.path(&data);
        if folder.join("scrip.db.restoring").exists() {
            let serve = ["serve", "--data", &ground.name(&data), "--listen", "127.0.0.1:0"];
            refused(&run(&serve), 3, "cut short");
        }
        if !folder.join("scrip.db").exists() {
            succeed(&arguments);
        }
        succeed(&["verify", "--data", &ground.name(&data)]);
    }
}
