//! What is taken for an event of Stripe's, and what is not.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use howdah_billing::event::{Concern, Received, WANTED};
use howdah_billing::webhook::{BODY_LIMIT, Rejected, verify};
use howdah_billing::{Settings, Stripe};
use proptest::prelude::*;
use secrecy::SecretString;
use sha2::Sha256;

const SECRET: &str = "whsec_test_secret";
const SIGNED: i64 = 1_492_774_577;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn secrets(all: &[&str]) -> Vec<SecretString> {
    all.iter().map(|it| SecretString::from(*it)).collect()
}

/// As Stripe's documentation says it is made.
fn sign(secret: &str, seconds: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|it| format!("{it:02x}")).collect()
}

fn header(secret: &str, body: &[u8]) -> String {
    format!("t={SIGNED},v1={}", sign(secret, SIGNED, body))
}

fn event(object: &str) -> String {
    format!(
        r#"{{"id": "evt_1", "object": "event", "type": "invoice.paid", "api_version": "2026-09-30.endive", "created": 1492774000,
            "livemode": false, "data": {{"object": {object}}}}}"#
    )
}

fn verified(body: &[u8], header: &str) -> Result<Received, Rejected> {
    verify(body, header, &secrets(&[SECRET]), at(SIGNED))
}

#[test]
fn an_event_of_stripes_is_taken() {
    let body = event(r#"{"id": "in_1", "object": "invoice", "customer": "cus_1"}"#);
    let received = verified(body.as_bytes(), &header(SECRET, body.as_bytes())).unwrap();
    assert_eq!((received.event_id.as_str(), received.kind.as_str()), ("evt_1", "invoice.paid"));
    assert_eq!((received.object_kind.as_deref(), received.object_id.as_deref()), (Some("invoice"), Some("in_1")));
    assert_eq!(received.api_version.as_deref(), Some("2026-09-30.endive"));
    assert_eq!(received.created, at(1_492_774_000));
    assert_eq!(received.concerns(), &Concern::Invoice("in_1".to_owned()));
    assert_eq!(received.raw, body, "to the byte");
    assert!(!format!("{received:?}").contains("cus_1"), "what is in it is not for logs");
}

/// Made by `stripe.WebhookSignature._compute_signature` of Stripe's own library for Python, 16.1.0.
#[test]
fn stripes_own_library_signs_as_we_read() {
    let body = r#"{"id": "evt_1", "object": "event", "type": "invoice.paid"}"#;
    let theirs = "795b72f42ae6c3f4aaa1f75d5f7cb9d13175477233d6bae3adecc27ed91a5171";
    assert_eq!(sign(SECRET, SIGNED, body.as_bytes()), theirs);
    // Their signature is good; this is no whole event, and only then is that seen.
    assert_eq!(verified(body.as_bytes(), &format!("t={SIGNED},v1={theirs}")), Err(Rejected::Unreadable));
}

#[test]
fn headers_are_read_as_stripe_writes_them() {
    let body = event("{}");
    let good = sign(SECRET, SIGNED, body.as_bytes());
    let other = sign("whsec_other", SIGNED, body.as_bytes());
    for header in [
        format!("t={SIGNED},v1={good}"),
        format!("v1={good},t={SIGNED}"),
        format!("t={SIGNED}, v1={good}"),
        format!("t={SIGNED},v1={other},v1={good}"),
        format!("t={SIGNED},v1={good},v0={other}"),
        format!("t={SIGNED},v1={}", good.to_uppercase()),
    ] {
        assert!(verified(body.as_bytes(), &header).is_ok(), "{header}");
    }
    for header in [
        String::new(),
        ",".to_owned(),
        "t".to_owned(),
        format!("v1={good}"),
        format!("t={SIGNED}"),
        format!("t={SIGNED},v0={good}"),
        format!("t=,v1={good}"),
        format!("t=-{SIGNED},v1={good}"),
        format!("t=+{SIGNED},v1={good}"),
        format!("t={SIGNED}.0,v1={good}"),
        format!("t=99999999999999999999,v1={good}"),
        format!("t={SIGNED},t={SIGNED},v1={good}"),
        format!("t={SIGNED},v1=zz"),
        format!("t={SIGNED},v1={good}{}", ",v1=00".repeat(16)),
        format!("t={SIGNED},v1={good},{}", "v0=0,".repeat(1000)),
    ] {
        assert_eq!(verified(body.as_bytes(), &header), Err(Rejected::Malformed), "{header}");
    }
}

#[test]
fn a_forged_event_is_not_taken() {
    let body = event("{}");
    let good = sign(SECRET, SIGNED, body.as_bytes());
    for header in [
        format!("t={SIGNED},v1={}", sign("whsec_other", SIGNED, body.as_bytes())),
        format!("t={},v1={good}", SIGNED + 1),
        format!("t=0{SIGNED},v1={good}"),
        format!("t={SIGNED},v1={}", &good[2..]),
        format!("t={SIGNED},v1="),
    ] {
        assert_eq!(verified(body.as_bytes(), &header), Err(Rejected::Forged), "{header}");
    }
    let header = header(SECRET, body.as_bytes());
    assert_eq!(verified(body.replace("evt_1", "evt_2").as_bytes(), &header), Err(Rejected::Forged));
    assert_eq!(verify(body.as_bytes(), &header, &[], at(SIGNED)), Err(Rejected::Forged), "no secret, no event");
}

#[test]
fn the_empty_secret_is_anybodys() {
    let body = event("{}");
    let header = header("", body.as_bytes());
    assert_eq!(verify(body.as_bytes(), &header, &secrets(&[""]), at(SIGNED)), Err(Rejected::Forged));
}

#[test]
fn while_a_secret_is_rolled_both_are_good() {
    let body = event("{}");
    let known = secrets(&["whsec_new", "whsec_old"]);
    for secret in ["whsec_new", "whsec_old"] {
        assert!(verify(body.as_bytes(), &header(secret, body.as_bytes()), &known, at(SIGNED)).is_ok(), "{secret}");
    }
    assert_eq!(verify(body.as_bytes(), &header(SECRET, body.as_bytes()), &known, at(SIGNED)), Err(Rejected::Forged));
}

#[test]
fn an_old_event_is_not_taken_again_and_none_from_the_future() {
    let body = event("{}");
    let header = header(SECRET, body.as_bytes());
    for (seconds, good) in [(0, true), (299, true), (300, true), (301, false), (-300, true), (-301, false), (i64::from(i32::MAX), false)] {
        let now = at(SIGNED) + TimeDelta::seconds(seconds);
        let result = verify(body.as_bytes(), &header, &secrets(&[SECRET]), now);
        let expected = if good { Ok("evt_1".to_owned()) } else { Err(Rejected::Stale { signed: at(SIGNED) }) };
        assert_eq!(result.map(|it| it.event_id), expected, "{seconds}");
    }
}

#[test]
fn what_is_signed_and_no_event_is_not_taken() {
    let large = vec![b' '; BODY_LIMIT + 1];
    assert_eq!(verified(&large, &header(SECRET, &large)), Err(Rejected::Oversized));
    for body in [
        &b""[..],
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        br#"{"id": "evt_1", "object": "v2.core.event"}"#,
        br#"{"id": "../evt", "object": "event", "type": "a", "created": 1, "livemode": false}"#,
        br#"{"id": "evt_1", "object": "event", "type": "a b", "created": 1, "livemode": false}"#,
        br#"{"id": "evt_1", "object": "event", "type": "a", "created": "1", "livemode": false}"#,
    ] {
        assert_eq!(verified(body, &header(SECRET, body)), Err(Rejected::Unreadable), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn an_event_says_what_to_read_anew() {
    let customer = |it: &str| Concern::Customer(it.to_owned());
    for (object, expected) in [
        (r#"{"object": "customer", "id": "cus_1"}"#, customer("cus_1")),
        (r#"{"object": "subscription", "id": "sub_1", "customer": "cus_1"}"#, Concern::Subscription("sub_1".to_owned())),
        (r#"{"object": "invoice", "id": "in_1", "customer": "cus_1"}"#, Concern::Invoice("in_1".to_owned())),
        (
            r#"{"object": "invoice", "customer": "cus_1", "parent": {"subscription_details": {"subscription": "sub_1"}}}"#,
            Concern::Subscription("sub_1".to_owned()),
        ),
        (r#"{"object": "invoice", "customer": "cus_1", "parent": null}"#, customer("cus_1")),
        (r#"{"object": "invoiceitem", "id": "ii_1", "invoice": null, "customer": {"id": "cus_1"}}"#, customer("cus_1")),
        (r#"{"object": "invoiceitem", "id": "ii_1", "invoice": "in_1"}"#, Concern::Invoice("in_1".to_owned())),
        (r#"{"object": "checkout.session", "id": "cs_test_1"}"#, Concern::Checkout("cs_test_1".to_owned())),
        (r#"{"object": "charge", "id": "ch_1"}"#, Concern::Charge("ch_1".to_owned())),
        (r#"{"object": "refund", "id": "re_1", "charge": "ch_1"}"#, Concern::Charge("ch_1".to_owned())),
        (r#"{"object": "dispute", "id": "du_1", "charge": "ch_1"}"#, Concern::Dispute("du_1".to_owned())),
        (r#"{"object": "payment_method", "id": "pm_1", "customer": "cus_1"}"#, customer("cus_1")),
        (r#"{"object": "payment_method", "id": "pm_1", "customer": null}"#, Concern::Nothing),
        (r#"{"object": "product", "id": "prod_1"}"#, Concern::Nothing),
        (r#"{"object": "subscription", "id": "../x"}"#, Concern::Nothing),
        (r#"{"object": ["subscription"], "id": "sub_1"}"#, Concern::Nothing),
        ("{}", Concern::Nothing),
        ("null", Concern::Nothing),
        ("7", Concern::Nothing),
    ] {
        let body = event(object);
        let received = verified(body.as_bytes(), &header(SECRET, body.as_bytes())).unwrap();
        assert_eq!(received.concerns(), &expected, "{object}");
    }
}

#[tokio::test]
async fn an_event_of_another_account_is_not_ours() {
    let received = |account: &str, livemode: bool| {
        let body = format!(
            r#"{{"id": "evt_1", "object": "event", "type": "a", "created": 1, "livemode": {livemode}, "account": {account}, "data": {{}}}}"#
        );
        verified(body.as_bytes(), &header(SECRET, body.as_bytes())).unwrap()
    };
    let stripe = |key: &str, account: Option<&str>| {
        let settings = Settings { account: account.map(str::to_owned), ..Settings::new(SecretString::from(key)) };
        Stripe::new(&settings).unwrap()
    };
    assert!(stripe("sk_test_1", None).is_ours(&received("null", false)));
    assert!(!stripe("sk_test_1", None).is_ours(&received("null", true)), "live events with a test key");
    assert!(stripe("rk_live_1", None).is_ours(&received("null", true)));
    assert!(!stripe("sk_test_1", None).is_ours(&received(r#""acct_1""#, false)));
    assert!(stripe("sk_test_1", Some("acct_1")).is_ours(&received(r#""acct_1""#, false)));
    assert!(!stripe("sk_test_1", Some("acct_1")).is_ours(&received(r#""acct_2""#, false)));
    assert!(stripe("sk_test_1", Some("acct_1")).is_ours(&received("null", false)), "the endpoint is the account's own");
}

#[test]
fn what_we_want_to_be_told_is_named_once() {
    assert!(WANTED.windows(2).all(|it| it[0] < it[1]), "sorted, none twice");
}

proptest! {
    #[test]
    fn nothing_is_taken_that_was_not_signed(body in any::<Vec<u8>>(), header in ".{0,200}") {
        prop_assert!(verified(&body, &header).is_err());
    }

    #[test]
    fn one_byte_is_enough_to_be_forged(position in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let body = event(r#"{"id": "in_1", "object": "invoice"}"#).into_bytes();
        let header = header(SECRET, &body);
        let mut other = body.clone();
        other[position.index(body.len())] ^= 1 << bit;
        prop_assert_eq!(verified(&other, &header), Err(Rejected::Forged));
    }

    #[test]
    fn whatever_is_signed_is_read_or_refused(body in any::<String>()) {
        let result = verified(body.as_bytes(), &header(SECRET, body.as_bytes()));
        prop_assert!(matches!(result, Ok(_) | Err(Rejected::Unreadable)));
    }
}
