//! From the rows of an account to its opening: every field read, every mistake told.

use std::collections::BTreeSet;

use scrip_api::text;
use scrip_core::amount::{AmountError, Credits};
use scrip_core::command::{Grant, Opening, OpeningLot, OpeningSubscription, PutAccount};
use scrip_core::decide::OpeningPart;
use scrip_core::id::{AccountId, InvalidId, PlanId, ProjectTypeId};
use scrip_core::lot::{Class, Priority};
use scrip_core::plan::SubscriptionState;
use scrip_core::time::{Time, Zone};

use super::mistakes::Mistakes;
use super::row::{Field, Row};

/// Why a lot is there, where the file does not say.
const REASON: &str = "opening balance";

/// An account that is to be opened.
pub(super) struct Arrival {
    pub(super) account: AccountId,
    pub(super) opening: Opening,
    /// Where its settings stand.
    first: Row,
    /// Where each lot of the opening stands.
    lots: Vec<Row>,
}

impl Arrival {
    /// The account that rows speak of; `None` where they cannot be read, which is then among the mistakes.
    pub(super) fn of(rows: Vec<Row>, now: Time, mistakes: &mut Mistakes) -> Option<Arrival> {
        let before = mistakes.count();
        let first = rows[0].clone();
        let mut cells = Cells { row: &first, mistakes };
        let account = cells.required(Field::Account, account_id);
        let settings = PutAccount {
            name: cells.read(Field::Name, |name| label(name.to_owned())),
            zone: cells.read(Field::TimeZone, |zone| Zone::parse(zone).map_err(|error| error.to_string())),
            project_types: cells.read(Field::ProjectTypes, project_types),
        };
        let subscription = subscription(&mut cells);
        let mut lots: Vec<Lot> = top_up(&mut cells).into_iter().map(|lot| Lot { row: first.clone(), ..lot }).collect();
        for row in &rows {
            further(row, &first, mistakes);
            if row.has_lot() {
                lots.extend(lot(&mut Cells { row, mistakes }, now));
            }
        }
        // Oldest first; one without a time of its own is as young as the opening.
        lots.sort_by_key(|lot| lot.granted_at.unwrap_or(Time::MAX));
        let (lots, places): (Vec<_>, Vec<_>) = lots.into_iter().map(|lot| (lot.brought, lot.row)).unzip();
        let opening = Opening { settings, subscription: subscription?, lots };
        (mistakes.count() == before).then_some(Arrival { account: account?, opening, first, lots: places })
    }

    /// The line that a part stands in, and a field of it as that line names it.
    pub(super) fn place(&self, part: OpeningPart, field: &str) -> (u64, String) {
        let row = match part {
            OpeningPart::Account | OpeningPart::Subscription => &self.first,
            OpeningPart::Lot(place) => self.lots.get(place).unwrap_or(&self.first),
        };
        (row.line, row.name(field))
    }

    /// The line that it begins in.
    pub(super) fn line(&self) -> u64 {
        self.first.line
    }
}

/// A lot, when it was granted, and where it stands.
struct Lot {
    brought: OpeningLot,
    granted_at: Option<Time>,
    row: Row,
}

/// A row's cells, with where to tell what is wrong with them.
struct Cells<'a> {
    row: &'a Row,
    mistakes: &'a mut Mistakes,
}

impl Cells<'_> {
    /// A field that may be empty; one that cannot be read counts as empty, and as a mistake.
    fn read<T>(&mut self, field: Field, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.row.get(field)?;
        match read(text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.wrong(field, &format!("{problem}; found {}", shown(text)));
                None
            }
        }
    }

    fn required<T>(&mut self, field: Field, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        if self.row.get(field).is_none() {
            self.wrong(field, "is missing");
        }
        self.read(field, read)
    }

    fn wrong(&mut self, field: Field, problem: &str) {
        self.mistakes.add_in(self.row.line, &self.row.name(field.word()), problem);
    }
}

/// The subscription, if there is one; the outer `None` is a mistake.
fn subscription(cells: &mut Cells<'_>) -> Option<Option<OpeningSubscription>> {
    let remaining = cells.read(Field::SubscriptionRemaining, credits);
    if cells.row.get(Field::Plan).is_none() {
        for field in [Field::Anchor, Field::State] {
            if cells.row.get(field).is_some() {
                cells.wrong(field, "is there without a plan");
            }
        }
        if remaining.is_some_and(Credits::is_positive) {
            cells.wrong(Field::SubscriptionRemaining, "is there without a plan; credits that were given are a lot");
        }
        return Some(None);
    }
    let plan = cells.required(Field::Plan, id(PlanId::parse));
    let anchor = cells.required(Field::Anchor, time);
    let known = |word: &str| SubscriptionState::from_word(word).ok_or("expected active, past_due or paused".to_owned());
    let state = cells.read(Field::State, known).unwrap_or(SubscriptionState::Active);
    // As of when is said of all accounts together.
    Some(Some(OpeningSubscription { plan: plan?, anchor: anchor?, state, remaining, as_of: None }))
}

/// The lot of the column for top-ups that never expire.
fn top_up(cells: &mut Cells<'_>) -> Option<Lot> {
    let credits = cells.read(Field::TopUp, credits).filter(|credits| credits.is_positive())?;
    let grant = Grant { credits, class: Class::TopUp, expires_at: None, priority: None, reason: REASON.into() };
    let brought = OpeningLot { grant, granted: credits };
    Some(Lot { brought, granted_at: None, row: cells.row.clone() })
}

/// What a row that follows the first of its account may say of the account: nothing, or the same again.
fn further(row: &Row, first: &Row, mistakes: &mut Mistakes) {
    if row.line == first.line {
        return;
    }
    if !row.has_lot() {
        let account = row.get(Field::Account).unwrap_or("");
        mistakes.add_in(
            row.line,
            "account",
            &format!("`{account}` is in line {} already, and this is no lot", first.line),
        );
    }
    for field in Field::ALL.into_iter().filter(|field| !field.of_lot()) {
        if row.get(field).is_some() && row.get(field) != first.get(field) {
            mistakes.add_in(row.line, field.word(), &format!("differs from line {}, of the same account", first.line));
        }
    }
}

/// A row's lot; `None` where nothing is left of it, or where it cannot be read.
fn lot(cells: &mut Cells<'_>, now: Time) -> Option<Lot> {
    let class = cells.required(Field::Class, class);
    let left = cells.required(Field::Credits, credits);
    let granted = cells.read(Field::Granted, credits);
    let expires_at = cells.read(Field::ExpiresAt, time);
    let granted_at = cells.read(Field::GrantedAt, time);
    let priority = cells.read(Field::Priority, |text| {
        text.parse().map(Priority).map_err(|_| "expected a whole number from 0 to 255".to_owned())
    });
    let reason = cells.read(Field::Reason, |reason| reason_of(reason.to_owned()));
    if granted_at.is_some_and(|granted_at| granted_at > now) {
        cells.wrong(Field::GrantedAt, &format!("is ahead of {now}, the time here"));
    }
    if let (Some(granted_at), Some(expires_at)) = (granted_at, expires_at)
        && expires_at <= granted_at
    {
        cells.wrong(Field::ExpiresAt, "is not after granted_at");
    }
    if let (Some(left), Some(granted)) = (left, granted)
        && granted < left
    {
        cells.wrong(Field::Granted, &format!("is less than the {left} that are left"));
        return None;
    }
    let credits = left.filter(|left| left.is_positive())?;
    let reason = reason.unwrap_or_else(|| REASON.into());
    let grant = Grant { credits, class: class?, expires_at, priority, reason };
    let brought = OpeningLot { grant, granted: granted.unwrap_or(credits) };
    Some(Lot { brought, granted_at, row: cells.row.clone() })
}

/// A class that a lot may have: a plan's own credits are the account's, not a lot's.
fn class(word: &str) -> Result<Class, String> {
    match Class::from_word(word) {
        Some(class @ (Class::TopUp | Class::Promo | Class::MakeGood)) => Ok(class),
        Some(Class::Subscription) => {
            Err("a plan's credits are not a lot: say what is left of them in subscription_remaining".to_owned())
        }
        None => Err("expected top_up, promo or make_good".to_owned()),
    }
}

/// An amount, by its digits alone: an exponent is what a spreadsheet leaves of a number that it has rounded.
fn credits(text: &str) -> Result<Credits, String> {
    let plain =
        || "expected a plain number such as 1200 or 4.5: no spaces, thousands separators or exponents".to_owned();
    if text.starts_with('-') {
        return Err("expected 0 or more".to_owned());
    }
    if text.contains(['e', 'E']) {
        return Err(plain());
    }
    Credits::parse(text).map_err(|error| match error {
        AmountError::Malformed => plain(),
        AmountError::TooFine => "expected at most 6 decimals".to_owned(),
        AmountError::TooLarge => "expected at most 8,000,000,000".to_owned(),
    })
}

fn time(text: &str) -> Result<Time, String> {
    Time::parse(text).map_err(|error| error.to_string())
}

fn id<T>(parse: impl Fn(&str) -> Result<T, InvalidId>) -> impl Fn(&str) -> Result<T, String> {
    move |text| parse(text).map_err(|error| format!("expected {error}"))
}

/// A studio's own id; that of an account whose texts were erased is scrip's to give.
fn account_id(text: &str) -> Result<AccountId, String> {
    let account = id(AccountId::parse)(text)?;
    match account.erased_number() {
        Some(_) => Err("expected an id of your own: this one stands for an account whose texts were erased".to_owned()),
        None => Ok(account),
    }
}

/// Names separated by semicolons.
fn project_types(names: &str) -> Result<BTreeSet<ProjectTypeId>, String> {
    names.split(';').map(id(ProjectTypeId::parse)).collect()
}

fn label(name: String) -> Result<Box<str>, String> {
    text::label("name", name).map_err(|invalid| invalid.problem)
}

fn reason_of(reason: String) -> Result<Box<str>, String> {
    text::reason(reason).map_err(|invalid| invalid.problem)
}

/// A cell in a message: no control characters, and not all of a long one.
fn shown(text: &str) -> String {
    const SHOWN_MAX: usize = 40;
    let mut shown: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
