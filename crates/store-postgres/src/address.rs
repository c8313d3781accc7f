//! Where the database is, and how it wants to be spoken to: `postgres://…`, with two parameters of our own.

use std::time::Duration;

use tokio_postgres::Config;

/// A database's address.
#[derive(Clone)]
pub struct Address {
    pub(crate) config: Config,
    pub(crate) scope: Scope,
    pub(crate) statements: Statements,
    /// How long the database may take for what a caller waits for: a reading, or a transaction.
    pub(crate) patience: Duration,
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
    /// `statements=prepared|whole` and `patience=SECONDS`. A password never appears in an error.
    pub fn parse(text: &str) -> Result<Address, WrongAddress> {
        let (mut scope, mut statements) = (Scope::AnyBucket, Statements::Prepared);
        let mut patience = Duration::from_secs(5);
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
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
                other => theirs.push(other),
            }
        }
        let theirs = if theirs.is_empty() { base.to_owned() } else { format!("{base}?{}", theirs.join("&")) };
        let mut config: Config = theirs.parse().map_err(|error: tokio_postgres::Error| {
            // What is wrong, without the text that holds the password.
            wrong(&format!("not an address of a database: {error}"))
        })?;
        if config.get_ssl_mode() == tokio_postgres::config::SslMode::Require {
            return Err(wrong("sslmode=require: this version speaks to a socket or a trusted network alone"));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(3));
        }
        config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        config.application_name("scrip");
        Ok(Address { config, scope, statements, patience })
    }
}

fn wrong(what: &str) -> WrongAddress {
    WrongAddress(what.to_owned())
}
