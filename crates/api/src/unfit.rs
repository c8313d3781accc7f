//! Why a request that could be read is still no command.

use scrip_core::rejection::Rejection;

/// A readable request that is no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Its shape is wrong: 400, before anything is looked at.
    Shape(InvalidField),
    /// The rules would refuse it, in their own order: after its account has been found (R32).
    Rule(Rejection),
}

/// A field that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    /// The field, as a path: `credits`, `measures.seconds`.
    pub field: String,
    /// What is wrong with it, as in "expected 1 to 86400 seconds".
    pub problem: String,
}

impl From<Rejection> for Unfit {
    fn from(rejection: Rejection) -> Unfit {
        Unfit::Rule(rejection)
    }
}

impl From<InvalidField> for Unfit {
    fn from(invalid: InvalidField) -> Unfit {
        Unfit::Shape(invalid)
    }
}

impl InvalidField {
    /// This field, and what would have been accepted.
    pub fn new(field: impl Into<String>, expected: impl std::fmt::Display) -> InvalidField {
        InvalidField { field: field.into(), problem: format!("expected {expected}") }
    }

    /// This field, and what is wrong with it.
    pub fn because(field: impl Into<String>, problem: impl Into<String>) -> InvalidField {
        InvalidField { field: field.into(), problem: problem.into() }
    }
}
