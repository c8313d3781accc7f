//! What an operator asks of a scrip from the command line, and what it answers.
//!
//! The same function carries it out inside a running server (which is reached through its socket,
//! see [`crate::control`]) and on a store that the command opened itself.

mod erasure;

use scrip_api::text;
use scrip_core::catalog::{Follower, Format};
use scrip_core::entry::Act;
use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::time::Time;
use scrip_engine::engine::{Deed, Engine, Expected, Hand, Publication, PublishError, PublishOutcome};
use scrip_engine::store::{KeyDocument, Role};
use scrip_server::keys;
use serde::{Deserialize, Serialize};

use crate::opening::carry_out;
use crate::opening::wire::{OpeningWire, Verdict, Written};

/// Something asked.
#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Ask {
    /// Make a key.
    CreateKey {
        studio: String,
        role: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// List keys, of one studio or all.
    ListKeys { studio: Option<String> },
    /// Revoke a key.
    RevokeKey {
        id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// End the tokens of all customers of a studio.
    RenewTokens { studio: String },
    /// Tell what an erasure would erase.
    PreviewErasure { studio: String, account: String },
    /// Erase an account's texts (R29).
    Erase { studio: String, account: String, reason: Option<String> },
    /// Publish a catalog.
    Publish { json: bool, source: String },
    /// Tell what time it is for a studio that is to be there.
    StudioTime { studio: String },
    /// Judge openings of accounts, as they were at an instant.
    CheckOpenings { studio: String, as_of: String, openings: Vec<OpeningWire> },
    /// Carry them out.
    OpenAccounts { studio: String, as_of: String, openings: Vec<OpeningWire> },
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A person, at the command line: it is recorded.
    Person,
    /// A start of the server, which does what its flags say.
    Start,
}

/// A person at the command line, as it is recorded.
const COMMAND_LINE: &str = "command line";

impl Asker {
    /// Records what is done by hand. Keys are recorded first, so that none is there that nobody made.
    async fn record(self, engine: &Engine, studio: StudioNumber, deed: Deed<'_>) -> Result<(), Tell> {
        match self {
            Asker::Start => Ok(()),
            Asker::Person => {
                let recorded = engine.record(studio, COMMAND_LINE.into(), deed).await;
                recorded.map_err(|refusal| Tell::Failed { message: format!("it could not be recorded: {refusal}") })
            }
        }
    }
}

/// The answer.
#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "tell", rename_all = "snake_case")]
pub(crate) enum Tell {
    /// A key was made; its secret is in no other place.
    KeyCreated { studio: String, id: String, secret: String },
    /// The keys.
    Keys { keys: Vec<KeyRow> },
    /// A key is revoked.
    KeyRevoked { id: String, studio: String },
    /// The tokens that a studio's customers had are good no more.
    TokensRenewed { studio: String },
    /// What there is to erase.
    ToErase(Box<ToErase>),
    /// An account's texts are shown to nobody any more; `copies`: the write-ahead log still holds some.
    Erased { account: String, copies: bool },
    /// A catalog is published, or its content was a version before (R7).
    Published(PublishedVersion),
    /// The time.
    Time { now: String },
    /// A verdict on each opening.
    OpeningsChecked { verdicts: Vec<Verdict> },
    /// What carrying out openings came to.
    AccountsOpened(Written),
    /// A catalog is refused.
    CatalogRefused { line: u32, column: u32, message: String },
    /// The answer is no.
    No { message: String },
    /// It could not be done.
    Failed { message: String },
}

/// A key as it is listed.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) studio: String,
    pub(crate) role: String,
    pub(crate) hint: String,
    pub(crate) created_at: String,
    pub(crate) revoked_at: Option<String>,
}

/// An account whose texts may be erased.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct ToErase {
    pub(crate) account: String,
    pub(crate) studio: String,
    pub(crate) name: Option<String>,
    pub(crate) entries: u64,
    pub(crate) open_holds: usize,
    pub(crate) remaining: String,
    pub(crate) debt: String,
    pub(crate) plan: Option<String>,
}

/// What publishing came to.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct PublishedVersion {
    pub(crate) studio: String,
    pub(crate) version: u32,
    /// From when it is, or was, in force.
    pub(crate) effective: String,
    /// The version in force now.
    pub(crate) in_force: Option<u32>,
    pub(crate) news: News,
    /// Whether it takes force later.
    pub(crate) is_ahead: bool,
    /// The version that begins at the same instant in its place, so that it is never in force.
    pub(crate) replaced_by: Option<u32>,
    /// The versions that are scheduled already and take over from a new one.
    pub(crate) followed_by: Vec<Followed>,
}

/// A version that takes over from a new one.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Followed {
    pub(crate) version: u32,
    /// From when it is in force.
    pub(crate) effective: String,
    /// What it takes back of the new one, a line each.
    pub(crate) takes_back: Vec<String>,
}

impl From<Follower> for Followed {
    fn from(follower: Follower) -> Followed {
        let Follower { version, effective, takes_back } = follower;
        Followed { version, effective: effective.to_string(), takes_back }
    }
}

/// Whether the content is new.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum News {
    /// A new version.
    Published,
    /// Left alone: the content was a version of this studio before (R7).
    Known,
}

/// Carries out what was asked.
pub(crate) async fn carry_out(engine: &Engine, asker: Asker, ask: Ask) -> Tell {
    let done = match ask {
        Ask::CreateKey { studio, role, reason } => create_key(engine, asker, (&studio, &role), reason).await,
        Ask::ListKeys { studio } => list_keys(engine, studio.as_deref()),
        Ask::RevokeKey { id, reason } => revoke_key(engine, asker, &id, reason).await,
        Ask::RenewTokens { studio } => renew_tokens(engine, asker, studio).await,
        Ask::PreviewErasure { studio, account } => erasure::preview(engine, &studio, &account),
        Ask::Erase { studio, account, reason } => erasure::erase(engine, &studio, &account, reason).await,
        Ask::Publish { json, source } => {
            let format = if json { Format::Json } else { Format::Toml };
            publish(engine, asker, format, source).await
        }
        Ask::StudioTime { studio } => {
            studio_number(engine, &studio).map(|_| Tell::Time { now: engine.now().to_string() })
        }
        Ask::CheckOpenings { studio, as_of, openings } => check_openings(engine, &studio, &as_of, openings),
        Ask::OpenAccounts { studio, as_of, openings } => open_accounts(engine, &studio, &as_of, openings).await,
    };
    done.unwrap_or_else(|refusal| refusal)
}

async fn create_key(
    engine: &Engine,
    asker: Asker,
    (studio, role): (&str, &str),
    reason: Option<String>,
) -> Result<Tell, Tell> {
    let reason = fit(reason)?;
    let number = studio_number(engine, studio)?;
    let role = Role::from_name(role).ok_or_else(|| Tell::No { message: format!("there is no role `{role}`") })?;
    let secret = keys::new_secret()
        .map_err(|error| Tell::Failed { message: format!("the machine gives no random bytes: {error}") })?;
    let document = keys::stored(&secret, number, role, engine.now());
    let id = document.id.to_string();
    asker.record(engine, number, Deed::of(Act::KeyCreated, &id).because(reason.as_deref())).await?;
    put(engine, document).await?;
    Ok(Tell::KeyCreated { studio: studio.to_owned(), id, secret })
}

fn list_keys(engine: &Engine, studio: Option<&str>) -> Result<Tell, Tell> {
    let only = studio.map(|studio| studio_number(engine, studio)).transpose()?;
    let studios = engine.studios();
    let keys = engine.keys();
    let mut listed: Vec<_> = keys.iter().filter(|key| only.is_none_or(|only| only == key.studio)).collect();
    listed.sort_by_key(|key| (key.studio, key.created_at));
    Ok(Tell::Keys { keys: listed.into_iter().map(|key| row(key, &studios)).collect() })
}

/// A reason that can be kept, where one is given.
fn fit(reason: Option<String>) -> Result<Option<Box<str>>, Tell> {
    let fit = reason.map(text::reason).transpose();
    fit.map_err(|wrong| Tell::No { message: format!("--reason: {}", wrong.problem) })
}

async fn revoke_key(engine: &Engine, asker: Asker, id: &str, reason: Option<String>) -> Result<Tell, Tell> {
    let reason = fit(reason)?;
    let keys = engine.keys();
    let Some(key) = keys.iter().find(|key| &*key.id == id) else {
        return Err(Tell::No { message: format!("there is no key `{id}`: `scrip key list` shows them") });
    };
    if let Some(at) = key.revoked_at {
        return Err(Tell::No { message: format!("{id} was revoked already, at {at}") });
    }
    asker.record(engine, key.studio, Deed::of(Act::KeyRevoked, id).because(reason.as_deref())).await?;
    put(engine, KeyDocument { revoked_at: Some(engine.now()), ..key.clone() }).await?;
    Ok(Tell::KeyRevoked { id: id.to_owned(), studio: studio_name(key.studio, &engine.studios()) })
}

async fn renew_tokens(engine: &Engine, asker: Asker, studio: String) -> Result<Tell, Tell> {
    let number = studio_number(engine, &studio)?;
    asker.record(engine, number, Deed::of(Act::TokensRenewed, &studio)).await?;
    let renewed = engine.renew_token_secret(number).await;
    renewed.map_err(|refusal| Tell::Failed { message: format!("the tokens of {studio} go on: {refusal}") })?;
    Ok(Tell::TokensRenewed { studio })
}

async fn publish(engine: &Engine, asker: Asker, format: Format, source: String) -> Result<Tell, Tell> {
    let publication = Publication { format, source: source.into() };
    let outcome = match asker {
        Asker::Start => engine.publish(publication, None).await,
        Asker::Person => {
            let hand = Hand { by: COMMAND_LINE.into(), reason: None };
            engine.publish_by(publication, Expected::default(), hand).await
        }
    };
    let outcome = outcome.map_err(|error| match error {
        PublishError::Invalid(refused) => {
            Tell::CatalogRefused { line: refused.line, column: refused.column, message: refused.message }
        }
        PublishError::OtherStudio { .. } | PublishError::Overtaken { .. } | PublishError::Replaced { .. } => {
            Tell::No { message: error.to_string() }
        }
        PublishError::Unavailable(why) => Tell::Failed { message: why.to_owned() },
    })?;
    let (published, news) = match outcome {
        PublishOutcome::Published(published) => (published, News::Published),
        PublishOutcome::Known(published) => (published, News::Known),
    };
    let catalogs = engine.catalogs();
    let in_force = catalogs.in_force(published.studio, engine.now()).map(|version| version.version);
    let at = (published.version, published.effective);
    let followed_by = match news {
        News::Published => catalogs.succession(published.studio, &published.catalog, at).followed_by,
        News::Known => Vec::new(),
    };
    Ok(Tell::Published(PublishedVersion {
        studio: published.catalog.studio.to_string(),
        version: published.version,
        effective: published.effective.to_string(),
        in_force,
        is_ahead: published.effective > engine.now(),
        replaced_by: catalogs.replaced_before(&published),
        news,
        followed_by: followed_by.into_iter().map(Followed::from).collect(),
    }))
}

fn check_openings(engine: &Engine, studio: &str, as_of: &str, openings: Vec<OpeningWire>) -> Result<Tell, Tell> {
    let asked = openings_asked(engine, studio, as_of, openings)?;
    let verdicts = tokio::task::block_in_place(|| carry_out::check(engine, asked));
    verdicts.map(|verdicts| Tell::OpeningsChecked { verdicts }).map_err(|message| Tell::Failed { message })
}

async fn open_accounts(engine: &Engine, studio: &str, as_of: &str, openings: Vec<OpeningWire>) -> Result<Tell, Tell> {
    let asked = openings_asked(engine, studio, as_of, openings)?;
    let written = carry_out::carry_out(engine, asked).await;
    written.map(Tell::AccountsOpened).map_err(|message| Tell::Failed { message })
}

fn openings_asked(
    engine: &Engine,
    studio: &str,
    as_of: &str,
    openings: Vec<OpeningWire>,
) -> Result<carry_out::Asked, Tell> {
    let studio = studio_number(engine, studio)?;
    let as_of = Time::parse(as_of).map_err(|error| Tell::Failed { message: format!("{as_of}: {error}") })?;
    Ok(carry_out::Asked { studio, as_of, openings })
}

async fn put(engine: &Engine, key: KeyDocument) -> Result<(), Tell> {
    engine.put_key(key).await.map_err(|refusal| Tell::Failed { message: format!("the key was not stored: {refusal}") })
}

pub(crate) fn studio_number(engine: &Engine, name: &str) -> Result<StudioNumber, Tell> {
    let studios = engine.studios();
    studios.iter().find(|(_, id)| id.as_str() == name).map(|(number, _)| *number).ok_or_else(|| {
        let known: Vec<&str> = studios.iter().map(|(_, id)| id.as_str()).collect();
        let known = if known.is_empty() { "none yet: publish a catalog first".to_owned() } else { known.join(", ") };
        Tell::No { message: format!("there is no studio `{name}`; studios: {known}") }
    })
}

fn studio_name(number: StudioNumber, studios: &[(StudioNumber, StudioId)]) -> String {
    let found = studios.iter().find(|(other, _)| *other == number);
    found.map_or_else(|| format!("studio {}", number.0), |(_, id)| id.to_string())
}

fn row(key: &KeyDocument, studios: &[(StudioNumber, StudioId)]) -> KeyRow {
    KeyRow {
        id: key.id.to_string(),
        studio: studio_name(key.studio, studios),
        role: key.role.name().to_owned(),
        hint: key.hint.to_string(),
        created_at: key.created_at.to_string(),
        revoked_at: key.revoked_at.map(|at: Time| at.to_string()),
    }
}
