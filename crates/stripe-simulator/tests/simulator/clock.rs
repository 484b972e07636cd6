//! The clock that is shared by a file, and events that go somewhere else.

use howdah_stripe_simulator::clock::{OffsetFile, machine_now};
use howdah_stripe_simulator::{Fields, Settings};

use crate::support::{Account, DAY};

fn shared(folder: &tempfile::TempDir, ahead: i64) -> OffsetFile {
    let file = OffsetFile(folder.path().join("clock"));
    file.write(ahead).expect("written");
    file
}

#[tokio::test]
async fn moved_by_hand_it_takes_along_whoever_shares_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = shared(&folder, DAY);
    let account = Account::set(Settings { clock_offset_file: Some(file.clone()), ..Settings::default() }).await;
    assert!(account.running.world().now >= machine_now() + DAY - 1, "it begins where they are");
    account.running.advance(30 * DAY).await;
    assert_eq!(file.read(), Some(31 * DAY));
}

#[tokio::test]
async fn moved_by_others_it_goes_along_and_does_what_was_due() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = shared(&folder, 0);
    let account = Account::set(Settings { clock_offset_file: Some(file.clone()), ..Settings::default() }).await;
    let (customer, price) = (account.customer("pm_card_visa").await, account.price("Small", 900).await);
    let subscription = account.subscribe(&customer, &price, "").await;
    file.write(40 * DAY).expect("written");
    account.running.advance(0).await;
    let invoice = account.subscription(subscription.id()).await["latest_invoice"].clone();
    assert_eq!((invoice.text("billing_reason"), invoice.status()), ("subscription_cycle", "paid"));
    assert_eq!(file.read(), Some(40 * DAY), "where they put it");

    let before = account.running.world().now;
    file.write(0).expect("written");
    account.running.advance(0).await;
    assert_eq!(account.running.world().now, before, "it never goes back");
}

#[tokio::test]
async fn events_are_forwarded_to_the_path_of_their_endpoint() {
    let elsewhere = crate::support::Endpoint::listen().await;
    let forward_to = elsewhere.url.replace("/hook", "").parse().expect("a URL");
    let account = Account::set(Settings { forward_to: Some(forward_to), ..Settings::default() }).await;
    account.post("/v1/webhook_endpoints", "url=https://howdah.invalid/webhooks/stripe?of=us&enabled_events[]=*").await;
    account.post("/v1/customers", "email=ana@example.org").await;
    account.running.deliver_pending().await;
    assert_eq!(elsewhere.types(), ["customer.created"]);
    assert_eq!(elsewhere.heard()[0].target, "/webhooks/stripe?of=us");
}
