//! Pages of a list: newest first, with an opaque cursor to the next.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev};
use data_encoding::BASE64URL_NOPAD;
use howdah_app::Page;
use serde::Deserialize;
use uuid::Uuid;

use crate::problem::Problem;

const DEFAULT: i64 = 20;
const MOST: i64 = 100;
/// First byte of a cursor: what it points at is an id.
const FORM: u8 = 1;

/// Which page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageQuery {
    pub before: Option<Uuid>,
    /// How many items the page shows.
    limit: i64,
}

#[derive(Deserialize)]
struct Raw {
    cursor: Option<String>,
    limit: Option<String>,
}

impl FromRequest for PageQuery {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(parse(request.query_string()))
    }
}

fn parse(query: &str) -> Result<PageQuery, Problem> {
    let raw = actix_web::web::Query::<Raw>::from_query(query).map_err(|_| Problem::malformed("The query can't be read."))?;
    let limit = match raw.limit.as_deref() {
        None => DEFAULT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|it| (1..=MOST).contains(it))
            .ok_or_else(|| Problem::malformed(format!("“limit” is a number from 1 to {MOST}.")))?,
    };
    let before = raw.cursor.as_deref().map(decode).transpose()?;
    Ok(PageQuery { before, limit })
}

fn decode(cursor: &str) -> Result<Uuid, Problem> {
    let malformed = || Problem::malformed("This cursor was not made here: take “next_cursor” of the page before as it is.");
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_| malformed())?;
    match bytes.split_first() {
        Some((&FORM, id)) => Uuid::from_slice(id).map_err(|_| malformed()),
        _ => Err(malformed()),
    }
}

impl PageQuery {
    /// The newest.
    pub fn first() -> Self {
        Self { before: None, limit: DEFAULT }
    }

    /// One more than is shown: whether there is a next page.
    pub fn fetched(self) -> i64 {
        self.limit + 1
    }

    pub fn to_fetch(self) -> Page {
        Page { before: self.before, limit: self.fetched() }
    }

    /// The items to show, and the cursor to the next page where there is one.
    pub fn cut<T>(self, mut items: Vec<T>, id: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<String>) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let cursor = items.last().filter(|_| has_more).map(|it| BASE64URL_NOPAD.encode(&[&[FORM], &id(it).as_bytes()[..]].concat()));
        (items, cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_on_from_the_last_item_shown() {
        let page = parse("limit=2").unwrap();
        let ids: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        let (shown, cursor) = page.cut(ids.clone(), |it| *it);
        assert_eq!(shown, ids[..2]);
        let next = parse(&format!("limit=2&cursor={}", cursor.unwrap())).unwrap();
        assert_eq!(next.before, Some(ids[1]));
        let (_, end) = page.cut(ids[..2].to_vec(), |it| *it);
        assert_eq!(end, None);
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for query in
            ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "cursor=", "cursor=!", "cursor=AQ", "cursor=%ff", "limit=1&limit=2"]
        {
            assert!(parse(query).is_err(), "{query}");
        }
        assert_eq!(parse("").unwrap(), PageQuery { before: None, limit: DEFAULT });
    }
}
