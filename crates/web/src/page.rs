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

/// What a cursor points at: the last item that was shown.
pub trait Cursor: Copy {
    /// First byte of the cursor.
    const FORM: u8;

    fn bytes(self) -> Vec<u8>;

    fn read(bytes: &[u8]) -> Option<Self>;
}

impl Cursor for Uuid {
    const FORM: u8 = 1;

    fn bytes(self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes).ok()
    }
}

impl Cursor for i64 {
    const FORM: u8 = 2;

    fn bytes(self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

/// Which page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageQuery<K = Uuid> {
    pub before: Option<K>,
    /// How many items the page shows.
    limit: i64,
}

#[derive(Deserialize)]
struct Raw {
    cursor: Option<String>,
    limit: Option<String>,
}

impl<K: Cursor> FromRequest for PageQuery<K> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(parse(request.query_string()))
    }
}

fn parse<K: Cursor>(query: &str) -> Result<PageQuery<K>, Problem> {
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

fn decode<K: Cursor>(cursor: &str) -> Result<K, Problem> {
    let malformed = || Problem::malformed("This cursor was not made here: take “next_cursor” of the page before as it is.");
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_| malformed())?;
    match bytes.split_first() {
        Some((&form, id)) if form == K::FORM => K::read(id).ok_or_else(malformed),
        _ => Err(malformed()),
    }
}

impl PageQuery {
    /// The newest.
    pub fn first() -> Self {
        Self { before: None, limit: DEFAULT }
    }

    pub fn to_fetch(self) -> Page {
        Page { before: self.before, limit: self.fetched() }
    }
}

impl<K: Cursor> PageQuery<K> {
    /// One more than is shown: whether there is a next page.
    pub fn fetched(self) -> i64 {
        self.limit + 1
    }

    /// The items to show, and the cursor to the next page where there is one.
    pub fn cut<T>(self, mut items: Vec<T>, id: impl Fn(&T) -> K) -> (Vec<T>, Option<String>) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let cursor = items.last().filter(|_| has_more).map(|it| BASE64URL_NOPAD.encode(&[&[K::FORM], &id(it).bytes()[..]].concat()));
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
    fn a_cursor_of_ids_is_none_of_numbers() {
        let (_, of_ids) = parse("limit=1").unwrap().cut(vec![Uuid::max(), Uuid::nil()], |it| *it);
        let (_, of_numbers) = parse("limit=1").unwrap().cut(vec![7_i64, 6], |it| *it);
        let [of_ids, of_numbers] = [of_ids, of_numbers].map(|it| format!("cursor={}", it.unwrap()));
        assert_eq!(parse(&of_numbers).unwrap().before, Some(7_i64));
        assert!(parse::<i64>(&of_ids).is_err() && parse::<Uuid>(&of_numbers).is_err());
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for query in
            ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "cursor=", "cursor=!", "cursor=AQ", "cursor=%ff", "limit=1&limit=2"]
        {
            assert!(parse::<Uuid>(query).is_err(), "{query}");
        }
        assert_eq!(parse("").unwrap(), PageQuery::<Uuid> { before: None, limit: DEFAULT });
    }
}
