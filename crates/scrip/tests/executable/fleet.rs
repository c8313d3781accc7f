//! Several servers on one database, under load, while servers or the database itself are killed with `kill -9`: whatever was
//! acknowledged is there, once.
//!
//! Short in the tests; `SCRIP_FLEET_SECONDS` and `SCRIP_FLEET_CLIENTS` make it long (120 and 200 are a fair trial).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{RwLock, mpsc};
use std::time::{Duration, Instant};

use scrip_store_postgres::harness::{self, Cluster, address_of};
use serde_json::json;

use crate::support::{Answer, Client, Post, Seeded, Server, scrip, shipped, succeed};

const SECRET: &str = "sk_fleet";
const KEYS: &str = "studiotwin=sk_fleet";
const GRANTED: u64 = 1_000_000_000;
/// Accounts that all clients share; besides, each has one of its own.
const SHARED: usize = 3;

/// Servers that share a database.
struct Fleet {
    store: String,
    servers: Vec<Server>,
}

impl Fleet {
    fn start(store: &str, count: usize) -> Fleet {
        let first = serve(store, &["--catalog", &shipped("studiotwin")]);
        let others = (1..count).map(|_| serve(store, &[]));
        Fleet { store: store.to_owned(), servers: std::iter::once(first).chain(others).collect() }
    }

    fn addresses(&self) -> Vec<String> {
        self.servers.iter().map(|server| server.address.clone()).collect()
    }

    /// Kills one and starts another in its place.
    fn replace(&mut self, place: usize, crowd: &Crowd) {
        self.servers.remove(place).kill();
        self.servers.insert(place, serve(&self.store, &[]));
        *crowd.addresses.write().expect("nobody panics") = self.addresses();
    }
}

fn serve(store: &str, more: &[&str]) -> Server {
    let mut command = scrip();
    command.args(["serve", "--store", store, "--listen", "127.0.0.1:0", "--log", "off", "--keys", KEYS]).args(more);
    Server::spawn(command)
}

/// Clients, and where they find servers.
struct Crowd {
    addresses: RwLock<Vec<String>>,
    clients: usize,
    /// The number of each client's first job.
    first: usize,
    over: AtomicBool,
}

/// What a client was told.
struct Told {
    account: String,
    post: Post,
    /// `None`: what it names was there, and is not any more.
    answer: Option<Answer>,
}

impl Told {
    /// What it took, in whole credits.
    fn charged(&self) -> u64 {
        let body = self.answer.as_ref().map(|answer| &answer.body);
        let of = |field| body.and_then(|body| body[field].as_u64());
        // Of a settle; of a charge; a hold takes nothing.
        of("charged").or_else(|| of("credits").filter(|_| self.post.path.ends_with("/charges"))).unwrap_or(0)
    }
}

impl Crowd {
    fn of(fleet: &Fleet, clients: usize) -> Crowd {
        let crowd =
            Crowd { addresses: RwLock::new(fleet.addresses()), clients, first: 0, over: AtomicBool::new(false) };
        let mut client = fleet.servers[0].client(SECRET);
        for account in crowd.accounts() {
            assert_eq!(client.put(&format!("/accounts/{account}"), "{}").status, 201);
            let grant = json!({"credits": GRANTED, "class": "top_up", "reason": "test"}).to_string();
            assert_eq!(client.post(&format!("/accounts/{account}/grants"), "fill", &grant).status, 201);
        }
        crowd
    }

    fn accounts(&self) -> impl Iterator<Item = String> {
        (0..SHARED).map(|n| format!("shared-{n}")).chain((0..self.clients).map(|n| format!("own-{n}")))
    }

    /// Lets the clients work while `meanwhile` does its worst; it hears of each acknowledgement. Answers all that was told.
    fn work(&self, meanwhile: impl FnOnce(&mpsc::Receiver<()>)) -> Vec<Told> {
        let (acknowledge, acknowledged) = mpsc::channel();
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients)
                .map(|name| {
                    let acknowledge = acknowledge.clone();
                    scope.spawn(move || self.client(name, &acknowledge))
                })
                .collect();
            meanwhile(&acknowledged);
            self.over.store(true, Ordering::Release);
            clients.into_iter().flat_map(|client| client.join().expect("a client ends well")).collect()
        })
    }

    /// One command after the other, at whichever server, each until it is answered.
    fn client(&self, name: usize, acknowledge: &mpsc::Sender<()>) -> Vec<Told> {
        let mut line = Line { crowd: self, client: None, chance: Seeded(u64::try_from(name).expect("few")) };
        let mut told = Vec::new();
        for turn in self.first.. {
            if self.over.load(Ordering::Acquire) {
                break;
            }
            let shared = turn % 4 == 0;
            let account = if shared { format!("shared-{}", (name + turn / 4) % SHARED) } else { format!("own-{name}") };
            let job = format!("{name}-{turn}");
            let used = r#"{"tool":"text-to-motion","measures":{"actions":1}}"#;
            let place = if turn % 3 == 0 { "holds" } else { "charges" };
            let body = match place {
                "holds" => json!({"tool": "text-to-motion", "measures": {"actions": 2}, "hold": job}).to_string(),
                _ => used.to_owned(),
            };
            let first = Post { path: format!("/accounts/{account}/{place}"), key: job.clone(), body };
            told.push(line.insist(&account, first));
            if place == "holds" {
                let path = format!("/accounts/{account}/holds/{job}/settle");
                let settle = Post { path, key: format!("{job}-end"), body: r#"{"measures":{"actions":1}}"#.to_owned() };
                told.push(line.insist(&account, settle));
            }
            // Nobody listens any more once it is over.
            acknowledge.send(()).ok();
        }
        told
    }

    /// What of it is not known any more, or known otherwise.
    fn lost(&self, told: &[Told]) -> usize {
        std::thread::scope(|scope| {
            let share = told.len().div_ceil(8).max(1);
            let ask = |told: &[Told]| {
                let mut line = Line { crowd: self, client: None, chance: Seeded(1) };
                let lost = told.iter().filter(|told| {
                    let Some(first) = &told.answer else { return true };
                    let again = line.insist(&told.account, told.post.clone()).answer;
                    again.is_none_or(|again| !again.replayed || again.body != first.body)
                });
                lost.count()
            };
            let parts: Vec<_> = told.chunks(share).map(|part| scope.spawn(move || ask(part))).collect();
            parts.into_iter().map(|part| part.join().expect("it ends well")).sum()
        })
    }

    /// Fails unless each account has what is left of its grant after what clients were told was taken, to the credit.
    fn assert_sums(&self, server: &Server, told: &[Told]) {
        let mut left: BTreeMap<String, u64> = self.accounts().map(|account| (account, GRANTED)).collect();
        told.iter().for_each(|told| *left.get_mut(&told.account).expect("an account of theirs") -= told.charged());
        let mut client = server.client(SECRET);
        for (account, left) in left {
            let balance = client.get(&format!("/accounts/{account}/balance"));
            assert_eq!(
                (balance.body["remaining"].as_u64(), balance.body["held"].as_u64()),
                (Some(left), Some(0)),
                "{account}"
            );
        }
    }
}

/// A client's connection, for as long as it lasts.
struct Line<'a> {
    crowd: &'a Crowd,
    client: Option<Client>,
    chance: Seeded,
}

impl Line<'_> {
    /// Sends the command to one server after the other until it is answered.
    fn insist(&mut self, account: &str, post: Post) -> Told {
        loop {
            let answer = self.line().and_then(|client| client.try_post(&post));
            match answer {
                Ok(answer) if matches!(answer.status, 200 | 201) => {
                    return Told { account: account.to_owned(), post, answer: Some(answer) };
                }
                Ok(answer) if answer.status == 404 => return Told { account: account.to_owned(), post, answer: None },
                Ok(answer) => assert_eq!(answer.status, 503, "{post:?} was answered {answer:?}"),
                Err(_) => {}
            }
            self.client = None;
            // As a client does that means well by its servers.
            std::thread::sleep(self.chance.below(Duration::from_millis(50)));
        }
    }

    fn line(&mut self) -> std::io::Result<&mut Client> {
        if self.client.is_none() {
            let addresses = self.crowd.addresses.read().expect("nobody panics").clone();
            let many = u64::try_from(addresses.len()).expect("few");
            let place = self.chance.below(Duration::from_secs(many)).as_secs();
            self.client = Some(Client::connect(&addresses[usize::try_from(place).expect("few")], SECRET)?);
        }
        Ok(self.client.as_mut().expect("it was just made"))
    }
}

/// A number of the environment, for long runs.
fn asked_for(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn clients() -> usize {
    asked_for("SCRIP_FLEET_CLIENTS").map_or(24, |clients| usize::try_from(clients).expect("few"))
}

/// Waits for so many jobs to be done.
fn done(acknowledged: &mpsc::Receiver<()>, jobs: usize) {
    for _ in 0..jobs {
        acknowledged.recv().expect("clients are at work");
    }
}

#[test]
fn servers_are_killed_and_nothing_is_lost_or_done_twice() {
    let store = harness::database_address();
    let mut fleet = Fleet::start(&store, 3);
    let crowd = Crowd::of(&fleet, clients());
    let (begun, seconds) = (Instant::now(), asked_for("SCRIP_FLEET_SECONDS").unwrap_or(0));
    let mut killed = 0;
    let told = crowd.work(|acknowledged| {
        while killed < 4 || begun.elapsed().as_secs() < seconds {
            done(acknowledged, 8 * crowd.clients);
            fleet.replace(killed % 3, &crowd);
            killed += 1;
        }
        done(acknowledged, 2 * crowd.clients);
    });
    let took = begun.elapsed().as_secs_f64();
    crowd.assert_sums(&fleet.servers[0], &told);
    assert_eq!(crowd.lost(&told), 0);
    crowd.assert_sums(&fleet.servers[1], &told);
    println!(
        "3 servers, {} clients, {took:.0} s: {} commands acknowledged, {killed} times a server killed, 0 lost, 0 doubled",
        crowd.clients,
        told.len()
    );
    fleet.servers.into_iter().for_each(Server::stop);
    succeed(&["verify", "--store", &store]);
}

/// Whether the primary waits for its standby before it says that something is committed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standby {
    WaitedFor,
    Behind,
}

/// How a primary goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// At once.
    Killed,
    /// It hangs, and is there for whoever connects to it.
    Frozen,
}

/// Has the primary end under load and promotes its standby; answers how much of what was acknowledged is not known any more.
fn failover(standby_is: Standby, end: End) -> usize {
    let primary = Cluster::start("");
    harness::run(&primary.address("postgres"), "CREATE DATABASE scrip");
    let standby = primary.standby();
    let store = address_of(&[&primary, &standby], "scrip", "");
    let fleet = Fleet::start(&store, 2);
    let crowd = Crowd::of(&fleet, clients());
    if standby_is == Standby::WaitedFor {
        primary.wait_for_standby();
    }
    let mut away = Duration::ZERO;
    let told = crowd.work(|acknowledged| {
        done(acknowledged, 8 * crowd.clients);
        if standby_is == Standby::Behind {
            standby.fall_behind();
            done(acknowledged, 4 * crowd.clients);
        }
        match end {
            End::Killed => primary.kill(),
            End::Frozen => primary.freeze(),
        }
        let ended = Instant::now();
        standby.promote();
        // Each client may have had an answer on its way.
        done(acknowledged, 2 * crowd.clients);
        away = ended.elapsed();
        let begun = Instant::now();
        while begun.elapsed().as_secs() < asked_for("SCRIP_FLEET_SECONDS").unwrap_or(0) {
            done(acknowledged, crowd.clients);
        }
    });
    if standby_is == Standby::WaitedFor {
        crowd.assert_sums(&fleet.servers[0], &told);
    }
    let lost = crowd.lost(&told);
    let how = match end {
        End::Killed => "killed",
        End::Frozen => "frozen",
    };
    println!(
        "primary {how} under {} clients: {} commands acknowledged, {lost} lost; {:.1} s until two more jobs of each client were done",
        crowd.clients,
        told.len(),
        away.as_secs_f64()
    );
    fleet.servers.into_iter().for_each(Server::stop);
    succeed(&["verify", "--store", &store]);
    if end == End::Frozen {
        primary.kill();
    }
    lost
}

#[test]
fn a_standby_that_was_waited_for_loses_nothing() {
    assert_eq!(failover(Standby::WaitedFor, End::Killed), 0);
}

/// The same without waiting loses some: so the trial above can fail.
#[test]
fn a_standby_that_was_behind_loses_something() {
    assert_ne!(failover(Standby::Behind, End::Killed), 0);
}

/// A primary that hangs accepts connections and says nothing: servers go on with the one that took its place.
#[test]
fn a_primary_that_hangs_is_passed_over() {
    assert_eq!(failover(Standby::WaitedFor, End::Frozen), 0);
}

/// Of two standbys, either of which is enough, one may be away; when the primary goes, the one that is further is promoted.
#[test]
fn of_two_standbys_one_may_be_away() {
    let primary = Cluster::start("");
    harness::run(&primary.address("postgres"), "CREATE DATABASE scrip");
    let (first, second) = (primary.standby(), primary.standby());
    let store = address_of(&[&primary, &first, &second], "scrip", "");
    let fleet = Fleet::start(&store, 2);
    let crowd = Crowd::of(&fleet, clients());
    primary.wait_for_standby();
    let told = crowd.work(|acknowledged| {
        done(acknowledged, 4 * crowd.clients);
        // Nobody waits for the one that is away.
        first.freeze();
        done(acknowledged, 4 * crowd.clients);
        primary.kill();
        first.thaw();
        let further = if first.received() > second.received() { &first } else { &second };
        further.promote();
        done(acknowledged, 2 * crowd.clients);
    });
    crowd.assert_sums(&fleet.servers[0], &told);
    assert_eq!(crowd.lost(&told), 0);
    println!("2 standbys, one of them away for a time: {} commands acknowledged, 0 lost", told.len());
    fleet.servers.into_iter().for_each(Server::stop);
    succeed(&["verify", "--store", &store]);
}

/// A standby is read as it stands.
#[test]
fn a_standby_can_be_proved() {
    let primary = Cluster::start("");
    harness::run(&primary.address("postgres"), "CREATE DATABASE scrip");
    let standby = primary.standby();
    let fleet = Fleet::start(&address_of(&[&primary], "scrip", ""), 1);
    primary.wait_for_standby();
    let crowd = Crowd::of(&fleet, 3);
    drop(crowd.work(|acknowledged| done(acknowledged, 20)));
    fleet.servers.into_iter().for_each(Server::stop);
    let proved = succeed(&["verify", "--store", &fleet.store]);
    primary.kill();
    assert_eq!(succeed(&["verify", "--store", &address_of(&[&standby], "scrip", "")]), proved);
}

/// PostgreSQL's own backups: a base backup and the archived log bring back any point in time, and the seal of that time says so.
#[test]
fn a_point_in_time_comes_back() {
    let ground = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| ground.path().join(name).display().to_string();
    let primary = Cluster::start("-c archive_mode=on -c archive_command='cp %p ../archive-%f'");
    harness::run(&primary.address("postgres"), "CREATE DATABASE scrip");
    let store = address_of(&[&primary], "scrip", "");
    let fleet = Fleet::start(&store, 1);
    let mut crowd = Crowd::of(&fleet, 3);
    let base = primary.back_up("base");
    let before = crowd.work(|acknowledged| done(acknowledged, 20));
    succeed(&["seal", "--store", &store, &path("seal")]);
    harness::run(&primary.address("scrip"), "SELECT pg_create_restore_point('noon')");
    (crowd.first, crowd.over) = (1_000_000, AtomicBool::new(false));
    let after = crowd.work(|acknowledged| done(acknowledged, 20));
    fleet.servers.into_iter().for_each(Server::stop);
    let log = harness::ask(&primary.address("scrip"), "SELECT pg_walfile_name(pg_switch_wal())").remove(0);
    while !primary.file(&format!("archive-{log}")).exists() {
        harness::run(&primary.address("scrip"), "SELECT pg_sleep(0.05)");
    }
    primary.kill();
    let restored = Cluster::restored(&base, &primary.file("archive-"), "noon");
    let store = address_of(&[&restored], "scrip", "");
    succeed(&["verify", "--store", &store, "--since", &path("seal")]);
    let fleet = Fleet { servers: vec![serve(&store, &[])], store };
    *crowd.addresses.write().expect("nobody panics") = fleet.addresses();
    assert_eq!(crowd.lost(&before), 0, "what was before that point");
    crowd.assert_sums(&fleet.servers[0], &before);
    assert!(crowd.lost(&after) > 0, "what came after it is gone");
    fleet.servers.into_iter().for_each(Server::stop);
}
