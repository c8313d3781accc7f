//! Connections that are encrypted, and whom they believe, as the address asks.

use std::sync::Arc;

use scrip_engine::store::joint::JointStore;
use scrip_engine::store::joint::conformance::{Subject, check};
use scrip_store_postgres::harness::{self, Cluster};
use scrip_store_postgres::{Address, PostgresStore};

struct Database(Address);

impl Subject for Database {
    fn open(&mut self) -> Arc<dyn JointStore> {
        Arc::new(PostgresStore::open(&self.0).expect("a database that answers"))
    }
}

/// The end of a file's path as an address has it.
fn escaped(cluster: &Cluster, name: &str) -> String {
    cluster.file(name).display().to_string().replace('/', "%2F")
}

/// The address of a database through the server's socket: in plain text.
fn local(cluster: &Cluster, port: u16, name: &str) -> Address {
    let socket = escaped(cluster, "");
    let text = format!("postgres://scrip@{}:{port}/{name}", socket.trim_end_matches("%2F"));
    Address::parse(&text).expect("an address of our own making")
}

/// Whether the store can be opened, as it says itself.
fn opened(address: &str) -> Result<PostgresStore, String> {
    let address = Address::parse(address).map_err(|error| error.to_string())?;
    PostgresStore::open(&address).map_err(|error| error.to_string())
}

#[test]
fn it_believes_whom_the_address_says() {
    let (cluster, port) = Cluster::encrypted();
    let port = *port;
    harness::run(&local(cluster, port, "postgres"), "CREATE DATABASE scrip");
    let opened_here = local(cluster, port, "scrip");
    let (known, other) = (escaped(cluster, "known.pem"), escaped(cluster, "other.pem"));
    for (host, parameters, expected) in [
        ("127.0.0.1", "".to_owned(), Ok("f")),
        ("127.0.0.1", "sslmode=disable".to_owned(), Ok("f")),
        ("127.0.0.1", "sslmode=require".to_owned(), Ok("t")),
        ("127.0.0.1", format!("sslmode=require&sslrootcert={known}"), Ok("t")),
        ("127.0.0.1", format!("sslmode=require&sslrootcert={other}"), Err("UnknownIssuer")),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={known}"), Ok("t")),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={other}"), Err("UnknownIssuer")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={known}"), Ok("t")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={other}"), Err("UnknownIssuer")),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={known}"), Err("not valid for name")),
        // An address beside a socket is what is connected to.
        ("%2Fnowhere", "hostaddr=127.0.0.1".to_owned(), Ok("f")),
        ("%2Fnowhere", "hostaddr=127.0.0.1&sslmode=require".to_owned(), Ok("t")),
        ("%2Fnowhere", format!("hostaddr=127.0.0.1&sslmode=verify-ca&sslrootcert={other}"), Err("UnknownIssuer")),
        // Nobody browsers believe has certified it.
        ("localhost", "sslmode=verify-full".to_owned(), Err("UnknownIssuer")),
        ("localhost", "sslmode=verify-full&sslrootcert=system".to_owned(), Err("UnknownIssuer")),
        (
            "localhost",
            "sslmode=verify-full&sslrootcert=nowhere.pem".to_owned(),
            Err("sslrootcert: nowhere.pem: No such file"),
        ),
        (
            "localhost",
            format!("sslmode=verify-full&sslrootcert={}", escaped(cluster, "server.key")),
            Err("it holds no certificate"),
        ),
        ("localhost", format!("sslrootcert={known}"), Err("sslrootcert is for sslmode=require")),
        ("localhost", "sslmode=verify-ca".to_owned(), Err("are for sslmode=verify-full")),
        ("localhost", "sslmode=require&sslrootcert=system".to_owned(), Err("are for sslmode=verify-full")),
        ("localhost", "sslmode=always".to_owned(), Err("sslmode is disable, require, verify-ca or verify-full")),
    ] {
        let address = format!("postgres://scrip@{host}:{port}/scrip?patience=60&{parameters}");
        match (opened(&address), expected) {
            (Ok(store), Ok(encrypted)) => {
                let asked = "SELECT DISTINCT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
                    WHERE a.application_name = 'scrip' AND a.client_addr IS NOT NULL AND a.datname = 'scrip'";
                assert_eq!(harness::ask(&opened_here, asked), [encrypted], "{parameters}");
                drop(store);
                // Its connections go with it, a moment later.
                let left = "SELECT pg_sleep(0.01) FROM pg_stat_activity
                    WHERE application_name = 'scrip' AND client_addr IS NOT NULL AND datname = 'scrip'";
                while !harness::ask(&opened_here, left).is_empty() {}
            }
            (Err(refused), Err(words)) => assert!(refused.contains(words), "{host} {parameters}: {refused}"),
            (opened, _) => panic!("{host} {parameters}: {:?}", opened.err()),
        }
    }
}

/// Nothing is sent in plain text to a server that does not encrypt; a socket needs no encryption.
#[test]
fn what_is_to_be_encrypted_is_not_sent_in_plain_text() {
    let plain = Cluster::start("");
    let folder = escaped(&plain, "");
    let folder = folder.trim_end_matches("%2F");
    opened(&format!("postgres://scrip@{folder}/postgres?patience=60&sslmode=verify-full")).expect("it is a socket");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it has one").port();
    let server = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};

        let (mut client, _) = listener.accept().expect("a client comes");
        let mut asked = [0; 8];
        client.read_exact(&mut asked).expect("it asks for encryption");
        client.write_all(b"N").expect("it hears");
        let mut more = Vec::new();
        client.read_to_end(&mut more).expect("it goes");
        more
    });
    let refused = opened(&format!("postgres://scrip:secret@127.0.0.1:{port}/scrip?sslmode=require")).err();
    assert!(refused.as_ref().is_some_and(|refused| refused.contains("server does not support TLS")), "{refused:?}");
    let sent = server.join().expect("it ends well");
    assert!(sent.is_empty(), "it sent {sent:?} all the same");
}

#[test]
fn it_conforms_encrypted() {
    let (cluster, port) = Cluster::encrypted();
    let port = *port;
    let known = escaped(cluster, "known.pem");
    let local = local(cluster, port, "postgres");
    let mut count = 0;
    check(|| {
        count += 1;
        harness::run(&local, &format!("CREATE DATABASE encrypted_{count}"));
        let address = format!(
            "postgres://scrip@localhost:{port}/encrypted_{count}?patience=60&sslmode=verify-full&sslrootcert={known}"
        );
        Database(Address::parse(&address).expect("an address of our own making"))
    });
}
