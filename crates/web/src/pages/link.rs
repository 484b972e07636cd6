//! A link of a mail that opens nothing: used, too old, or of nobody. It says which, and the way on.

use actix_web::http::StatusCode;
use askama::Template;
use howdah_app::Error;

use super::frame::{Answer, Frame};

#[derive(Template)]
#[template(path = "dead_link.html")]
struct DeadLinkPage<'a> {
    frame: &'a Frame,
    sentence: &'a str,
    way_on: (&'static str, &'static str),
}

/// Whatever else is wrong stays a problem.
pub fn dead(frame: &Frame, error: Error, way_on: (&'static str, &'static str)) -> Answer {
    match &error {
        Error::Conflict { reason: "link_unknown" | "link_used" | "link_expired" | "link_withdrawn", sentence } => {
            frame.answer(StatusCode::GONE, &DeadLinkPage { frame, sentence, way_on })
        }
        _ => Err(error.into()),
    }
}
