//! The command line: every command and flag with its help, and nothing else.
//!
//! What people type is a contract; the help texts are its documentation, and
//! `docs/command-line.md` repeats them word for word (a test compares).

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

/// The credits system for AI generation studios: exact prices, lots, plans, holds and a journal that adds up.
#[derive(Parser, Debug)]
#[command(name = "scrip", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Serve two sample studios with accounts and history: nothing to install, nothing to configure
    Demo(DemoArguments),
    /// Run the server
    Serve(Box<ServeArguments>),
    /// Price a job offline, with the lines that explain it
    Quote(QuoteArguments),
    /// Check, compare and publish catalogs
    #[command(subcommand)]
    Catalog(CatalogCommand),
    /// Prove from the journal alone that every credit adds up and no entry was changed
    Verify(VerifyArguments),
    /// Prove the store, and write to a file what it holds, to be kept elsewhere
    Seal(SealArguments),
    /// Copy a store to a file, beside a running server too, and prove the copy
    Backup(BackupArguments),
    /// Make a store from a backup, in a new or empty folder, and prove it
    Restore(RestoreArguments),
    /// Write out accounts, lots, entries or the whole journal, beside a running server too
    Export(ExportArguments),
    /// Bring in a studio's customers from elsewhere, or fill an empty store with another's whole journal
    Import(ImportArguments),
    /// Make the tables of a store in PostgreSQL, or make them of this version; `serve` does it too, where it may
    Migrate {
        #[command(flatten)]
        place: Place,
    },
    /// Erase a customer's texts for good: id, name, references, members and reasons; credits and chain stay
    Erase(EraseArguments),
    /// Make, list and revoke secret keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Measure charges per second on this machine, beside the limits of what lies underneath
    Bench(BenchArguments),
}

/// Where the data are.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// Folder of the embedded store
    #[arg(long, value_name = "DIR", env = "SCRIP_DATA", default_value = "scrip-data")]
    pub(crate) data: PathBuf,

    /// Another store than the embedded one, as in postgres://user@host/database
    #[arg(long, value_name = "ADDRESS", env = "SCRIP_STORE")]
    pub(crate) store: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct DemoArguments {
    /// Keep the data in this folder, which must be new or empty; otherwise a temporary one is used and removed at the end
    #[arg(long, value_name = "DIR", env = "SCRIP_DATA")]
    pub(crate) data: Option<PathBuf>,

    /// Address and port to serve on; without it 127.0.0.1:7171, or a free port where that one is taken
    #[arg(long, value_name = "ADDR:PORT", env = "SCRIP_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,

    /// What to log, as in `info` or `scrip_server=debug`
    #[arg(long, value_name = "FILTER", env = "SCRIP_LOG", default_value = "warn")]
    pub(crate) log: String,
}

#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Address and port to serve on
    #[arg(long, value_name = "ADDR:PORT", env = "SCRIP_LISTEN", default_value = "127.0.0.1:7171")]
    pub(crate) listen: SocketAddr,

    /// Catalog to publish at the start if its content was never published before; repeatable (in the environment:
    /// separated by commas)
    #[arg(long, value_name = "FILE", env = "SCRIP_CATALOG", value_delimiter = ',')]
    pub(crate) catalog: Vec<PathBuf>,

    /// Stand still at this instant (or the last one in the store, if later) until moved by POST /v1/test-clock
    #[arg(long, value_name = "TIME", env = "SCRIP_TEST_CLOCK")]
    pub(crate) test_clock: Option<scrip_core::time::Time>,

    /// Secret keys set from outside, as in "flow-studio=sk_a,studiotwin=sk_b"; without it, a studio's first start
    /// makes a key and prints it once
    #[arg(long, value_name = "STUDIO=KEY,…", env = "SCRIP_KEYS", hide_env_values = true)]
    pub(crate) keys: Option<String>,

    /// Address and port for /metrics alone; without it they are among the other routes
    #[arg(long, value_name = "ADDR:PORT", env = "SCRIP_METRICS_LISTEN")]
    pub(crate) metrics_listen: Option<SocketAddr>,

    /// Web pages that may call for a studio (CORS), as in flow-studio=https://app.example.com; repeatable (in the
    /// environment: separated by commas)
    #[arg(long, value_name = "STUDIO=ORIGIN", env = "SCRIP_ALLOW_ORIGIN", value_delimiter = ',')]
    pub(crate) allow_origin: Vec<String>,

    #[command(flatten)]
    pub(crate) payments: PaymentArguments,

    #[command(flatten)]
    pub(crate) sign_in: SignInArguments,

    /// What to log, as in `info` or `scrip_server=debug`
    #[arg(long, value_name = "FILTER", env = "SCRIP_LOG", default_value = "info")]
    pub(crate) log: String,

    /// How to log
    #[arg(long, value_name = "FORM", env = "SCRIP_LOG_FORM", default_value = "text")]
    pub(crate) log_form: LogForm,

    /// Print the configuration in force, with where each value comes from, and stop
    #[arg(long)]
    pub(crate) print_config: bool,
}

/// How studios take payments.
#[derive(Args, Debug)]
pub(crate) struct PaymentArguments {
    /// A studio's secret key at Stripe, as in flow-studio=sk_live_…; repeatable (in the environment: separated by commas)
    #[arg(long, value_name = "STUDIO=KEY", env = "SCRIP_STRIPE_KEY", hide_env_values = true, value_delimiter = ',')]
    pub(crate) stripe_key: Vec<String>,

    /// The signing secret of a studio's webhook endpoint at Stripe, as in flow-studio=whsec_…; repeatable, also for one
    /// studio while its secret is being changed (in the environment: separated by commas)
    #[arg(
        long,
        value_name = "STUDIO=SECRET",
        env = "SCRIP_STRIPE_WEBHOOK_SECRET",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) stripe_webhook_secret: Vec<String>,

    /// A studio's own page that customers come back to, as in flow-studio=https://app.example.com/credits; without it, a
    /// page of scrip's says what came of the payment; repeatable (in the environment: separated by commas)
    #[arg(long, value_name = "STUDIO=URL", env = "SCRIP_STRIPE_RETURN_TO", value_delimiter = ',')]
    pub(crate) stripe_return_to: Vec<String>,

    /// Where customers' browsers reach this server; needed with --stripe-key, and for the addresses of customers' pages
    #[arg(long, value_name = "URL", env = "SCRIP_PUBLIC_URL")]
    pub(crate) public_url: Option<String>,

    /// Where Stripe's API is: https, or http on this machine
    #[arg(long, value_name = "URL", env = "SCRIP_STRIPE_API_BASE", default_value = "https://api.stripe.com")]
    pub(crate) stripe_api_base: String,

    /// The version of Stripe's API, of the calls and of the webhook endpoint alike
    #[arg(long, value_name = "VERSION", env = "SCRIP_STRIPE_API_VERSION", default_value = scrip_stripe::API_VERSION)]
    pub(crate) stripe_api_version: String,
}

/// Where studios' people sign in to the console, besides with a key.
#[derive(Args, Debug)]
pub(crate) struct SignInArguments {
    /// A studio's OpenID Connect provider, as in flow-studio=https://accounts.example.com; repeatable, as the others (in the
    /// environment: separated by commas)
    #[arg(long, value_name = "STUDIO=URL", env = "SCRIP_OIDC_ISSUER", value_delimiter = ',')]
    pub(crate) oidc_issuer: Vec<String>,

    /// Our id with it, as in flow-studio=scrip
    #[arg(long, value_name = "STUDIO=ID", env = "SCRIP_OIDC_CLIENT", value_delimiter = ',')]
    pub(crate) oidc_client: Vec<String>,

    /// Our secret with it; none for a client that needs none (PKCE alone)
    #[arg(
        long,
        value_name = "STUDIO=SECRET",
        env = "SCRIP_OIDC_SECRET",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) oidc_secret: Vec<String>,

    /// The claim of its tokens that roles hang on; without it, the verified e-mail address
    #[arg(long, value_name = "STUDIO=CLAIM", env = "SCRIP_OIDC_CLAIM", value_delimiter = ',')]
    pub(crate) oidc_claim: Vec<String>,

    /// Who has which role, as in flow-studio=ada@example.com:finance, or with another claim flow-studio=credits-team:support
    #[arg(long, value_name = "STUDIO=VALUE:ROLE", env = "SCRIP_OIDC_ROLE", value_delimiter = ',')]
    pub(crate) oidc_role: Vec<String>,
}

/// How log lines look.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogForm {
    /// For people
    Text,
    /// For programs: one JSON object a line
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct QuoteArguments {
    /// The catalog, TOML or (by its name) JSON
    #[arg(long, value_name = "FILE", env = "SCRIP_CATALOG")]
    pub(crate) catalog: PathBuf,

    /// The tool, as the catalog names it
    pub(crate) tool: String,

    /// Its measures, as in width=1024
    #[arg(value_name = "MEASURE=VALUE")]
    pub(crate) measures: Vec<String>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum CatalogCommand {
    /// Check a catalog: names, bounds, prices over all allowed inputs, and its examples
    Check {
        /// The catalog, TOML or (by its name) JSON
        file: PathBuf,
    },
    /// Say what differs between two catalogs, prices first
    Diff {
        /// The earlier catalog
        old: PathBuf,
        /// The later one
        new: PathBuf,
    },
    /// Publish a catalog: to the running server of the data folder, or into the folder when none runs
    Publish {
        #[command(flatten)]
        place: Place,
        /// The catalog, TOML or (by its name) JSON
        file: PathBuf,
    },
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Prove as well that everything is still there that was there when this seal was made
    #[arg(long, value_name = "SEAL")]
    pub(crate) since: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct SealArguments {
    #[command(flatten)]
    pub(crate) place: Place,

    /// The seal to make; a file that is there already is not overwritten
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct BackupArguments {
    #[command(flatten)]
    pub(crate) place: Place,

    /// The backup to make; a file that is there already is not overwritten
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct RestoreArguments {
    #[command(flatten)]
    pub(crate) place: Place,

    /// The backup
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArguments {
    /// What to write out
    pub(crate) what: Exported,

    #[command(flatten)]
    pub(crate) place: Place,

    /// How to write it; without it CSV, and the journal as JSON Lines, which is its only form
    #[arg(long, value_name = "FORM")]
    pub(crate) form: Option<ExportForm>,

    /// Only this studio's; the journal is whole
    #[arg(long)]
    pub(crate) studio: Option<String>,

    /// Go on after this position, the last that an earlier export of entries, or of the journal, wrote
    #[arg(long, value_name = "N")]
    pub(crate) from_position: Option<u64>,

    /// Write to this file, which must not be there yet and is there only once it is whole; otherwise to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// What can be exported.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exported {
    /// A line for each account: its settings, plan and totals
    Accounts,
    /// A line for each lot with something left
    Lots,
    /// A line for each entry of the journal, in its order
    Entries,
    /// Everything, for `scrip import --journal`: entries with their hashes, studios, catalogs, keys (not the secrets)
    Journal,
}

/// The forms of an export.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExportForm {
    /// Comma-separated values with a header line
    Csv,
    /// JSON Lines: one object a line
    Jsonl,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true).args(["opening", "journal"]))]
pub(crate) struct ImportArguments {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Customers' opening balances, as docs/import.md says: accounts with plans, part-used credits and other lots; checked
    /// whole before the first is written, and run again without harm
    #[arg(long, value_name = "FILE", requires = "studio")]
    pub(crate) opening: Option<PathBuf>,

    /// Whose customers they are
    #[arg(long, requires = "opening")]
    pub(crate) studio: Option<String>,

    /// How the opening balances are written; without it JSON Lines where FILE's name ends in .jsonl, else CSV
    #[arg(long, value_name = "FORM", requires = "opening")]
    pub(crate) form: Option<OpeningForm>,

    /// The instant that the opening balances tell of: an account that has begun a new cycle since is refused; without
    /// it the time at which FILE was last written
    #[arg(long, value_name = "TIME", requires = "opening")]
    pub(crate) as_of: Option<scrip_core::time::Time>,

    /// Check the opening balances and write nothing
    #[arg(long, requires = "opening")]
    pub(crate) dry_run: bool,

    /// What `scrip export journal` wrote (- for standard input), and then what further exports wrote that went on after
    /// it, in their order; begun again, an import goes on where it was cut short
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) journal: Vec<PathBuf>,
}

/// The forms of a file of opening balances.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpeningForm {
    /// Comma-separated values with a header line
    Csv,
    /// JSON Lines: one account a line
    Jsonl,
}

#[derive(Args, Debug)]
pub(crate) struct EraseArguments {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Whose customer
    #[arg(long)]
    pub(crate) studio: String,

    /// The account, by the studio's own id
    pub(crate) account: String,

    /// Why, kept with the record of the erasure; name no person in it
    #[arg(long)]
    pub(crate) reason: Option<String>,

    /// Erase without asking; without it, and without a terminal to ask on, nothing is erased
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum KeyCommand {
    /// Make a key and show it, this once
    Create {
        #[command(flatten)]
        place: Place,
        /// Whose key
        #[arg(long)]
        studio: String,
        /// What it may do
        #[arg(long, value_enum, default_value = "admin")]
        role: RoleName,
        /// Why, or for whom: kept in the audit trail, and shown beside the key in the console
        #[arg(long)]
        reason: Option<String>,
    },
    /// List keys, revoked ones included; the secrets themselves are stored nowhere
    List {
        #[command(flatten)]
        place: Place,
        /// Only this studio's
        #[arg(long)]
        studio: Option<String>,
    },
    /// Revoke a key at once
    Revoke {
        #[command(flatten)]
        place: Place,
        /// The key's public id, as in key_8f3a…
        id: String,
        /// Why: kept in the audit trail
        #[arg(long)]
        reason: Option<String>,
    },
    /// End all customer tokens of a studio at once, and the visits to its customers' pages with them: when one may have got
    /// into wrong hands, or what they are made with
    RenewTokens {
        #[command(flatten)]
        place: Place,
        /// Whose customers
        #[arg(long)]
        studio: String,
    },
}

/// What a key may do.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoleName {
    /// Read and quote
    Read,
    /// What a job runner needs: hold, settle, release, charge and refund
    Jobs,
    /// Make good what went wrong: refund, release, grant make-good credits, let customers in
    Support,
    /// Give, take back and sell: grant, revoke, write off, order, mark orders as paid
    Finance,
    /// Everything: also the catalog, plans, and a studio's whole backend
    #[value(alias = "full")]
    Admin,
}

/// What `bench` measures.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// What is done in a second: charges, holds and settles, through the engine and over HTTP, each beside its limit
    Rates,
    /// How long a durable hold takes over HTTP, by how many ask at once
    Holds,
    /// How long reads take while charges are made, and while nothing is
    Reads,
    /// What a growing journal costs: processor, disk, memory, and opening it after kill -9
    History,
    /// What it does to charges when all accounts' cycles end at one instant
    Turn,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct BenchArguments {
    /// What to measure
    #[arg(value_enum, default_value_t = What::Rates)]
    pub(crate) what: What,

    /// Accounts that the load is spread over
    #[arg(long, value_name = "N", env = "SCRIP_BENCH_ACCOUNTS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub(crate) accounts: u32,

    /// Seconds for each measurement of a round
    #[arg(long, value_name = "S", env = "SCRIP_BENCH_SECONDS", default_value_t = 2,
          value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) seconds: u32,

    /// Rounds; each measures everything once, and the table shows medians
    #[arg(long, value_name = "R", env = "SCRIP_BENCH_ROUNDS", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) rounds: u32,

    /// Charges that `history` makes
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(100..=100_000_000))]
    pub(crate) entries: u64,

    /// The process that `history` kills
    #[arg(long, hide = true)]
    pub(crate) until_killed: bool,

    /// Measure in this folder, which must be new or empty, and keep it; otherwise in a temporary one
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// Measure the store in PostgreSQL instead, on a server that is started for it in the folder, beside hand-written SQL
    #[arg(long, conflicts_with = "store")]
    pub(crate) postgres: bool,

    /// The same in this database, which must be empty, as in postgres://user@host/database; drop it afterwards
    #[arg(long, value_name = "ADDRESS", conflicts_with = "data")]
    pub(crate) store: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
