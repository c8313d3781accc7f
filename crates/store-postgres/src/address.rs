//! Where the database is, and how it wants to be spoken to: `postgres://…`, with two parameters of our own.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::tls::{Authorities, Belief, Tls};

/// A database's address.
#[derive(Clone)]
pub struct Address {
    pub(crate) config: Config,
    pub(crate) scope: Scope,
    pub(crate) statements: Statements,
    /// How long the database may take for what a caller waits for: a reading, or a transaction.
    pub(crate) patience: Duration,
    /// How connections are encrypted, if they are.
    pub(crate) tls: Option<Tls>,
    /// On how many connections the whole store is read at one instant.
    pub(crate) readers: usize,
}

/// What one transaction, and each of its statements, may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Accounts of any bucket: the fewest transactions, for a PostgreSQL that has all of them.
    AnyBucket,
    /// One bucket, named by a parameter: for an engine that distributes tables by it.
    OneBucket,
}

/// Whether statements are prepared once for each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statements {
    /// They are.
    Prepared,
    /// They are sent whole each time: for a pooler that gives each transaction another connection.
    Whole,
}

/// An address that cannot be read.
#[derive(Debug)]
pub struct WrongAddress(String);

impl std::fmt::Display for WrongAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongAddress {}

impl Address {
    /// Reads `postgres://user:password@host,host:port/database?…` as libpq does, and `transactions=any|bucket`,
    /// `statements=prepared|whole`, `patience=SECONDS` and `readers=COUNT`; `sslmode` and `sslrootcert` are as libpq's, but that
    /// nothing is encrypted that was not asked to be. A password never appears in an error.
    pub fn parse(text: &str) -> Result<Address, WrongAddress> {
        let (mut scope, mut statements) = (Scope::AnyBucket, Statements::Prepared);
        let (mut patience, mut readers) = (Duration::from_secs(5), 4);
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut belief, mut authorities) = (None, None);
        let mut theirs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair {
                "transactions=any" => scope = Scope::AnyBucket,
                "transactions=bucket" => scope = Scope::OneBucket,
                "statements=prepared" => statements = Statements::Prepared,
                "statements=whole" => statements = Statements::Whole,
                _ if pair.starts_with("transactions=") => return Err(wrong("transactions is any or bucket")),
                _ if pair.starts_with("statements=") => return Err(wrong("statements is prepared or whole")),
                _ if pair.starts_with("patience=") => {
                    let seconds = pair["patience=".len()..].parse().ok().filter(|seconds| (1..=3600).contains(seconds));
                    patience = Duration::from_secs(seconds.ok_or_else(|| wrong("patience is 1 to 3600 seconds"))?);
                }
                _ if pair.starts_with("readers=") => {
                    let count = pair["readers=".len()..].parse().ok().filter(|count| (1..=64).contains(count));
                    readers = count.ok_or_else(|| wrong("readers is a number from 1 to 64"))?;
                }
                "sslmode=disable" | "sslmode=prefer" => belief = None,
                "sslmode=require" => belief = Some(Belief::Anyone),
                "sslmode=verify-ca" => belief = Some(Belief::Certified),
                "sslmode=verify-full" => belief = Some(Belief::Named),
                _ if pair.starts_with("sslmode=") => {
                    return Err(wrong("sslmode is disable, require, verify-ca or verify-full"));
                }
                "sslrootcert=system" => authorities = Some(None),
                _ if pair.starts_with("sslrootcert=") => {
                    authorities = Some(Some(unescaped(&pair["sslrootcert=".len()..])?));
                }
                other => theirs.push(other),
            }
        }
        let theirs = if theirs.is_empty() { base.to_owned() } else { format!("{base}?{}", theirs.join("&")) };
        let mut config: Config = theirs.parse().map_err(|error: tokio_postgres::Error| {
            // What is wrong, without the text that holds the password.
            wrong(&format!("not an address of a database: {error}"))
        })?;
        let tls = match (belief, &authorities) {
            (None, None) => None,
            (None, Some(_)) => return Err(wrong("sslrootcert is for sslmode=require, verify-ca or verify-full")),
            (Some(Belief::Anyone), None) => Some(encrypted(Belief::Anyone, Authorities::Public)?),
            // Anybody can have a certificate of a public authority, in some name.
            (Some(Belief::Anyone | Belief::Certified), Some(None)) | (Some(Belief::Certified), None) => {
                return Err(wrong(
                    "public authorities (sslrootcert=system, or none named) are for sslmode=verify-full",
                ));
            }
            // As libpq does, which looks at what it is given.
            (Some(Belief::Anyone), Some(given)) => Some(encrypted(Belief::Certified, given_or_public(given))?),
            (Some(belief), given) => {
                Some(encrypted(belief, given.as_ref().map_or(Authorities::Public, given_or_public))?)
            }
        };
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(3));
        }
        // A machine that has lost its power says nothing: what waits for it is given up after about half a minute.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(20));
        }
        if config.get_keepalives_interval().is_none() {
            config
                .keepalives_idle(Duration::from_secs(10))
                .keepalives_interval(Duration::from_secs(5))
                .keepalives_retries(3);
        }
        config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        config.application_name("scrip");
        Ok(Address { config, scope, statements, patience, tls, readers })
    }

    /// An address for each host, in their order: the client library would wait for one that accepts connections and says
    /// nothing, and never try the next.
    pub(crate) fn hosts(&self) -> Vec<Config> {
        let (hosts, addresses, ports) = (self.config.get_hosts(), self.config.get_hostaddrs(), self.config.get_ports());
        let count = hosts.len().max(addresses.len());
        let socket = |host: Option<&Host>| matches!(host, Some(Host::Unix(_)));
        if count < 2 && addresses.is_empty() {
            let mut only = self.config.clone();
            if socket(hosts.first()) {
                only.ssl_mode(SslMode::Disable);
            }
            return vec![only];
        }
        let one = |place: usize| {
            let mut one = without_hosts(&self.config);
            match (hosts.get(place), addresses.get(place)) {
                (Some(Host::Tcp(name)), None) => drop(one.host(name)),
                (Some(Host::Tcp(name)), Some(address)) => drop(one.host(name).hostaddr(*address)),
                // Nobody listens between the two ends of a socket.
                (Some(Host::Unix(folder)), None) => drop(one.host_path(folder).ssl_mode(SslMode::Disable)),
                // An address that is given beside a socket is asked instead of it, by its number.
                (Some(Host::Unix(_)) | None, Some(address)) => drop(one.host(address.to_string()).hostaddr(*address)),
                (None, None) => {}
            }
            // One port is for all.
            ports.get(place).or(ports.first()).map(|port| one.port(*port));
            one
        };
        (0..count).map(one).collect()
    }
}

/// Everything of an address but where it is.
fn without_hosts(config: &Config) -> Config {
    let mut other = Config::new();
    config.get_user().map(|user| other.user(user));
    config.get_password().map(|password| other.password(password));
    config.get_dbname().map(|name| other.dbname(name));
    config.get_options().map(|options| other.options(options));
    config.get_application_name().map(|name| other.application_name(name));
    config.get_connect_timeout().map(|limit| other.connect_timeout(*limit));
    config.get_tcp_user_timeout().map(|limit| other.tcp_user_timeout(*limit));
    config.get_keepalives_interval().map(|interval| other.keepalives_interval(interval));
    config.get_keepalives_retries().map(|retries| other.keepalives_retries(retries));
    other
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .channel_binding(config.get_channel_binding())
        .target_session_attrs(config.get_target_session_attrs());
    other
}

fn encrypted(belief: Belief, authorities: Authorities<'_>) -> Result<Tls, WrongAddress> {
    Tls::new(belief, authorities).map_err(WrongAddress)
}

fn given_or_public(given: &Option<PathBuf>) -> Authorities<'_> {
    given.as_deref().map_or(Authorities::Public, Authorities::File)
}

/// A parameter's value, in which `%2F` stands for a slash.
fn unescaped(value: &str) -> Result<PathBuf, WrongAddress> {
    let mut parts = value.split('%');
    let mut text = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        text.push(byte.ok_or_else(|| wrong("a `%` in it stands before two hexadecimal digits"))?);
        text.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(text).map(PathBuf::from).map_err(|_| wrong("the path of sslrootcert is not UTF-8"))
}

fn wrong(what: &str) -> WrongAddress {
    WrongAddress(what.to_owned())
}
