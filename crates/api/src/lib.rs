//! The wire: what scrip's HTTP API reads and writes, its stable codes, and how both become the
//! rules' own types and back.
//!
//! Shared by the server, the command line and programs in Rust. It converts by hand, field by
//! field, so that a change of the rules' types never changes the wire by accident. It knows no
//! HTTP library and decides nothing.

pub mod account;
pub mod audit;
pub mod balance;
pub mod batch;
pub mod catalog;
pub mod charge;
pub mod clock;
pub mod code;
pub mod console;
pub mod csv;
pub mod entry;
pub mod grant;
pub mod hold;
pub mod id;
pub mod key;
pub mod measure;
pub mod number;
pub mod offer;
pub mod order;
pub mod payment;
pub mod portal;
pub mod problem;
pub mod quote;
pub mod subscription;
pub mod text;
pub mod time;
pub mod top_up;
pub mod unfit;
pub mod usage;

mod present;
