//! What happens to a request before and after it is acted on: idempotency as Stripe's v1 API has it, planned failures, a rate limit.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::DAY;
use crate::error::ApiError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// 500, and nothing was done. With an idempotency key the 500 is kept and replayed.
    ErrorBefore,
    /// 500, though it was done.
    ErrorAfter,
    /// The connection is closed, and nothing was done.
    DropBefore,
    /// The connection is closed, though it was done.
    DropAfter,
    /// It was done, and the answer waits until it is let go; its key is in use until then.
    Held,
    /// 429.
    TooMany,
}

/// The next `times` requests to a path that begins with `path` fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `/v1/invoices`, say; empty for all.
    #[serde(default)]
    pub path: String,
    /// Only requests of this method.
    #[serde(default)]
    pub method: Option<String>,
    pub failure: Failure,
    #[serde(default = "once")]
    pub times: u32,
    /// How many matching requests go through first.
    #[serde(default)]
    pub after: u32,
}

fn once() -> u32 {
    1
}

/// An answer as it goes out, and is kept.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub request_id: String,
}

struct Kept {
    fingerprint: String,
    at: i64,
    reply: Option<Reply>,
}

#[derive(Default)]
pub struct Traffic {
    pub down: bool,
    pub faults: Vec<Fault>,
    kept: HashMap<String, Kept>,
    second: i64,
    in_second: u32,
}

impl Traffic {
    /// The failure that is planned for this request.
    pub fn planned(&mut self, method: &str, path: &str) -> Option<Failure> {
        let matches = |it: &Fault| path.starts_with(&it.path) && it.method.as_deref().is_none_or(|wanted| wanted == method);
        let at = self.faults.iter().position(matches)?;
        let fault = &mut self.faults[at];
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        fault.times = fault.times.saturating_sub(1);
        let failure = fault.failure;
        if fault.times == 0 {
            self.faults.remove(at);
        }
        Some(failure)
    }

    /// Whether this second has had its requests; `most` of 0 is no limit.
    pub fn is_too_fast(&mut self, machine_now: i64, most: u32) -> bool {
        if self.second != machine_now {
            (self.second, self.in_second) = (machine_now, 0);
        }
        self.in_second += 1;
        most > 0 && self.in_second > most
    }

    /// The kept answer of an idempotency key. The key is in use from now on if there is none.
    pub fn begin(&mut self, key: &str, fingerprint: &str, now: i64) -> Result<Option<Reply>, ApiError> {
        self.kept.retain(|_, it| it.at > now - DAY);
        match self.kept.get(key) {
            Some(kept) if kept.fingerprint != fingerprint => Err(ApiError::idempotency(
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
            )),
            Some(Kept { reply: Some(reply), .. }) => Ok(Some(reply.clone())),
            Some(_) => Err(ApiError::in_progress()),
            None => {
                self.kept.insert(key.to_owned(), Kept { fingerprint: fingerprint.to_owned(), at: now, reply: None });
                Ok(None)
            }
        }
    }

    /// Keeps what a request came to. One that was refused before anything was done may be sent again with the same key.
    pub fn finish(&mut self, key: &str, reply: &Reply) {
        let acted = reply.status < 400 || reply.status == 402 || reply.status >= 500;
        match self.kept.get_mut(key) {
            Some(kept) if acted => kept.reply = Some(reply.clone()),
            _ => self.forget(key),
        }
    }

    pub fn forget(&mut self, key: &str) {
        self.kept.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(status: u16) -> Reply {
        Reply { status, body: json!({}), request_id: "req_1".to_owned() }
    }

    #[test]
    fn a_key_replays_what_was_done_even_a_500() {
        for (status, replays) in [(200, true), (402, true), (500, true), (400, false), (429, false)] {
            let mut traffic = Traffic::default();
            assert!(traffic.begin("k", "a", 0).expect("a new key").is_none());
            traffic.finish("k", &reply(status));
            let again = traffic.begin("k", "a", DAY - 1).expect("the same request");
            assert_eq!(again.map(|it| it.status), replays.then_some(status));
        }
    }

    #[test]
    fn a_key_is_for_one_request_and_one_day() {
        let mut traffic = Traffic::default();
        assert!(traffic.begin("k", "a", 0).expect("a new key").is_none());
        assert_eq!(traffic.begin("k", "a", 1).expect_err("in progress").status, 409);
        traffic.finish("k", &reply(200));
        assert_eq!(traffic.begin("k", "b", 1).expect_err("another request").kind, "idempotency_error");
        assert!(traffic.begin("k", "b", DAY).expect("forgotten by then").is_none());
    }

    #[test]
    fn faults_come_in_their_number_and_place() {
        let fault =
            Fault { path: "/v1/invoices".to_owned(), method: Some("POST".to_owned()), failure: Failure::DropAfter, times: 2, after: 1 };
        let mut traffic = Traffic { faults: vec![fault], ..Traffic::default() };
        let mut at = |method, path| traffic.planned(method, path).is_some();
        assert_eq!([at("GET", "/v1/invoices"), at("POST", "/v1/refunds")], [false, false]);
        let posts: Vec<bool> = (0..4).map(|_| at("POST", "/v1/invoices/in_1/pay")).collect();
        assert_eq!(posts, [false, true, true, false]);
    }
}
