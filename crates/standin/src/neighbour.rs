//! Another server of the fediverse, for tests: `howdah-standin inbox --listen ADDRESS [--tls-cert FILE --tls-key FILE]`.
//!
//! It has one person for every name it is asked for, takes deliveries at any inbox, and counts them. It keeps nothing on disk.
//! `POST /standin/follow {"actor": URL}` makes it follow somebody, so that the other server comes to know it. `POST /standin/answer
//! {"status": 503}` makes its inboxes answer that from then on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock;
use crate::command::NeighbourOptions;
use crate::crypto::random_hex;
use crate::crypto::signing::{ActorKey, sign_post};

struct Neighbour {
    key: ActorKey,
    http: reqwest::Client,
    state: Mutex<State>,
}

struct State {
    deliveries: Vec<Value>,
    answer: StatusCode,
}

impl Neighbour {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub async fn serve(options: NeighbourOptions) -> anyhow::Result<()> {
    let http = reqwest::Client::builder().timeout(std::time::Duration::from_secs(10)).build()?;
    let state = Mutex::new(State { deliveries: Vec::new(), answer: StatusCode::ACCEPTED });
    let neighbour = web::Data::new(Neighbour { key: ActorKey::generate()?, http, state });
    let server = HttpServer::new(move || App::new().app_data(neighbour.clone()).configure(routes)).workers(1).shutdown_timeout(1);
    let server = match &options.tls {
        None => server.bind(options.listen)?,
        Some((certificate, key)) => {
            let chain = CertificateDer::pem_file_iter(certificate).context("the certificate can't be read")?.collect::<Result<_, _>>()?;
            let key = PrivateKeyDer::from_pem_file(key).context("the key can't be read")?;
            server.bind_rustls_0_23(options.listen, rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?)?
        }
    };
    println!("listening on {}", options.listen);
    Ok(server.run().await?)
}

fn routes(app: &mut web::ServiceConfig) {
    app.route("/health", web::get().to(|| async { HttpResponse::Ok().body("OK") }))
        .route("/.well-known/webfinger", web::get().to(webfinger))
        .route("/users/{name}", web::get().to(actor))
        .route("/inbox", web::post().to(take_in))
        .route("/users/{name}/inbox", web::post().to(take_in))
        .route("/standin/inbox", web::get().to(count))
        .route("/standin/inbox", web::delete().to(forget))
        .route("/standin/follow", web::post().to(follow))
        .route("/standin/answer", web::post().to(set_answer));
}

/// The name it is reached by: one server stands for any number of hosts.
fn own_host(request: &HttpRequest) -> String {
    request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned()
}

#[derive(Deserialize)]
struct Resource {
    resource: String,
}

async fn webfinger(query: web::Query<Resource>, request: HttpRequest) -> HttpResponse {
    let Some((name, _)) = query.resource.strip_prefix("acct:").and_then(|handle| handle.split_once('@')) else {
        return HttpResponse::BadRequest().finish();
    };
    let uri = format!("https://{}/users/{name}", own_host(&request));
    HttpResponse::Ok()
        .content_type("application/jrd+json")
        .body(json!({"subject": query.resource, "links": [{"rel": "self", "type": "application/activity+json", "href": uri}]}).to_string())
}

async fn actor(neighbour: web::Data<Neighbour>, name: web::Path<String>, request: HttpRequest) -> HttpResponse {
    let host = own_host(&request);
    let uri = format!("https://{host}/users/{name}");
    HttpResponse::Ok().content_type("application/activity+json").body(
        json!({
            "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
            "id": uri,
            "type": "Person",
            "preferredUsername": name.as_str(),
            "inbox": format!("{uri}/inbox"),
            "endpoints": {"sharedInbox": format!("https://{host}/inbox")},
            "publicKey": {"id": format!("{uri}#main-key"), "owner": uri, "publicKeyPem": neighbour.key.public_pem},
        })
        .to_string(),
    )
}

async fn take_in(neighbour: web::Data<Neighbour>, body: web::Bytes, request: HttpRequest) -> HttpResponse {
    let Ok(activity) = serde_json::from_slice::<Value>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    let signed = request.headers().contains_key("signature");
    let mut state = neighbour.state();
    if !signed {
        return HttpResponse::Unauthorized().finish();
    }
    if state.answer.is_success() {
        state.deliveries.push(json!({"host": own_host(&request), "path": request.path(), "activity": activity}));
    }
    HttpResponse::build(state.answer).finish()
}

/// What was taken in, counted by type and by actor.
async fn count(neighbour: web::Data<Neighbour>) -> HttpResponse {
    let state = neighbour.state();
    let mut by_type: BTreeMap<String, usize> = BTreeMap::new();
    let mut by_actor: BTreeMap<String, usize> = BTreeMap::new();
    for delivery in &state.deliveries {
        let text = |name: &str| delivery["activity"][name].as_str().unwrap_or_default().to_owned();
        *by_type.entry(text("type")).or_default() += 1;
        *by_actor.entry(text("actor")).or_default() += 1;
    }
    HttpResponse::Ok()
        .json(json!({"count": state.deliveries.len(), "by_type": by_type, "by_actor": by_actor, "deliveries": state.deliveries}))
}

async fn forget(neighbour: web::Data<Neighbour>) -> HttpResponse {
    neighbour.state().deliveries.clear();
    HttpResponse::NoContent().finish()
}

#[derive(Deserialize)]
struct Answer {
    status: u16,
}

async fn set_answer(neighbour: web::Data<Neighbour>, answer: web::Json<Answer>) -> HttpResponse {
    match StatusCode::from_u16(answer.status) {
        Ok(status) => {
            neighbour.state().answer = status;
            HttpResponse::NoContent().finish()
        }
        Err(_) => HttpResponse::BadRequest().finish(),
    }
}

#[derive(Deserialize)]
struct Follow {
    /// The actor to follow.
    actor: String,
    /// Who follows; the host must lead here.
    follower: Option<String>,
}

/// Answers with the status that the followed server's inbox gave.
async fn follow(neighbour: web::Data<Neighbour>, wish: web::Json<Follow>, request: HttpRequest) -> HttpResponse {
    let follower = wish.follower.clone().unwrap_or_else(|| format!("https://{}/users/visitor", own_host(&request)));
    match send_follow(&neighbour, &wish.actor, &follower).await {
        Ok(status) => HttpResponse::Ok().json(json!({"status": status})),
        Err(error) => HttpResponse::BadGateway().json(json!({"error": format!("{error:#}")})),
    }
}

async fn send_follow(neighbour: &Neighbour, actor: &str, follower: &str) -> anyhow::Result<u16> {
    let document: Value =
        neighbour.http.get(actor).header("accept", "application/activity+json").send().await?.error_for_status()?.json().await?;
    let inbox: url::Url = document["inbox"].as_str().context("the actor has no inbox")?.parse()?;
    let id = format!("{follower}#follows/{}", random_hex(4));
    let body = json!({"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Follow", "actor": follower, "object": actor});
    let body = body.to_string();
    let host = inbox.host_str().context("the inbox has no host")?;
    let signed = sign_post(&neighbour.key.private_pem, &format!("{follower}#main-key"), host, inbox.path(), body.as_bytes(), clock::now())?;
    let answer = neighbour
        .http
        .post(inbox)
        .header("date", signed.date)
        .header("digest", signed.digest)
        .header("signature", signed.signature)
        .header("content-type", "application/activity+json")
        .body(body)
        .send()
        .await?;
    Ok(answer.status().as_u16())
}
