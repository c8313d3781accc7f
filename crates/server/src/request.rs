//! Reading requests: each part of one as a handler's argument, refused with a problem that names it.

mod body;
mod header;
mod path;
mod query;

pub(crate) use body::{Body, media_type, parse, read};
pub(crate) use header::{Format, IdempotencyKey, accepted_format};
pub(crate) use path::{AccountPath, ChargePath, HoldPath, KeyPath, LotPath, OrderPath, StudioPath, VersionPath};
pub(crate) use query::{PAGE_MAX, Query, cursor, journal_cursor};
