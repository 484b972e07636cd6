//! Which host's media lies in which bucket. Of two resources that claim one id or host the operator serves the older and refuses
//! the other whole; so does the gateway, whichever it saw first.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use howdah_crd::{MastodonInstance, PowerState};
use howdah_domain::InstanceId;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The longest name that DNS has.
const NAME_LIMIT: usize = 253;

/// Where one server's media lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// As in `spec.objectStorage.store`.
    pub store: String,
    pub name: String,
}

/// Where a host's media is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Media {
    Here(Bucket),
    /// At another host, below this address; `None`: nobody has said where.
    Moved(Option<String>),
}

/// One server, as far as the gateway cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// The smaller one has what two claim; its second part is the resource's name.
    seniority: (Option<Time>, String),
    /// Every host that it claims, and what else there can be only once: its bucket.
    claims: BTreeSet<String>,
    pub host: String,
    pub media: Media,
    /// A domain is served only after its proof, and that is when routing is on.
    is_served: bool,
}

impl Server {
    pub(crate) fn of(instance: &MastodonInstance) -> Option<Self> {
        let spec = &instance.spec;
        let id: InstanceId = spec.id.parse().ok()?;
        let bucket = Bucket { store: spec.object_storage.store.clone(), name: crate::bucket_name(id) };
        let mut claims = spec.hosts();
        claims.insert(bucket.name.clone());
        let host = spec.media_domain();
        let media = match spec.power_state {
            PowerState::MovedOut => Media::Moved(spec.media_redirect.clone().filter(|it| !leads_back(it, &host))),
            _ => Media::Here(bucket),
        };
        Some(Self { seniority: instance.seniority(), claims, host, media, is_served: spec.routing.enabled })
    }

    fn resource(&self) -> &str {
        &self.seniority.1
    }
}

/// To the very host that is asked: a browser would go round in circles.
fn leads_back(redirect: &str, host: &str) -> bool {
    redirect.strip_prefix("https://").and_then(|it| it.split('/').next()).is_none_or(|it| it.eq_ignore_ascii_case(host))
}

/// Shared by the watch, which writes, and the workers, which read.
#[derive(Debug, Clone, Default)]
pub struct Hosts(Arc<RwLock<Table>>);

#[derive(Debug, Default)]
struct Table {
    /// Before the first whole list, an unknown host may be one that is not known yet.
    loaded: bool,
    by_resource: HashMap<String, Server>,
    by_host: HashMap<String, Media>,
}

/// What is known of a host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    Found(Media),
    Unknown,
    NotLoaded,
}

impl Hosts {
    /// Replaces all that was known.
    pub(crate) fn replace(&self, servers: impl IntoIterator<Item = Server>) {
        self.write(|table| {
            table.by_resource = servers.into_iter().map(|it| (it.resource().to_owned(), it)).collect();
            table.loaded = true;
        });
    }

    pub(crate) fn set(&self, resource: &str, server: Option<Server>) {
        self.write(|table| {
            match server {
                Some(server) => table.by_resource.insert(resource.to_owned(), server),
                None => table.by_resource.remove(resource),
            };
        });
    }

    /// Hosts and where their media is at once, for [`crate::serve`].
    #[must_use]
    pub fn of(all: impl IntoIterator<Item = (String, Media)>) -> Self {
        let hosts = Self::default();
        hosts.replace(all.into_iter().map(|(host, media)| Server {
            seniority: (None, host.clone()),
            claims: BTreeSet::from([host.clone()]),
            host,
            media,
            is_served: true,
        }));
        hosts
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).loaded
    }

    pub(crate) fn find(&self, host: &str) -> Lookup {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match table.by_host.get(host) {
            Some(media) => Lookup::Found(media.clone()),
            None if table.loaded => Lookup::Unknown,
            None => Lookup::NotLoaded,
        }
    }

    fn write(&self, change: impl FnOnce(&mut Table)) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut table);
        let Table { by_resource, by_host, .. } = &mut *table;
        by_host.clear();
        let mut servers: Vec<_> = by_resource.values().collect();
        servers.sort_by(|one, other| one.seniority.cmp(&other.seniority));
        let mut claimed = HashSet::new();
        for server in servers {
            let is_refused = server.claims.iter().any(|it| claimed.contains(it.as_str()));
            // Whoever is refused stands before a third one all the same.
            claimed.extend(server.claims.iter().map(String::as_str));
            if server.is_served && !is_refused {
                by_host.insert(server.host.clone(), server.media.clone());
            }
        }
    }
}

/// The name in a Host header, without the port: lower-case, without the root's dot. `None` for what can be no media host.
pub(crate) fn host_name(header: &str) -> Option<String> {
    let name = match header.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()) => name,
        Some(_) => return None,
        None => header,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    let good =
        !name.is_empty() && name.len() <= NAME_LIMIT && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'.');
    good.then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn instance(id: &str, media: Option<&str>, routing: bool) -> MastodonInstance {
        let process =
            serde_json::json!({"replicas": 1, "concurrency": 1, "threads": 1, "dbPool": 1, "cpu": "1", "memory": "1Gi", "storage": "1Gi"});
        let mut spec = serde_json::json!({
            "id": id, "domain": "social.example", "webDomain": "web.social.example", "revision": 1, "version": "4.5.0",
            "image": {"mastodon": "m", "streaming": "s"}, "identitySecretRef": {"name": "i"}, "smtpRef": {"name": "s"},
            "resources": {"web": process, "streaming": process, "sidekiq": process, "scheduler": process, "redis": process},
            "bootstrap": {"new": {"ownerSecretRef": {"name": "o"}}}, "database": {"server": "main"},
            "objectStorage": {"store": "main"}, "routing": {"enabled": routing},
        });
        if let Some(media) = media {
            spec["mediaDomain"] = media.into();
        }
        let resource =
            serde_json::json!({"apiVersion": "howdah.dev/v1alpha1", "kind": "MastodonInstance", "metadata": {"name": "a"}, "spec": spec});
        serde_json::from_value::<MastodonInstance>(resource).expect("a MastodonInstance")
    }

    fn server(resource: &str, host: &str) -> Server {
        let bucket = Bucket { store: "main".to_owned(), name: format!("bucket-{resource}") };
        let claims = BTreeSet::from([host.to_owned()]);
        Server { seniority: (None, resource.to_owned()), claims, host: host.to_owned(), media: Media::Here(bucket), is_served: true }
    }

    fn found(hosts: &Hosts, host: &str) -> Option<String> {
        match hosts.find(host) {
            Lookup::Found(Media::Here(bucket)) => Some(bucket.name),
            Lookup::Found(Media::Moved(_)) | Lookup::Unknown | Lookup::NotLoaded => None,
        }
    }

    #[test]
    fn names_in_host_headers() {
        for (header, expected) in [
            ("media.social.example", Some("media.social.example")),
            ("MEDIA.Social.Example", Some("media.social.example")),
            ("media.social.example:443", Some("media.social.example")),
            ("media.social.example.", Some("media.social.example")),
            ("media.social.example.:8443", Some("media.social.example")),
            ("10.0.0.1:8080", Some("10.0.0.1")),
            ("", None),
            (".", None),
            (":80", None),
            ("media.social.example:", None),
            ("media.social.example:80x", None),
            ("[::1]:80", None),
            ("user@media.social.example", None),
            ("media.social.example/../x", None),
            ("media social", None),
            ("mediä.example", None),
        ] {
            assert_eq!(host_name(header).as_deref(), expected, "{header}");
        }
        assert_eq!(host_name(&"a".repeat(254)), None);
    }

    #[test]
    fn hosts_come_and_go_with_their_servers() {
        let hosts = Hosts::default();
        assert_eq!(hosts.find("media.a.example"), Lookup::NotLoaded);
        hosts.replace([server("a", "media.a.example"), server("b", "media.b.example")]);
        assert_eq!(found(&hosts, "media.a.example").as_deref(), Some("bucket-a"));
        hosts.set("c", Some(server("c", "media.c.example")));
        hosts.set("a", None);
        hosts.set("b", Some(server("b", "media.other.example")));
        assert_eq!(hosts.find("media.a.example"), Lookup::Unknown);
        assert_eq!(hosts.find("media.b.example"), Lookup::Unknown);
        assert_eq!(found(&hosts, "media.other.example").as_deref(), Some("bucket-b"));
        assert_eq!(found(&hosts, "media.c.example").as_deref(), Some("bucket-c"));
        hosts.replace([]);
        assert_eq!(hosts.find("media.c.example"), Lookup::Unknown);
    }

    #[test]
    fn a_server_is_served_where_its_routing_is_on() {
        let id = "0198a000-0000-7000-8000-000000000001";
        let hosts = |instance| Server::of(&instance).filter(|it| it.is_served).map(|it| it.host);
        assert_eq!(hosts(instance(id, None, true)).as_deref(), Some("media.web.social.example"));
        assert_eq!(hosts(instance(id, Some("files.example"), true)).as_deref(), Some("files.example"));
        assert_eq!(hosts(instance(id, None, false)), None, "not before its proof");
        assert_eq!(hosts(instance("not an id", None, true)), None);
        let Media::Here(bucket) = Server::of(&instance(id, None, true)).expect("a server").media else { panic!("it has moved") };
        assert!(bucket.name.starts_with("mi-") && bucket.name.len() == 29, "{bucket:?}");
    }

    #[test]
    fn what_has_moved_leads_to_where_it_is() {
        let id = "0198a000-0000-7000-8000-000000000001";
        let media = |redirect: Option<&str>| {
            let mut instance = instance(id, None, true);
            instance.spec.power_state = PowerState::MovedOut;
            instance.spec.media_redirect = redirect.map(str::to_owned);
            Server::of(&instance).expect("a server").media
        };
        let there = "https://files.example.net/birds";
        assert_eq!(media(Some(there)), Media::Moved(Some(there.to_owned())));
        assert_eq!(media(None), Media::Moved(None));
        for back in ["https://media.web.social.example", "https://MEDIA.web.social.example/x", "files.example.net"] {
            assert_eq!(media(Some(back)), Media::Moved(None), "{back}");
        }
    }

    /// The operator's registry has the same table.
    #[test]
    fn the_older_claim_counts() {
        let [one, other] = ["0198a000-0000-7000-8000-000000000001", "0198a000-0000-7000-8000-000000000002"];
        let claim = |name: &str, id: &str, media: &str, second: u8, routing: bool| {
            let mut instance = instance(id, Some(media), routing);
            instance.spec.domain = format!("{name}.example");
            instance.spec.web_domain = None;
            instance.metadata.name = Some(name.to_owned());
            instance.metadata.creation_timestamp = serde_json::from_value(format!("2026-01-01T00:00:{second:02}Z").into()).expect("a time");
            Server::of(&instance).expect("a server")
        };
        let first = || claim("b", one, "media.x.example", 1, true);
        let table = [
            ("younger, of a smaller name", claim("a", other, "media.x.example", 2, true), "media.x.example", Some(one)),
            ("older, of a greater name", claim("c", other, "media.x.example", 0, true), "media.x.example", Some(other)),
            ("of the same second, by name", claim("a", other, "media.x.example", 1, true), "media.x.example", Some(other)),
            ("older, and not served yet", claim("c", other, "media.x.example", 0, false), "media.x.example", None),
            ("older, whose media host is another's domain", claim("c", other, "b.example", 0, true), "media.x.example", None),
            ("younger, of the same id", claim("c", one, "media.y.example", 2, true), "media.y.example", None),
            ("younger, of its own", claim("c", other, "media.y.example", 2, true), "media.y.example", Some(other)),
        ];
        for (what, rival, host, winner) in table {
            let winner = winner.map(|id| crate::bucket_name(id.parse().expect("an id")));
            let hosts = Hosts::default();
            hosts.replace([first()]);
            hosts.set(&rival.seniority.1.clone(), Some(rival.clone()));
            assert_eq!(found(&hosts, host), winner, "{what}");
            hosts.replace([rival.clone()]);
            hosts.set("b", Some(first()));
            assert_eq!(found(&hosts, host), winner, "{what}, seen first");
            hosts.set(&rival.seniority.1, None);
            assert_eq!(found(&hosts, "media.x.example"), Some(crate::bucket_name(one.parse().expect("an id"))), "{what}, gone");
        }
    }
}
