//! What other servers ask for, and what they deliver.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Site;
use super::pages;
use super::site::Failure;
use crate::jobs::{Job, PROCESSING};
use crate::objects;
use crate::people::{self, LocalAccount};
use crate::settings_store;

#[derive(Deserialize)]
pub struct Resource {
    resource: String,
}

pub async fn webfinger(site: web::Data<Site>, query: web::Query<Resource>) -> Result<HttpResponse, Failure> {
    let identity = &site.config.identity;
    let Some((name, domain)) = query.resource.strip_prefix("acct:").and_then(|handle| handle.trim_start_matches('@').split_once('@'))
    else {
        return Ok(HttpResponse::BadRequest().finish());
    };
    if !identity.answers_to(domain) {
        return Ok(HttpResponse::NotFound().finish());
    }
    let client = site.database.get().await?;
    Ok(match LocalAccount::find(&client, name).await? {
        None => HttpResponse::NotFound().finish(),
        Some(account) if account.suspended => HttpResponse::Gone().finish(),
        Some(account) => HttpResponse::Ok()
            .insert_header(("access-control-allow-origin", "*"))
            .content_type("application/jrd+json; charset=utf-8")
            .body(objects::webfinger(&account.username, identity).to_string()),
    })
}

pub async fn host_meta(site: web::Data<Site>) -> HttpResponse {
    let template = format!("https://{}/.well-known/webfinger?resource={{uri}}", site.config.identity.web_domain);
    HttpResponse::Ok().content_type("application/xrd+xml; charset=utf-8").body(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><XRD xmlns=\"http://docs.oasis-open.org/ns/xri/xrd-1.0\"><Link rel=\"lrdd\" template=\"{template}\"/></XRD>"
    ))
}

pub async fn nodeinfo_index(site: web::Data<Site>) -> HttpResponse {
    HttpResponse::Ok().json(objects::nodeinfo_index(&site.config.identity))
}

pub async fn nodeinfo(site: web::Data<Site>) -> Result<HttpResponse, Failure> {
    Ok(HttpResponse::Ok().json(objects::nodeinfo(&site.config, &site.census().await?)))
}

pub async fn instance(site: web::Data<Site>) -> Result<HttpResponse, Failure> {
    Ok(HttpResponse::Ok().json(objects::instance(&site.config, &site.census().await?)))
}

pub async fn rules(site: web::Data<Site>) -> Result<HttpResponse, Failure> {
    Ok(HttpResponse::Ok().json(objects::rules(&site.census().await?.rules)))
}

pub async fn privacy_policy(site: web::Data<Site>) -> Result<HttpResponse, Failure> {
    let client = site.database.get().await?;
    let text = settings_store::word(&*client, "site_terms").await?;
    let own = match text {
        Some(text) => {
            let stamp = "SELECT to_char(updated_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM settings WHERE var = 'site_terms'";
            Some((text, client.query_one(stamp, &[]).await?.get(0)))
        }
        None => None,
    };
    Ok(HttpResponse::Ok().json(objects::privacy_policy(own.as_ref())))
}

/// The actor's document where JSON is asked for, else the profile page.
pub async fn actor(site: web::Data<Site>, name: web::Path<String>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let accepts = request.headers().get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accepts.contains("json") {
        return pages::profile(site, name).await;
    }
    let client = site.database.get().await?;
    Ok(match LocalAccount::find(&client, &name).await? {
        None => HttpResponse::NotFound().finish(),
        Some(account) if account.suspended => HttpResponse::Gone().finish(),
        Some(account) => {
            let key = people::public_key(&*client, account.id).await?;
            HttpResponse::Ok().content_type(objects::ACTIVITY_JSON).body(objects::actor(&account, &key, &site.config).to_string())
        }
    })
}

pub async fn empty_collection(request: HttpRequest) -> HttpResponse {
    let id = format!("https://{}{}", request.connection_info().host(), request.path());
    HttpResponse::Ok().content_type(objects::ACTIVITY_JSON).body(
        json!({"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "OrderedCollection", "totalItems": 0}).to_string(),
    )
}

/// A delivery: kept as it came, and given to Sidekiq to act upon.
pub async fn take_in(site: web::Data<Site>, body: web::Bytes, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let Ok(activity) = serde_json::from_slice::<Value>(&body) else {
        return Ok(HttpResponse::BadRequest().finish());
    };
    let Some(signature) = request.headers().get("signature").and_then(|value| value.to_str().ok()) else {
        return Ok(HttpResponse::Unauthorized().json(json!({"error": "Request not signed"})));
    };
    let client = site.database.get().await?;
    client
        .execute("INSERT INTO standin_inbox (path, signature, activity) VALUES ($1, $2, $3)", &[&request.path(), &signature, &activity])
        .await?;
    site.jobs().await?.push(&[Job::new(PROCESSING, "ingress", 8, vec![activity])]).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Ours: what was delivered so far, newest last.
pub async fn taken_in(site: web::Data<Site>) -> Result<HttpResponse, Failure> {
    let client = site.database.get().await?;
    let rows = client.query("SELECT path, activity FROM standin_inbox ORDER BY id", &[]).await?;
    let activities: Vec<Value> =
        rows.iter().map(|row| json!({"path": row.get::<_, String>(0), "activity": row.get::<_, Value>(1)})).collect();
    Ok(HttpResponse::Ok().json(json!({"count": activities.len(), "activities": activities})))
}
