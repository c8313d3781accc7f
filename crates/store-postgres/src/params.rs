//! Values of parameters that the client library has no type for.

use std::error::Error;

use scrip_core::term::Term;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

/// A term as the database's 128 bits, whose order is a term's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredTerm(pub(crate) Term);

impl ToSql for StoredTerm {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0.0.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for StoredTerm {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<StoredTerm, Box<dyn Error + Sync + Send>> {
        Ok(StoredTerm(Term(u128::from_be_bytes(raw.try_into()?))))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }
}
