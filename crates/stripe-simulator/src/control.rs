//! `/_simulator/…`: what a test in another process, or a browser, does to the simulator. JSON in, JSON out.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::DAY;
use crate::error::ApiError;
use crate::server::Simulator;
use crate::traffic::Fault;
use crate::world::{Delivery, Instrument, Message, Payment, Rules};

/// Every renewal on the way is carried out.
const FARTHEST: i64 = 3653 * DAY;

type State = web::Data<Simulator>;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(
        web::scope("/_simulator")
            .route("/state", web::get().to(state))
            .route("/advance", web::post().to(advance))
            .route("/deliver", web::post().to(deliver))
            .route("/delivery", web::post().to(set_delivery))
            .route("/deliveries", web::get().to(deliveries))
            .route("/fail", web::post().to(fail))
            .route("/release", web::post().to(release))
            .route("/down", web::post().to(down))
            .route("/rules", web::post().to(set_rules))
            .route("/outcomes", web::post().to(outcomes))
            .route("/sessions/{id}/pay", web::post().to(pay))
            .route("/charges/{id}/dispute", web::post().to(dispute))
            .route("/disputes/{id}/close", web::post().to(close_dispute))
            .route("/subscriptions/{id}/delete", web::post().to(delete_subscription))
            .route("/events/{id}/resend", web::post().to(resend)),
    );
}

fn described(simulator: &Simulator) -> Value {
    let (down, faults) = {
        let traffic = simulator.traffic();
        (traffic.down, traffic.faults.clone())
    };
    let world = simulator.world();
    json!({
        "now": world.now, "next_due": world.next_due(), "next_delivery": world.outbox.next_at(), "down": down, "faults": faults,
        "rules": world.rules, "delivery": world.outbox.setting(), "outcomes": world.outcomes,
    })
}

async fn state(simulator: State) -> HttpResponse {
    HttpResponse::Ok().json(described(&simulator))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Move {
    Seconds(i64),
    To(i64),
}

async fn advance(simulator: State, by: web::Json<Move>) -> HttpResponse {
    let now = simulator.world().now;
    let until = match by.into_inner() {
        Move::Seconds(seconds) => now.saturating_add(seconds),
        Move::To(until) => until,
    };
    if !(now..=now + FARTHEST).contains(&until) {
        return answered(Err(ApiError::invalid("The clock moves forward only, and by ten years at most.")));
    }
    simulator.advance_to(until).await;
    HttpResponse::Ok().json(described(&simulator))
}

async fn deliver(simulator: State) -> HttpResponse {
    let tried = simulator.deliver_pending().await;
    HttpResponse::Ok().json(json!({"tried": tried}))
}

async fn set_delivery(simulator: State, delivery: web::Json<Delivery>) -> HttpResponse {
    simulator.set_delivery(delivery.into_inner());
    HttpResponse::Ok().json(described(&simulator))
}

/// The newest first.
async fn deliveries(simulator: State) -> HttpResponse {
    let world = simulator.world();
    let newest: Vec<&Message> = world.outbox.newest(200).collect();
    HttpResponse::Ok().json(newest)
}

async fn fail(simulator: State, fault: web::Json<Fault>) -> HttpResponse {
    simulator.fail_next(fault.into_inner());
    HttpResponse::Ok().json(described(&simulator))
}

async fn release(simulator: State) -> HttpResponse {
    simulator.release();
    HttpResponse::Ok().json(described(&simulator))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Down {
    down: bool,
}

async fn down(simulator: State, down: web::Json<Down>) -> HttpResponse {
    simulator.down(down.down);
    HttpResponse::Ok().json(described(&simulator))
}

async fn set_rules(simulator: State, rules: web::Json<Rules>) -> HttpResponse {
    simulator.world().rules = rules.into_inner();
    HttpResponse::Ok().json(described(&simulator))
}

async fn outcomes(simulator: State, outcomes: web::Json<Vec<Instrument>>) -> HttpResponse {
    simulator.world().outcomes = outcomes.into_inner().into();
    HttpResponse::Ok().json(described(&simulator))
}

async fn pay(simulator: State, session: web::Path<String>, payment: web::Json<Payment>) -> HttpResponse {
    let paid = simulator.pay(&session, &payment);
    answered(paid.and_then(|()| simulator.world().object("checkout.session", &session).cloned()))
}

async fn dispute(simulator: State, charge: web::Path<String>) -> HttpResponse {
    answered(simulator.world().dispute(&charge, "fraudulent"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    won: bool,
}

async fn close_dispute(simulator: State, dispute: web::Path<String>, close: web::Json<Close>) -> HttpResponse {
    answered(simulator.world().close_dispute(&dispute, close.won))
}

/// As somebody does it in Stripe's own dashboard, without a request of ours.
async fn delete_subscription(simulator: State, subscription: web::Path<String>) -> HttpResponse {
    let mut world = simulator.world();
    let cancelled = world.cancel(&subscription, false, false);
    answered(cancelled.and_then(|()| world.object("subscription", &subscription).cloned()))
}

async fn resend(simulator: State, event: web::Path<String>) -> HttpResponse {
    let resent = simulator.world().resend(&event);
    answered(resent.map(|number| json!({"resent": number})))
}

fn answered(answer: Result<Value, ApiError>) -> HttpResponse {
    match answer {
        Ok(body) => HttpResponse::Ok().json(crate::world::shown(&body)),
        Err(error) => HttpResponse::build(StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST)).json(error.body()),
    }
}
