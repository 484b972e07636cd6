//! The documents that other servers and apps read: actors, activities, nodeinfo, the instance.

use serde_json::{Value, json};

use crate::config::{Config, Identity};
use crate::media;
use crate::people::{LocalAccount, uri_of};

pub const ACTIVITY_JSON: &str = "application/activity+json; charset=utf-8";

pub fn actor(account: &LocalAccount, public_key: &str, config: &Config) -> Value {
    let uri = account.uri(&config.identity);
    let web = &config.identity.web_domain;
    let mut document = json!({
        "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
        "id": uri,
        "type": "Person",
        "preferredUsername": account.username,
        "name": account.display_name,
        "url": format!("https://{web}/@{}", account.username),
        "inbox": format!("{uri}/inbox"),
        "outbox": format!("{uri}/outbox"),
        "followers": format!("{uri}/followers"),
        "following": format!("{uri}/following"),
        "endpoints": {"sharedInbox": format!("https://{web}/inbox")},
        "publicKey": {"id": format!("{uri}#main-key"), "owner": uri, "publicKeyPem": public_key},
    });
    if let Some(file) = &account.avatar_file_name {
        let (media_type, url) = media::avatar(config, account.id, file);
        document["icon"] = json!({"type": "Image", "mediaType": media_type, "url": url});
    }
    document
}

/// "This account is gone": what a self-destruct sends, signed by the account itself.
pub fn delete_actor(username: &str, identity: &Identity) -> Value {
    let uri = uri_of(username, identity);
    json!({
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": format!("{uri}#delete"),
        "type": "Delete",
        "actor": uri,
        "to": ["https://www.w3.org/ns/activitystreams#Public"],
        "object": uri,
    })
}

pub fn accept(username: &str, identity: &Identity, follow: &Value) -> Value {
    let uri = uri_of(username, identity);
    json!({
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": format!("{uri}#accepts/follows/{}", follow["id"].as_str().unwrap_or_default()),
        "type": "Accept",
        "actor": uri,
        "object": follow,
    })
}

pub fn webfinger(username: &str, identity: &Identity) -> Value {
    let uri = uri_of(username, identity);
    let page = format!("https://{}/@{username}", identity.web_domain);
    json!({
        "subject": format!("acct:{username}@{}", identity.local_domain),
        "aliases": [page, uri],
        "links": [
            {"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": page},
            {"rel": "self", "type": "application/activity+json", "href": uri},
        ],
    })
}

pub fn nodeinfo_index(identity: &Identity) -> Value {
    json!({"links": [{
        "rel": "http://nodeinfo.diaspora.software/ns/schema/2.0",
        "href": format!("https://{}/nodeinfo/2.0", identity.web_domain),
    }]})
}

/// What the server is doing, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Census {
    pub users: i64,
    pub posts: i64,
    pub registrations: String,
    pub contact_email: String,
    pub contact_username: String,
    pub title: String,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub id: i64,
    pub text: String,
    pub hint: String,
}

/// In their order, as `REST::RuleSerializer` writes them.
pub fn rules(rules: &[Rule]) -> Value {
    rules.iter().map(|it| json!({"id": it.id.to_string(), "text": it.text, "hint": it.hint})).collect()
}

/// The general text and its date until there is another (UP:app/models/privacy_policy.rb).
pub fn privacy_policy(own: Option<&(String, String)>) -> Value {
    match own {
        Some((text, updated_at)) => json!({"updated_at": updated_at, "content": format!("<p>{text}</p>\n")}),
        None => {
            json!({"updated_at": "2022-10-07T00:00:00+00:00", "content": "<p>This privacy policy describes how we collect and use information.</p>\n"})
        }
    }
}

pub fn nodeinfo(config: &Config, census: &Census) -> Value {
    json!({
        "version": "2.0",
        "software": {"name": "mastodon", "version": config.version.to_string()},
        "protocols": ["activitypub"],
        "services": {"outbound": [], "inbound": []},
        "usage": {"users": {"total": census.users}, "localPosts": census.posts},
        "openRegistrations": census.registrations == "open",
        "metadata": {},
    })
}

pub fn instance(config: &Config, census: &Census) -> Value {
    json!({
        "domain": config.identity.local_domain,
        "title": census.title,
        "version": config.version.to_string(),
        "source_url": "https://github.com/mastodon/mastodon",
        "usage": {"users": {"active_month": census.users}},
        "configuration": {
            "urls": {"streaming": format!("wss://{}", config.identity.web_domain)},
            "vapid": {"public_key": config.identity.vapid_public_key},
        },
        "registrations": {"enabled": census.registrations != "none", "approval_required": census.registrations == "approved"},
        "contact": {"email": census.contact_email, "account": {"username": census.contact_username}},
        "rules": rules(&census.rules),
    })
}
