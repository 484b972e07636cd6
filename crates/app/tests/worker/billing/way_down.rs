//! From a payment that fails to the end, and back at every step.

use howdah_app::instances::{self, Close};
use howdah_app::{billing, exports};
use howdah_db::models::billing::SubscriptionRow;
use howdah_domain::{Deletion, Desired, Hold, InstanceId, Standing};
use howdah_testkit::arriving::bundle;

use super::{DECLINED, DOMAIN, GOOD, Paid, VISA};
use crate::exports::whole;

const READ_ONLY: Desired = Desired::ReadOnly { by: Hold::Billing };
const SUSPENDED: Desired = Desired::Suspended { by: Hold::Billing };

/// A card that works once, and never again.
async fn past_due(paid: &Paid) -> InstanceId {
    let id = paid.running(GOOD).await;
    let customer = paid.subscriptions(id).await[0].customer_id.clone();
    paid.change_card(&customer, DECLINED);
    paid.days(31).await;
    assert!(matches!(paid.standing(id).await, Standing::PastDue { .. }), "{:?}", paid.standing(id).await);
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn past_due_read_only_suspended_and_back_with_nothing_lost() {
    let paid = Paid::new().await;
    let id = past_due(&paid).await;
    assert_eq!(paid.desired(id).await, Desired::Running);
    let bill = billing::bill(paid.app(), &paid.customer, id).await.unwrap();
    let banner = bill.banner.unwrap();
    assert!((12..=14).contains(&banner.days_left), "{banner:?}");
    paid.days(15).await;
    assert_eq!(paid.desired(id).await, READ_ONLY);
    paid.days(31).await;
    assert_eq!(paid.desired(id).await, SUSPENDED);
    let mails: Vec<String> = paid.mails().into_iter().filter(|it| it.contains("birds.fedi.localhost")).collect();
    let of_billing: Vec<&str> = mails.iter().map(String::as_str).filter(|it| !it.contains("ready")).collect();
    assert_eq!(
        of_billing,
        [
            "A payment for birds.fedi.localhost is missing",
            "birds.fedi.localhost can only be read from now on",
            "birds.fedi.localhost stands still"
        ]
    );
    assert!(exports::list(paid.app(), &paid.customer, id, howdah_app::Page { before: None, limit: 5 }).await.is_ok());

    let customer = paid.subscriptions(id).await[0].customer_id.clone();
    paid.change_card(&customer, VISA);
    paid.pay_open_invoices(&customer);
    paid.told().await;
    assert!(matches!(paid.standing(id).await, Standing::Current { .. }), "{:?}", paid.standing(id).await);
    assert_eq!(paid.desired(id).await, Desired::Running);
    paid.days(3).await;
    assert_eq!(paid.desired(id).await, Desired::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pays_and_our_copy_goes_after_everybody_was_told_and_nobody_outside_was() {
    let paid = Paid::new().await;
    let id = past_due(&paid).await;
    let (mut was_running_until, mut bundled) = (0, false);
    for day in 1..=200 {
        paid.days(1).await;
        bundled = bundled || bundle_is_whole(&paid, id).await;
        let row = paid.row(id).await;
        if row.desired().unwrap() == Desired::Running {
            was_running_until = day;
        }
        if let Desired::Deleted { deletion, .. } = row.desired().unwrap() {
            assert_eq!(deletion, Deletion::Remove);
            assert!(day >= 14 + 30 + 60 - 1 && bundled, "day {day}");
            break;
        }
        assert!(day < 200, "its end came");
    }
    assert!((12..=15).contains(&was_running_until), "{was_running_until}");
    paid.ground.settle(id).await;
    let row = paid.row(id).await;
    assert!(row.tombstoned_at.is_some() && row.farewell_began_at.is_none());
    assert!(!paid.ground.final_bundles(id).await.is_empty(), "what it was can still be taken along");
    let mails = paid.mails();
    let told = |what: &str| mails.iter().filter(|it| it.as_str() == format!("birds.fedi.localhost is deleted here{what}")).count();
    assert_eq!([" in 30 days", " in 14 days", " in 3 days", " tomorrow", ""].map(told), [1; 5], "{mails:#?}");
}

/// Its operator has made the final bundle that was begun, if one was.
async fn bundle_is_whole(paid: &Paid, id: InstanceId) -> bool {
    let Some(begun) = paid.ground.final_bundles(id).await.into_iter().next() else { return false };
    paid.ground.sync_export(begun.id).await;
    let files = bundle(DOMAIN, "4.5.11").files;
    paid.ground.bundles.put_all(&format!("{id}/{}", begun.id), &files);
    paid.ground.told(whole()).await;
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_runs_on_to_its_end_and_can_be_taken_back() {
    let paid = Paid::new().await;
    let id = paid.running(GOOD).await;
    billing::cancel(paid.app(), &paid.customer, id).await.unwrap();
    assert!(paid.subscriptions(id).await[0].cancel_at.is_some());
    assert_eq!(paid.desired(id).await, Desired::Running);
    billing::take_back_cancel(paid.app(), &paid.customer, id).await.unwrap();
    assert!(paid.subscriptions(id).await[0].cancel_at.is_none());
    billing::cancel(paid.app(), &paid.customer, id).await.unwrap();
    paid.days(29).await;
    assert_eq!(paid.desired(id).await, Desired::Running);
    paid.days(4).await;
    assert!(matches!(paid.standing(id).await, Standing::Cancelled { .. }));
    assert_eq!(paid.desired(id).await, READ_ONLY);
    // A plan again, and it runs on as it was.
    paid.pay_with(id, GOOD).await;
    paid.told().await;
    assert_eq!(paid.desired(id).await, Desired::Running);
    let all: Vec<SubscriptionRow> = paid.subscriptions(id).await;
    assert_eq!(all.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pays_for_a_server_that_leaves() {
    let paid = Paid::new().await;
    let id = paid.running(GOOD).await;
    let close = Close { confirm: DOMAIN.to_owned(), declines_final_bundle: true, ..Close::default() };
    instances::close(paid.app(), &paid.customer, id, &close, None).await.unwrap();
    paid.days(1).await;
    assert!(paid.subscriptions(id).await[0].cancel_at.is_some(), "it ends with what is paid");
    instances::undo(paid.app(), &paid.customer, id, None, None).await.unwrap();
    paid.days(1).await;
    assert!(paid.subscriptions(id).await[0].cancel_at.is_none(), "and goes on with the server");
    // What its people ended, nobody takes back for them.
    billing::cancel(paid.app(), &paid.customer, id).await.unwrap();
    paid.days(1).await;
    assert!(paid.subscriptions(id).await[0].cancel_at.is_some());
    billing::take_back_cancel(paid.app(), &paid.customer, id).await.unwrap();

    paid.ground.clock.advance(chrono::TimeDelta::seconds(1));
    instances::close(paid.app(), &paid.customer, id, &close, None).await.unwrap();
    paid.days(15).await;
    paid.ground.settle(id).await;
    assert!(paid.row(id).await.tombstoned_at.is_some());
    paid.days(1).await;
    let gone = &paid.subscriptions(id).await[0];
    assert_eq!((gone.status.as_str(), gone.ended_at.is_some()), ("canceled", true));
}
