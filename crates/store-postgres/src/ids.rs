//! Whether every account is found by its id: in its id's bucket, or, where its number is of another, through the table
//! `imported`. An account that is not found would be opened a second time.

use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_engine::store::StoreError;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::line::{Line, Sql};
use crate::rows::{bucket, bucket_of_id, get, whole};
use crate::trouble::{damaged, refused};

/// Rows read at a time.
const PAGE: i64 = 4_096;

static ACCOUNTS: Sql = Sql {
    text: "SELECT number, studio, id FROM scrip.accounts WHERE number > $1 ORDER BY number LIMIT $2",
    types: &[Type::INT8, Type::INT8],
};

/// What the table says, whose account it leads to, and whether that id is an account's of the same bucket besides.
static IMPORTED: Sql = Sql {
    text: "SELECT m.number, m.studio, m.id, m.bucket, a.studio = m.studio AND a.id = m.id, n.number IS NOT NULL
           FROM scrip.imported m
           LEFT JOIN scrip.accounts a ON a.number = m.number
           LEFT JOIN scrip.accounts n ON n.bucket = m.bucket AND n.studio = m.studio AND n.id = m.id
           WHERE (m.bucket, m.studio, m.id) > ($1, $2, $3) ORDER BY m.bucket, m.studio, m.id LIMIT $4",
    types: &[Type::INT2, Type::INT4, Type::TEXT, Type::INT8],
};

/// Proves it, or names what does not hold.
pub(crate) async fn lead_to_accounts(line: &mut Line) -> Result<(), StoreError> {
    let (elsewhere, led_to) = (elsewhere(line).await?, led_to(line).await?);
    if elsewhere != led_to {
        let what =
            format!("{elsewhere} accounts are of another bucket than their ids, and table imported leads to {led_to}");
        return Err(damaged(what));
    }
    Ok(())
}

/// How many accounts are of another bucket than their ids.
async fn elsewhere(line: &mut Line) -> Result<u64, StoreError> {
    let (mut count, mut after) = (0, -1_i64);
    loop {
        let rows = line.ask(&ACCOUNTS, &[&after, &PAGE]).await.map_err(|error| refused(&error))?;
        let Some(last) = rows.last() else { return Ok(count) };
        after = get(last, 0)?;
        for row in &rows {
            let number = AccountNumber(whole(row, 0)?);
            // What cannot be read is named where its row is compared.
            if bucket_of(row)?.is_some_and(|of_id| of_id != bucket(number)) {
                count += 1;
            }
        }
    }
}

/// The bucket of the id in a row of a number, a studio and an id; an erased account's is its number's.
fn bucket_of(row: &Row) -> Result<Option<i16>, StoreError> {
    let number = AccountNumber(whole(row, 0)?);
    let (studio, id): (i32, &str) = (get(row, 1)?, get(row, 2)?);
    if AccountId::erased(number).as_str() == id {
        return Ok(Some(bucket(number)));
    }
    let (Ok(studio), Ok(id)) = (u32::try_from(studio), AccountId::parse(id)) else { return Ok(None) };
    Ok(Some(bucket_of_id(StudioNumber(studio), &id)))
}

/// How many accounts the table leads to, each of which is the only one of its id.
async fn led_to(line: &mut Line) -> Result<u64, StoreError> {
    let (mut count, mut after) = (0, (-1_i16, -1_i32, String::new()));
    loop {
        let (of_bucket, studio, id) = (&after.0, &after.1, &after.2);
        let rows = line.ask(&IMPORTED, &[of_bucket, studio, id, &PAGE]).await.map_err(|error| refused(&error))?;
        let Some(last) = rows.last() else { return Ok(count) };
        for row in &rows {
            let number = AccountNumber(whole(row, 0)?);
            let there: Option<bool> = get(row, 4)?;
            let of_id = bucket_of(row)?;
            if of_id != Some(get(row, 3)?) || of_id == Some(bucket(number)) || there != Some(true) {
                return Err(damaged(format!("table imported leads to account {}, which is not of that id", number.0)));
            }
            if get::<bool>(row, 5)? {
                return Err(damaged(format!("the id of account {} is another account's, too", number.0)));
            }
            count += 1;
        }
        after = (get(last, 3)?, get(last, 1)?, get::<&str>(last, 2)?.to_owned());
    }
}
