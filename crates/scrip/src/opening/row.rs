//! Rows: what a line of the file says, field by field, still as texts.
//!
//! A CSV line is one row. A line of JSON Lines is a row for the account and one for each of its lots, so that whatever
//! comes after need not know which form the file has. A row knows no rule but which fields there are.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::csv;
use super::mistakes::Mistakes;

/// The fields, in the order in which the documentation names them. Those from [`Field::Class`] on are of a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Account,
    Name,
    TimeZone,
    ProjectTypes,
    Plan,
    Anchor,
    State,
    SubscriptionRemaining,
    TopUp,
    Class,
    Credits,
    Granted,
    ExpiresAt,
    GrantedAt,
    Priority,
    Reason,
}

impl Field {
    pub(super) const ALL: [Field; 16] = [
        Field::Account,
        Field::Name,
        Field::TimeZone,
        Field::ProjectTypes,
        Field::Plan,
        Field::Anchor,
        Field::State,
        Field::SubscriptionRemaining,
        Field::TopUp,
        Field::Class,
        Field::Credits,
        Field::Granted,
        Field::ExpiresAt,
        Field::GrantedAt,
        Field::Priority,
        Field::Reason,
    ];

    /// The word in headers and objects.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Field::Account => "account",
            Field::Name => "name",
            Field::TimeZone => "time_zone",
            Field::ProjectTypes => "project_types",
            Field::Plan => "plan",
            Field::Anchor => "anchor",
            Field::State => "state",
            Field::SubscriptionRemaining => "subscription_remaining",
            Field::TopUp => "top_up",
            Field::Class => "class",
            Field::Credits => "credits",
            Field::Granted => "granted",
            Field::ExpiresAt => "expires_at",
            Field::GrantedAt => "granted_at",
            Field::Priority => "priority",
            Field::Reason => "reason",
        }
    }

    /// Whether it is of a lot, not of the account.
    pub(super) fn of_lot(self) -> bool {
        self >= Field::Class
    }

    fn place(self) -> usize {
        Field::ALL.iter().position(|field| *field == self).expect("every field is listed")
    }
}

/// A row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its line.
    pub(super) line: u64,
    /// Which of its line's lots it is, where a line has several.
    lot: Option<usize>,
    cells: [Option<String>; Field::ALL.len()],
}

impl Row {
    fn new(line: u64, lot: Option<usize>) -> Row {
        Row { line, lot, cells: Default::default() }
    }

    /// What a field says; `None` where it says nothing.
    pub(super) fn get(&self, field: Field) -> Option<&str> {
        self.cells[field.place()].as_deref()
    }

    /// Whether it says something of a lot.
    pub(super) fn has_lot(&self) -> bool {
        self.lot.is_some() || Field::ALL.iter().any(|field| field.of_lot() && self.get(*field).is_some())
    }

    /// A field of this row, as a mistake names it.
    pub(super) fn name(&self, field: &str) -> String {
        match self.lot {
            Some(place) => format!("lots[{place}].{field}"),
            None => field.to_owned(),
        }
    }

    fn set(&mut self, field: Field, text: String) {
        self.cells[field.place()] = Some(text);
    }
}

/// The columns of a CSV file.
pub(super) struct Columns(Vec<Field>);

impl Columns {
    /// From the header line; `None` where it says something else, which is then among the mistakes.
    pub(super) fn of(line: u64, header: &str, mistakes: &mut Mistakes) -> Option<Columns> {
        let before = mistakes.count();
        let mut columns = Vec::new();
        let names = csv::cells(header).unwrap_or_else(|problem| {
            mistakes.add(line, problem);
            Vec::new()
        });
        for name in &names {
            match Field::ALL.into_iter().find(|field| field.word() == name) {
                Some(field) if columns.contains(&field) => mistakes.add(line, format!("the column {name} comes twice")),
                Some(field) => columns.push(field),
                None => mistakes.add(line, unknown_column(name)),
            }
        }
        if mistakes.count() == before && !columns.contains(&Field::Account) {
            mistakes.add(line, "there is no column account: the first line names the columns");
        }
        (mistakes.count() == before).then_some(Columns(columns))
    }

    /// The row of a line.
    pub(super) fn row(&self, line: u64, text: &str) -> Result<Row, String> {
        let cells = csv::cells(text)?;
        if cells.len() != self.0.len() {
            return Err(format!("{} cells under {} columns", cells.len(), self.0.len()));
        }
        let mut row = Row::new(line, None);
        for (field, cell) in self.0.iter().zip(cells) {
            if !cell.is_empty() {
                row.set(*field, cell);
            }
        }
        Ok(row)
    }
}

fn unknown_column(name: &str) -> String {
    let hint = if name.contains([';', '\t']) {
        "cells are separated by commas".to_owned()
    } else {
        let known: Vec<&str> = Field::ALL.iter().map(|field| field.word()).collect();
        format!("the columns are {}", known.join(", "))
    };
    format!("there is no column `{}`: {hint}", name.escape_debug())
}

/// An account as a line of JSON Lines says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountObject<'a> {
    #[serde(borrow, default)]
    account: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    time_zone: Option<&'a RawValue>,
    #[serde(borrow, default)]
    project_types: Option<&'a RawValue>,
    #[serde(borrow, default)]
    plan: Option<&'a RawValue>,
    #[serde(borrow, default)]
    anchor: Option<&'a RawValue>,
    #[serde(borrow, default)]
    state: Option<&'a RawValue>,
    #[serde(borrow, default)]
    subscription_remaining: Option<&'a RawValue>,
    #[serde(borrow, default)]
    top_up: Option<&'a RawValue>,
    #[serde(borrow, default)]
    lots: Option<Vec<&'a RawValue>>,
}

/// A lot of an account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LotObject<'a> {
    #[serde(borrow, default)]
    class: Option<&'a RawValue>,
    #[serde(borrow, default)]
    credits: Option<&'a RawValue>,
    #[serde(borrow, default)]
    granted: Option<&'a RawValue>,
    #[serde(borrow, default)]
    expires_at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    granted_at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    priority: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reason: Option<&'a RawValue>,
}

/// The rows of a line of JSON Lines; `None` where it says something else, which is then among the mistakes.
pub(super) fn of_object(line: u64, text: &str, mistakes: &mut Mistakes) -> Option<Vec<Row>> {
    let object: AccountObject<'_> = match object(text) {
        Ok(object) => object,
        Err(problem) => {
            mistakes.add(line, format!("not an account as one JSON object: {problem}"));
            return None;
        }
    };
    let before = mistakes.count();
    let mut account = Row::new(line, None);
    for (field, value) in [
        (Field::Account, object.account),
        (Field::Name, object.name),
        (Field::TimeZone, object.time_zone),
        (Field::ProjectTypes, object.project_types),
        (Field::Plan, object.plan),
        (Field::Anchor, object.anchor),
        (Field::State, object.state),
        (Field::SubscriptionRemaining, object.subscription_remaining),
        (Field::TopUp, object.top_up),
    ] {
        fill(&mut account, field, value, mistakes);
    }
    let mut rows = vec![account];
    for (place, lot) in object.lots.unwrap_or_default().into_iter().enumerate() {
        let mut row = Row::new(line, Some(place));
        let lot: LotObject<'_> = match self::object(lot.get()) {
            Ok(lot) => lot,
            Err(problem) => {
                mistakes.add_in(line, &format!("lots[{place}]"), &format!("not a JSON object of a lot: {problem}"));
                continue;
            }
        };
        for (field, value) in [
            (Field::Class, lot.class),
            (Field::Credits, lot.credits),
            (Field::Granted, lot.granted),
            (Field::ExpiresAt, lot.expires_at),
            (Field::GrantedAt, lot.granted_at),
            (Field::Priority, lot.priority),
            (Field::Reason, lot.reason),
        ] {
            fill(&mut row, field, value, mistakes);
        }
        rows.push(row);
    }
    (mistakes.count() == before).then_some(rows)
}

/// A JSON object, which serde would also read from a list of its values.
fn object<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, String> {
    if !json.trim_start().starts_with('{') {
        return Err("it does not begin with {".to_owned());
    }
    serde_json::from_str(json).map_err(|error| {
        let told = error.to_string();
        let what = told.split(" at line ").next().unwrap_or(&told);
        format!("{what}, at its character {}", error.column())
    })
}

fn fill(row: &mut Row, field: Field, value: Option<&RawValue>, mistakes: &mut Mistakes) {
    let Some(value) = value else { return };
    match cell(field, value.get()) {
        Ok(text) => row.set(field, text),
        Err(expected) => mistakes.add_in(row.line, &row.name(field.word()), expected),
    }
}

/// A JSON value as the text of a cell; else what it should have been.
fn cell(field: Field, json: &str) -> Result<String, &'static str> {
    match field {
        Field::SubscriptionRemaining | Field::TopUp | Field::Credits | Field::Granted | Field::Priority => {
            match json.as_bytes().first() {
                Some(b'-' | b'0'..=b'9') => Ok(json.to_owned()),
                Some(_) | None => Err("expected a number"),
            }
        }
        Field::ProjectTypes => {
            let listed: Result<Vec<String>, _> = serde_json::from_str(json);
            match listed {
                // Everything, or nothing? Neither is guessed.
                Ok(names) if names.is_empty() => Err("expected at least one name; leave it out where all may run"),
                Ok(names) if names.iter().all(|name| !name.contains(';')) => Ok(names.join(";")),
                Ok(_) | Err(_) => Err("expected a list of names"),
            }
        }
        Field::Account
        | Field::Name
        | Field::TimeZone
        | Field::Plan
        | Field::Anchor
        | Field::State
        | Field::Class
        | Field::ExpiresAt
        | Field::GrantedAt
        | Field::Reason => serde_json::from_str(json).map_err(|_| "expected a text"),
    }
}
