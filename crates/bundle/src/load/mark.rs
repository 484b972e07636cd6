//! A mark of what was loaded, left in the load's own transaction: whoever forgot everything else finds it in the database itself.

use std::str::FromStr;

use tokio_postgres::{Client, Transaction};

use super::catalogue::public;
use super::{Limits, LoadError, pin, run};

/// As its comment. `db:schema:load` drops this table, and so the mark goes with the rows.
const TABLE: &str = "accounts";
const LONGEST: usize = 64;

/// What to mark a database with: at most 64 letters, digits, `-`, `_`, `.` and `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a mark has 1 to {LONGEST} letters, digits, `-`, `_`, `.` and `/`")]
pub struct MarkError;

impl FromStr for Mark {
    type Err = MarkError;

    fn from_str(text: &str) -> Result<Self, MarkError> {
        let legal = |it: u8| it.is_ascii_alphanumeric() || b"-_./".contains(&it);
        if (1..=LONGEST).contains(&text.len()) && text.bytes().all(legal) { Ok(Self(text.to_owned())) } else { Err(MarkError) }
    }
}

impl Mark {
    pub(super) async fn set(&self, transaction: &Transaction<'_>) -> Result<(), LoadError> {
        // No statement of its kind takes parameters; nothing of a mark has to be quoted.
        run(transaction, &format!("COMMENT ON TABLE {} IS '{}'", public(TABLE), self.0), "the mark").await
    }
}

/// Was this database loaded with this mark?
///
/// # Errors
/// [`LoadError::Sql`].
pub async fn is_marked(client: &mut Client, mark: &Mark) -> Result<bool, LoadError> {
    let failed = |source| LoadError::sql("the mark", source);
    let transaction = client.build_transaction().read_only(true).start().await.map_err(failed)?;
    pin(&transaction, Limits::default()).await?;
    let found = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c \
                 WHERE c.relnamespace = 'public'::pg_catalog.regnamespace AND c.relkind IN ('r', 'p') AND c.relname::text = $1 \
                 AND pg_catalog.obj_description(c.oid, 'pg_class') = $2)";
    Ok(transaction.query_one(found, &[&TABLE, &mark.0]).await.map_err(failed)?.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_has_nothing_to_be_quoted() {
        for good in ["a", "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d/1000", &"x".repeat(LONGEST)] {
            assert_eq!(good.parse(), Ok(Mark(good.to_owned())));
        }
        for bad in ["", "it's", "a b", "a\\", "ä", "a;", &"x".repeat(LONGEST + 1)] {
            assert_eq!(bad.parse::<Mark>(), Err(MarkError), "{bad}");
        }
    }
}
