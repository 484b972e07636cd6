//! `ETag` and `If-Match`: a change says which revision of the record it is a change of.
//!
//! A tag is of the record alone. What is observed of a server changes without it, so nothing is answered from a cache by it.

use actix_web::http::header::IF_MATCH;
use actix_web::{FromRequest, HttpRequest, dev};
use std::future::{Ready, ready};

use crate::problem::Problem;

/// Of a tag with its quotes.
pub const LONGEST: usize = 100;

/// The tag of a revision.
pub fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// The revision of `If-Match`, where there is one.
pub struct IfMatch(pub Option<i64>);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(parse(request).map(Self))
    }
}

fn parse(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let mut values = request.headers().get_all(IF_MATCH);
    let malformed = || Problem::malformed("If-Match takes the one ETag that was last answered, or *.");
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let tag = value.to_str().map_err(|_| malformed())?.trim();
            if tag == "*" {
                return Ok(None);
            }
            let inner = tag.strip_prefix('"').and_then(|it| it.strip_suffix('"')).ok_or_else(malformed)?;
            if tag.len() > LONGEST || inner.bytes().any(|it| it == b'"' || !it.is_ascii_graphic()) {
                return Err(malformed());
            }
            // A tag that is not of our making matches nothing.
            Ok(Some(inner.parse().unwrap_or(-1)))
        }
        (Some(_), Some(_)) => Err(malformed()),
    }
}
