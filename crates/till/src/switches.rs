//! How the provider misbehaves, on request.

use serde::{Deserialize, Serialize};

/// All switches. The default is good behaviour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// What the API does instead of its work.
    pub fault: Option<Fault>,
    /// For how many calls; `None`: until it is switched off.
    pub fault_for: Option<u32>,
    /// The id of one object of which the API answers something else than it.
    pub unreadable: Option<String>,
    /// Whether deliveries are sent.
    pub deliver: Deliver,
    /// How often each delivery is sent.
    pub copies: u32,
    /// How long each waits, in milliseconds.
    pub delay_ms: u64,
    /// Each waits a part of so many milliseconds besides, by lot: they come out of order.
    pub shuffle_ms: u64,
    /// How long the invoice of a further period is a draft before it is charged, in seconds; Stripe's is for about an hour.
    pub draft_s: i64,
    /// So many of a hundred are lost, by lot, and not sent again.
    pub lost_per_cent: u8,
}

/// Whether deliveries are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deliver {
    /// They are.
    Send,
    /// They are kept until a test takes them.
    Keep,
}

/// What the API does instead of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing: connections are closed at once.
    Down,
    /// It answers 500 and has done nothing.
    Error,
    /// It answers 200 with a page that is no JSON.
    Rubbish,
    /// It answers 200 with JSON of some other object.
    OtherObject,
    /// It answers 429.
    Busy,
    /// It answers 409, as for a key that is in use.
    Conflict,
    /// It does its work and never answers.
    DoneThenSilent,
    /// It does its work and closes the connection in the middle of the answer.
    DoneThenBroken,
    /// It does its work and answers after so many milliseconds.
    Slow(u64),
}

impl Default for Switches {
    fn default() -> Switches {
        Switches {
            fault: None,
            fault_for: None,
            unreadable: None,
            deliver: Deliver::Send,
            copies: 1,
            delay_ms: 0,
            shuffle_ms: 0,
            draft_s: 0,
            lost_per_cent: 0,
        }
    }
}

impl Switches {
    /// The fault that the next call meets.
    pub(crate) fn next_fault(&mut self) -> Option<Fault> {
        let fault = self.fault?;
        match &mut self.fault_for {
            None => {}
            Some(0) => {
                self.fault = None;
                return None;
            }
            Some(left) => *left -= 1,
        }
        Some(fault)
    }
}
