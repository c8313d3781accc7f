//! `scrip import --opening`: what a file says is there afterwards, once; what is wrong with a file is all told, and then
//! nothing is written; and an import that is killed leaves whole accounts and goes on.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::{Ran, Server, ended, repository, run, scrip, signal, succeed};

/// Where the clock of every store here stands.
const NOW: &str = "2030-01-20T10:00:00Z";

/// A store with both shipped catalogs, whose clock stands.
fn prepare(folder: &Path) {
    let server = Server::start(folder, &["--test-clock", NOW, "--keys", "flow-studio=sk_a"]);
    let moved = server.client("sk_a").post("/test-clock", "set", &json!({ "now": NOW }).to_string());
    assert_eq!(moved.status, 200, "{moved:?}");
    server.stop();
}

fn import(folder: &Path, file: &Path, more: &[&str]) -> Ran {
    let mut command = import_command(folder, file);
    command.args(more);
    ended(command)
}

fn import_command(folder: &Path, file: &Path) -> Command {
    let mut command = scrip();
    command
        .args(["import", "--studio", "flow-studio", "--as-of", NOW, "--data"])
        .arg(folder)
        .arg("--opening")
        .arg(file);
    command
}

fn export(folder: &Path, what: &str) -> String {
    succeed(&["export", what, "--data", &folder.display().to_string()])
}

fn account_of(line: &str) -> String {
    line.split(',').nth(1).expect("a column for the account").to_owned()
}

/// Accounts as exported, the count of their entries among it, but for what chance went into.
fn accounts(folder: &Path) -> BTreeMap<String, String> {
    let accounts = export(folder, "accounts");
    let lines = accounts.lines().skip(1).map(|line| line.rsplit_once(',').expect("a column for the hash").0);
    lines.map(|line| (account_of(line), line.to_owned())).collect()
}

/// Accounts with their lots.
fn contents(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let accounts = accounts(folder).into_iter();
    let mut contents: BTreeMap<_, _> = accounts.map(|(account, line)| (account, vec![line])).collect();
    for line in export(folder, "lots").lines().skip(1) {
        contents.get_mut(&account_of(line)).expect("a lot is of an account").push(line.to_owned());
    }
    contents
}

fn verified(folder: &Path) -> String {
    succeed(&["verify", "--data", &folder.display().to_string()])
}

fn sample(form: &str) -> std::path::PathBuf {
    repository().join("samples").join(format!("opening-balances.{form}"))
}

#[test]
fn the_samples_say_the_same_in_both_forms() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let folders = ["csv", "jsonl"].map(|form| {
        let folder = parent.path().join(form);
        prepare(&folder);
        let dry = import(&folder, &sample(form), &["--dry-run"]);
        assert_eq!((dry.code, contents(&folder).len()), (Some(0), 0), "{dry:?}");
        let ran = import(&folder, &sample(form), &[]);
        let said = "4 accounts of flow-studio\n  as of 2030-01-20T10:00:00Z\n  plans: lite 1 active + 1 past_due, pro 1 active, none 1\n  \
                    credits: promo 300, make_good 75.5, subscription 1200, top_up 13040\n\
                    4 are new, 0 are there already\nopened 4 accounts; 0 were there already\n  \
                    in the store: promo 300, make_good 75.5, subscription 1200, top_up 13040: as in the file\n";
        assert!(ran.code == Some(0) && ran.stdout.ends_with(said), "{ran:?}");
        folder
    });
    assert_eq!(contents(&folders[0]), contents(&folders[1]));
    // Again, in the other form: it is the same opening.
    let entries = export(&folders[0], "entries");
    let again = import(&folders[0], &sample("jsonl"), &[]);
    assert!(again.code == Some(0) && again.stdout.contains("opened 0 accounts; 4 were there already"), "{again:?}");
    assert_eq!(export(&folders[0], "entries"), entries, "nothing was written");
    let told = "remaining: make_good 75.5, promo 300, subscription 1200, top_up 13040; held: 0, owed: 0\n  \
                books: issued -14615.5\n";
    assert!(verified(&folders[0]).contains(told));
}

#[test]
fn a_running_server_takes_them_and_goes_on_from_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path(), &["--test-clock", NOW, "--keys", "flow-studio=sk_a"]);
    let ran = import(folder.path(), &sample("csv"), &[]);
    assert!(ran.code == Some(0) && ran.stdout.contains("opened 4 accounts; 0 were there already"), "{ran:?}");

    let mut client = server.client("sk_a");
    let charge = json!({ "tool": "live-action", "measures": { "seconds": 70 } }).to_string();
    let charged = client.post("/accounts/ana/charges", "charge", &charge);
    let from: Vec<(&Value, &Value)> =
        charged.body["from"].as_array().expect("lots").iter().map(|part| (&part["class"], &part["credits"])).collect();
    assert_eq!(from, [(&json!("subscription"), &json!(1200)), (&json!("top_up"), &json!(200))], "{charged:?}");

    // What happened since does not make it another opening, and an expiry that has come since is no mistake.
    let moved = client.post("/test-clock", "set", &json!({ "now": "2099-01-31T08:30:00Z" }).to_string());
    assert_eq!(moved.status, 200, "{moved:?}");
    let again = import(folder.path(), &sample("csv"), &[]);
    assert!(again.code == Some(0) && again.stdout.contains("opened 0 accounts; 4 were there already"), "{again:?}");

    // The cycle's turn refills as always: on the 31st at half past nine in Zagreb.
    let balance = client.get("/accounts/ana/balance").body;
    let lots: Vec<_> = balance["lots"].as_array().expect("lots").iter().collect();
    assert_eq!((&lots[0]["remaining"], &lots[0]["expires_at"]), (&json!(3000), &json!("2099-02-28T08:30:00Z")));
    assert_eq!((&lots[1]["remaining"], &lots[1]["class"]), (&json!(300), &json!("top_up")));
    server.stop();
    verified(folder.path());
}

/// What is in the way, account by account, before anything is written.
#[test]
fn accounts_that_are_there_otherwise_are_conflicts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path(), &["--test-clock", NOW, "--keys", "flow-studio=sk_a"]);
    assert_eq!(server.client("sk_a").put("/accounts/bruno", "{}").status, 201);
    let file = folder.path().join("customers.csv");
    std::fs::write(&file, "account,top_up\nana,5\n").expect("it can be written");
    assert_eq!(import(folder.path(), &file, &[]).code, Some(0));
    std::fs::write(&file, "account,top_up\nana,6\nbruno,5\nclara,5\n").expect("it can be written");
    let ran = import(folder.path(), &file, &[]);
    let expected = [
        "2: account: `ana` is there already, opened by an import that said something else of it",
        "3: account: `bruno` is there already, and was not opened by an import",
    ];
    assert_eq!((ran.code, told(&ran, &file)), (Some(1), expected.join("\n")), "{ran:?}");
    assert_eq!(server.client("sk_a").get("/accounts/clara").status, 404);
}

/// The lines that name a line of the file.
fn told(ran: &Ran, file: &Path) -> String {
    let prefix = format!("{}:", file.display());
    let told: Vec<&str> = ran
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix(&prefix))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    told.join("\n")
}

/// A file and all that is told of it.
type Bad = (&'static [u8], &'static str);

const PLAIN: &str = "expected a plain number such as 1200 or 4.5: no spaces, thousands separators or exponents";

const BAD_CSV: &[Bad] = &[
    // The file as a whole.
    (b"", "1: the file is empty"),
    (b"\n\n", "1: the file is empty"),
    (b"account,plan\n", "1: there is no account in the file"),
    (b"ana,lite\n", "1: there is no column `ana`: the columns are …\n1: there is no column `lite`: the columns are …"),
    (b"account;plan\nana;lite\n", "1: there is no column `account;plan`: cells are separated by commas"),
    (b"account,top_up,account\nana,1,ana\n", "1: the column account comes twice"),
    (b"plan,anchor\n", "1: there is no column account: the first line names the columns"),
    (b"account,top_up\nana,1\nerased~1,1\n", "3: account: expected an id of your own: this one stands for an account whose texts were erased; found `erased~1`"),
    (b"\xff\xfea\0c\0", "1: the last line does not end with a line break: the file may be cut short; add one if it is whole"),
    // Lines.
    (b"account,top_up\nana,1\nbruno,12", "3: the last line does not end with a line break: the file may be cut short; add one if it is whole"),
    (b"account,top_up\rana,1\r", "1: the last line does not end with a line break: the file may be cut short; add one if it is whole"),
    (b"account,top_up\nana,1\rbruno,2\nclara,3\n", "2: a carriage return in the middle: lines end with LF or CR LF"),
    (b"account,name\nana,A\xffna\nbruno,B\0\n", "2: not UTF-8: save the file as UTF-8 text\n3: a NUL byte: save the file as UTF-8 text"),
    (b"account\n\xef\xbb\xbfana\n", "2: a byte-order mark that is not at the file's beginning"),
    (b"account,name\nana,\"Ana\nbruno,Bruno\n", "2: cell 2: the quote is not closed in its line"),
    (b"account,name\nana,Ana \"A\" B\nbruno,\"B\"b\n",
        "2: cell 2: a quote in the middle: quote the whole cell, and double the quotes in it\n3: cell 2: something stands after its closing quote"),
    (b"account,top_up\nana\nbruno,1,000\n", "2: 1 cells under 2 columns\n3: 3 cells under 2 columns"),
    // Accounts.
    (b"account,top_up\nana,1\nbruno,2\nana,3\n", "4: account: `ana` is in line 2 already"),
    (b"account,top_up\nana,1\nana,1\n", "3: account: `ana` is in line 2 already, and this is no lot"),
    (b"account,top_up\n,1\na b,2\n", "2: account: is missing\n3: account: expected 1 to 128 of A-Z a-z 0-9 . _ : @ -; found `a b`"),
    (b"account,time_zone,project_types,name\nana,Mars/Olympus,live-action;sculpting,  \n",
        "2: name: expected 1 to 256 characters that are not all blank, none of them a control character; found `  `\n\
         2: time_zone: not a time zone of the IANA database, such as Europe/Zagreb; found `Mars/Olympus`"),
    (b"account,project_types\nana,live-action;sculpting\n",
        "2: project_types: expected project types of the catalog: live-action, ai-mocap, animation"),
    // Plans.
    (b"account,plan,anchor,subscription_remaining\nana,silver,2029-01-01T00:00:00Z,1\n", "2: plan: the catalog in force has no such plan"),
    (b"account,plan,anchor,state,subscription_remaining\nana,lite,,,1\nbruno,lite,2029-01-01,on,1\nclara,,2029-01-01T00:00:00Z,active,7\n",
        "2: anchor: is missing\n\
         3: anchor: not an RFC 3339 time with an offset, such as 2026-01-31T10:00:00Z; found `2029-01-01`\n\
         3: state: expected active, past_due or paused; found `on`\n\
         4: anchor: is there without a plan\n4: state: is there without a plan\n\
         4: subscription_remaining: is there without a plan; credits that were given are a lot"),
    (b"account,plan,anchor,subscription_remaining\nana,lite,2029-01-01T00:00:00Z,3000.5\nbruno,lite,2029-01-01T00:00:00Z,\nclara,lite,2030-02-01T00:00:00Z,1\n",
        "2: subscription_remaining: expected at most 3000, which lite grants in a cycle\n\
         3: subscription_remaining: expected what is left of this cycle's 3000: 0 where nothing is\n\
         4: subscription_remaining: expected nothing, as the subscription begins only at its anchor, 2030-02-01T00:00:00Z"),
    // Lots.
    (b"account,class,credits,granted,expires_at,granted_at,priority\n\
        a,subscription,5,,,,\nb,gift,5,,,,\nc,promo,,,,,\nd,,5,,,,\ne,top_up,5,4,,,\nf,promo,5,,2030-01-20T10:00:00Z,,\n\
        g,promo,5,,2029-05-01T00:00:00Z,2029-06-01T00:00:00Z,\nh,promo,5,,,2030-01-20T10:00:01Z,\ni,promo,5,,2031-01-01T00:00:00,,\n\
        j,top_up,5,,,,9\nk,promo,5,,,,256\n",
        "2: class: a plan's credits are not a lot: say what is left of them in subscription_remaining; found `subscription`\n\
         3: class: expected top_up, promo or make_good; found `gift`\n\
         4: credits: is missing\n5: class: is missing\n6: granted: is less than the 5 that are left\n\
         7: expires_at: expected a time that is ahead\n8: expires_at: is not after granted_at\n\
         9: granted_at: is ahead of 2030-01-20T10:00:00Z, the time here\n\
         10: expires_at: not an RFC 3339 time with an offset, such as 2026-01-31T10:00:00Z; found `2031-01-01T00:00:00`\n\
         11: priority: expected 10 or more: top-ups are never spent before the subscription\n\
         12: priority: expected a whole number from 0 to 255; found `256`"),
    (b"account,name,class,credits,top_up\nana,Ana,top_up,5,\nana,,promo,5,\nana,Anna,promo,5,7\n",
        "4: name: differs from line 2, of the same account\n4: top_up: differs from line 2, of the same account"),
    // All of a row, and all rows; an account that is all right does not help.
    (b"account,plan,anchor,top_up\nana,Lite,soon,-1\nbruno,,,5\nclara,,,x\n",
        "2: anchor: not an RFC 3339 time with an offset, such as 2026-01-31T10:00:00Z; found `soon`\n\
         2: plan: expected lower-case letters, digits and dashes, starting with a letter, at most 64; found `Lite`\n\
         2: top_up: expected 0 or more; found `-1`\n\
         4: top_up: PLAIN; found `x`"),
];

const BAD_JSON: &[Bad] = &[
    (b"", "1: there is no account in the file"),
    (b"{\"account\":\"ana\"}\n[]\n{\"account\":\"bruno\",\n", "2: not an account …\n3: not an account …"),
    (b"{\"account\":\"ana\",\"balance\":5}\n{\"account\":\"ana\",\"account\":\"bruno\"}\n", "1: not an account …\n2: not an account …"),
    (b"{\"account\":\"ana\",\"top_up\":\"5\"}\n{\"account\":5}\n{\"account\":\"c\",\"top_up\":1.0000001}\n{\"account\":\"d\",\"top_up\":1e3}\n",
        "1: top_up: expected a number\n2: account: expected a text\n3: top_up: expected at most 6 decimals; found `1.0000001`\n4: top_up: PLAIN; found `1e3`"),
    (b"{\"account\":\"ana\"}\n{\"account\":\"ana\"}\n", "2: account: `ana` is in line 1 already"),
    (b"{\"account\":\"ana\",\"project_types\":[]}\n{\"account\":\"b\",\"project_types\":[\"\"]}\n",
        "1: project_types: expected at least one name; leave it out where all may run\n\
         2: project_types: expected lower-case letters, digits and dashes, starting with a letter, at most 64; found ``"),
    (b"{\"account\":\"ana\",\"lots\":[{\"class\":\"promo\",\"credits\":5},{\"credits\":5},{\"class\":\"promo\",\"credits\":5,\"expires_at\":\"2029-01-01T00:00:00Z\"}]}\n\
       {\"account\":\"b\",\"lots\":[{\"class\":\"promo\",\"credits\":5,\"expires_at\":\"2029-01-01T00:00:00Z\"}],\"project_types\":[\"x\"]}\n",
        "1: lots[1].class: is missing\n2: lots[0].expires_at: expected a time that is ahead\n\
         2: project_types: expected project types of the catalog: live-action, ai-mocap, animation"),
];

/// A message with what varies, or repeats, in short.
fn short(told: &str) -> String {
    let cut = |line: &str| match (line.split_once("the columns are "), line.split_once("not an account ")) {
        (Some((before, _)), _) => format!("{before}the columns are …"),
        (None, Some((before, _))) => format!("{before}not an account …"),
        (None, None) => line.replace(PLAIN, "PLAIN"),
    };
    told.lines().map(cut).collect::<Vec<_>>().join("\n")
}

#[test]
fn all_that_is_wrong_is_told_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    prepare(&data);
    let server = Server::start(&data, &["--test-clock", NOW]);
    let amounts = ["1,000", "1 000", "1e3", "0.0000001", "-5", "8000000000.000001", "5 ", "", "NaN", "\u{661}", "0x10"];
    let plain = |amount: &str| format!("{PLAIN}; found `{amount}`");
    let problem = |amount: &str| match amount {
        "0.0000001" => format!("expected at most 6 decimals; found `{amount}`"),
        "-5" => format!("expected 0 or more; found `{amount}`"),
        "8000000000.000001" => format!("expected at most 8,000,000,000; found `{amount}`"),
        "" => "is missing".to_owned(),
        other => plain(other),
    };
    let mut files: Vec<(&str, Vec<u8>, String)> = Vec::new();
    let forms = [("csv", BAD_CSV), ("jsonl", BAD_JSON)];
    files.extend(
        forms
            .iter()
            .flat_map(|(form, bad)| bad.iter().map(|(text, expected)| (*form, text.to_vec(), (*expected).to_owned()))),
    );
    let rows: String =
        amounts.iter().zip('a'..).map(|(amount, account)| format!("{account},promo,\"{amount}\"\n")).collect();
    let told_of: Vec<_> =
        amounts.iter().zip(2..).map(|(amount, line)| format!("{line}: credits: {}", problem(amount))).collect();
    files.push(("csv", format!("account,class,credits\n{rows}").into_bytes(), short(&told_of.join("\n"))));
    for (form, text, expected) in files {
        let file = folder.path().join(format!("bad.{form}"));
        std::fs::write(&file, &text).expect("it can be written");
        let ran = import(&data, &file, &[]);
        let shown = String::from_utf8_lossy(&text);
        assert_eq!(short(&told(&ran, &file)), expected, "{shown}\n{}", ran.stderr);
        assert!(ran.code == Some(1) && ran.stderr.ends_with("nothing was written\n"), "{shown}: {ran:?}");
    }
    server.stop();
    assert_eq!(contents(&data), BTreeMap::new());
}

#[test]
fn very_many_mistakes_are_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    prepare(folder.path());
    let file = folder.path().join("customers.csv");
    let long = "x".repeat(1 << 20);
    let rows: String = (0..1_234).map(|account| format!("a{account},-1\n")).collect();
    std::fs::write(&file, format!("account,top_up\n{rows}last,{long}\n")).expect("it can be written");
    let ran = import(folder.path(), &file, &[]);
    assert_eq!((ran.code, told(&ran, &file).lines().count()), (Some(1), 1_000));
    let summed = format!("{0}: 235 more\nscrip: {0}: 1,235 mistakes; nothing was written\n", file.display());
    assert!(ran.stderr.ends_with(&summed), "{}", ran.stderr);
}

/// Rows of which nothing is left are no lots; none is passed over because there are many.
#[test]
fn every_row_of_an_account_counts() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let (folder, file) = (parent.path().join("data"), parent.path().join("customers.csv"));
    prepare(&folder);
    for (empty, full, code, says) in [
        (60, 201, 1, "2: lots: expected at most 200 lots"),
        (800, 201, 1, "1002: account: has more than 1000 rows"),
        (60, 200, 0, ""),
    ] {
        let rows = |count, credits| format!("ana,promo,{credits}\n").repeat(count);
        let text = format!("account,class,credits\n{}{}bruno,promo,5\n", rows(empty, 0), rows(full, 1));
        std::fs::write(&file, text).expect("it can be written");
        let ran = import(&folder, &file, &[]);
        assert_eq!((ran.code, told(&ran, &file)), (Some(code), says.to_owned()), "{ran:?}");
        let kept = export(&folder, "lots").lines().skip(1).count();
        assert_eq!(kept, if code == 0 { full + 1 } else { 0 });
    }
}

#[test]
fn what_cannot_be_begun_is_said() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let (folder, file) = (parent.path().join("data"), parent.path().join("a.csv"));
    prepare(&folder);
    let plan = "account,plan,anchor,subscription_remaining\nana,lite,2029-01-20T09:00:00Z,1\n";
    std::fs::write(&file, plan).expect("it can be written");
    let data = folder.display().to_string();
    let (named, nowhere) = (file.display().to_string(), parent.path().join("none").display().to_string());
    let opening = ["--opening", named.as_str()];
    for (arguments, code, says) in [
        (&["--data", &data, "--studio", "nobody"][..], 1, "there is no studio `nobody`; studios: flow-studio"),
        (&["--data", &nowhere, "--studio", "flow-studio"], 3, "none"),
        (&["--data", &data], 2, "--studio"),
        (&["--data", &data, "--studio", "flow-studio", "--as-of", "2031-01-01T00:00:00Z"], 1, "is ahead of"),
        (
            &["--data", &data, "--studio", "flow-studio", "--as-of", "2030-01-20T08:59:59Z"],
            1,
            "2: subscription_remaining: expected what is left of the cycle that has begun since 2030-01-20T08:59:59Z",
        ),
        (&["--data", &data, "--studio", "flow-studio", "--as-of", "2030-01-20T09:00:00Z", "--dry-run"], 0, ""),
        (&["--data", &data, "--studio", "flow-studio", "--form", "jsonl"], 1, "1: not an account"),
    ] {
        let ran = run(&[&["import"], &opening[..], arguments].concat());
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(says), "{arguments:?}: {ran:?}");
    }
    let ran = run(&["import", "--data", &data, "--studio", "flow-studio", "--opening", "/dev/null"]);
    assert!(ran.code == Some(3) && ran.stderr.contains("must be a file"), "{ran:?}");
    assert!(!Path::new(&nowhere).exists(), "no store was made");
    assert_eq!(contents(&folder), BTreeMap::new());
}

/// An import that is taken up again in a later cycle does not take what was left of the one before for its own: a file
/// tells of the instant at which it was last written, whenever it is imported.
#[test]
fn a_file_tells_of_the_instant_at_which_it_was_written() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let (folder, path) = (parent.path().join("data"), parent.path().join("customers.csv"));
    prepare(&folder);
    let turns = "account,plan,anchor,subscription_remaining\nana,lite,2029-01-20T09:00:00Z,1\n";
    std::fs::write(&path, turns).expect("it can be written");
    let (data, named) = (folder.display().to_string(), path.display().to_string());
    // 09:00 is 1,895,130,000 seconds after the epoch.
    for (written, code, says) in [
        (
            1_895_129_999,
            1,
            "2: subscription_remaining: expected what is left of the cycle that has begun since 2030-01-20T08:59:59Z",
        ),
        (
            1_895_133_601,
            1,
            "as of 2030-01-20T10:00:01Z, when the file was last written: this is ahead of 2030-01-20T10:00:00Z",
        ),
        (
            1_895_130_000,
            0,
            "customers.csv: 1 accounts of flow-studio\n  as of 2030-01-20T09:00:00Z, when the file was last written\n",
        ),
    ] {
        let file = std::fs::File::options().write(true).open(&path).expect("it can be opened");
        file.set_modified(UNIX_EPOCH + Duration::from_secs(written)).expect("it can be set");
        let ran = run(&["import", "--data", &data, "--studio", "flow-studio", "--opening", &named]);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains(says), "{ran:?}");
    }
    assert_eq!(contents(&folder).len(), 1);
}

/// Customers of every kind.
fn customers(count: u32) -> String {
    let mut text =
        "account,name,plan,anchor,state,subscription_remaining,top_up,class,credits,granted,granted_at\n".to_owned();
    for number in 0..count {
        let plan = ["lite,2028-05-31T08:00:00Z,active,1200.5", "pro,2029-12-01T00:00:00Z,past_due,7", ",,,0"];
        let plan = plan[usize::try_from(number % 3).expect("small")];
        text.push_str(&format!("a{number},Customer {number},{plan},{number},,,,\n"));
        for lot in 0..number % 4 {
            text.push_str(&format!("a{number},,,,,,,promo,{},1000,202{lot}-01-01T00:00:00Z\n", lot + 1));
        }
    }
    text
}

/// The next of a fixed sequence of numbers below `below` (Knuth's 64-bit linear congruential generator).
fn next(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

/// Kills an import once so many bytes of its progress have come, and a little later.
fn kill_after(mut import: Command, bytes: u64, turns: u64) {
    let mut child = import.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the executable starts");
    let mut progress = child.stderr.take().expect("stderr is piped").take(bytes);
    std::io::copy(&mut progress, &mut std::io::sink()).expect("it can be read");
    (0..turns).for_each(|_| std::hint::spin_loop());
    child.kill().expect("it can be killed");
    child.wait().expect("it can be waited for");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("it can be made");
    for entry in std::fs::read_dir(from).expect("readable") {
        let path = entry.expect("an entry").path();
        std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("it can be copied");
    }
}

#[test]
fn killed_at_fifty_moments_it_leaves_whole_accounts_and_goes_on() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let (sound, file) = (parent.path().join("sound"), parent.path().join("customers.csv"));
    std::fs::write(&file, customers(1_000)).expect("it can be written");
    let prepared = parent.path().join("prepared");
    prepare(&prepared);
    copy(&prepared, &sound);
    let undisturbed = import(&sound, &file, &[]);
    assert_eq!(undisturbed.code, Some(0), "{undisturbed:?}");
    let expected = contents(&sound);
    assert_eq!(expected.len(), 1_000);
    let progress = u64::try_from(undisturbed.stderr.len()).expect("short");

    let (mut chance, mut in_the_middle) = (20_260_801, 0);
    for round in 0..10 {
        let folder = parent.path().join(format!("killed-{round}"));
        copy(&prepared, &folder);
        for kill in 0..5 {
            let (bytes, turns) = (next(&mut chance, progress), next(&mut chance, 1_000_000));
            kill_after(import_command(&folder, &file), bytes, turns);
            let left = accounts(&folder);
            for (account, line) in &left {
                assert_eq!(Some(line), expected[account].first(), "round {round}, kill {kill}: {account} is whole");
            }
            in_the_middle += u32::from(!left.is_empty() && left.len() < expected.len());
        }
        verified(&folder);
        let rest = import(&folder, &file, &[]);
        assert_eq!(rest.code, Some(0), "round {round}: {rest:?}");
        assert!(contents(&folder) == expected, "round {round}: as if it had never been killed");
    }
    assert!(in_the_middle > 5, "only {in_the_middle} of fifty kills came between the first account and the last");
}

#[test]
fn a_full_disk_and_ctrl_c_are_said_and_the_rest_is_done_later() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let (folder, file) = (parent.path().join("data"), parent.path().join("customers.csv"));
    std::fs::write(&file, customers(1_500)).expect("it can be written");
    prepare(&folder);

    // No file may grow beyond 200 KB.
    let script = r#"trap '' XFSZ; ulimit -f 400; exec "$0" "$@""#;
    let full = import_command(&folder, &file);
    let mut limited = Command::new("sh");
    limited.args(["-c", script]).arg(full.get_program()).args(full.get_args());
    let ran = ended(limited);
    assert!(ran.code == Some(3) && ran.stderr.contains("each of them whole: run it again for the rest"), "{ran:?}");
    verified(&folder);

    let mut child = import_command(&folder, &file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the executable starts");
    let mut errors = child.stderr.take().expect("stderr is piped");
    errors.read_exact(&mut [0]).expect("it says how far it has come");
    signal("INT", &child.id().to_string());
    let mut said = String::new();
    errors.read_to_string(&mut said).expect("output is text");
    let code = child.wait().expect("it can be waited for").code();
    assert!(code == Some(3) && said.contains("stopped"), "{code:?}: {said}");

    let ran = import(&folder, &file, &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(contents(&folder).len(), 1_500);
    verified(&folder);
}
