//! The three Jobs that load one pass of an import, each after the one before: Redis is emptied, since what a rehearsal has queued must never
//! be delivered; the release's tables are made anew, and nothing is in them; `howdah bundle restore` brings rows and media.

use std::time::Duration;

use howdah_crd::labels::{job, process};
use howdah_crd::{Bootstrap, ImportSpec, secrets};
use serde_json::{Value, json};

use super::environment::{from_secret, variable};
use super::jobs::{Attempts, Work};
use super::{Desired, bundle, environment, pod, redis};
use crate::controllers::instance::import::{Import, Key, Source};
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Valid;
use crate::size::{MI, Size};

/// Of `redis-cli`.
const CLIENT: Size = Size { millis: 20, bytes: 64 * MI };
const FLUSH_LIMIT: Duration = Duration::from_secs(600);
/// `redis-cli` ends well even when the answer is an error.
const FLUSH: &str = "redis-cli -h redis FLUSHALL | grep -q OK";
const KEY_FOLDER: &str = "/etc/howdah/bundle";

pub struct Loading {
    pub flush: Desired,
    pub schema: Desired,
    pub load: Desired,
}

impl Loading {
    /// In the order in which they run.
    pub fn in_order(&self) -> [&Desired; 3] {
        let Self { flush, schema, load } = self;
        [flush, schema, load]
    }
}

/// `None` where there is nothing to be loaded, or where what it takes is not there.
pub fn loading(valid: &Valid<'_>, attempts: &mut Attempts<'_>) -> Option<Loading> {
    let Import { mark, is_loaded: false, source: Some(source), key: Some(key), key_from: _ } = valid.import.as_ref()? else { return None };
    let spec = json!({"backoffLimit": 0, "activeDeadlineSeconds": FLUSH_LIMIT.as_secs()});
    Some(Loading {
        flush: attempts.next(job::FLUSH, flush(valid), spec, None),
        schema: attempts.of(Work::schema()),
        load: attempts.next(job::LOAD, load(valid, mark, source, key), bundle::spec(), None),
    })
}

fn flush(valid: &Valid<'_>) -> Value {
    let container = json!({
        "name": process::JOB,
        "image": valid.redis_image,
        "command": ["sh", "-c", FLUSH],
        "env": [from_secret("REDISCLI_AUTH", names::REDIS, "REDIS_PASSWORD")],
        "resources": pod::resources(&CLIENT.resources()),
    });
    let wish = pod::PodWish {
        process: process::JOB,
        account: names::REDIS_ACCOUNT,
        user: redis::USER,
        grace_seconds: 30,
        volumes: json!([]),
        container,
    };
    pod::template(valid, wish)
}

fn load(valid: &Valid<'_>, mark: &str, source: &Source<'_>, key: &Key) -> Value {
    let Source { bundles, store, prefix } = source;
    let from = format!("s3://{}/{prefix}", bundles.bucket);
    let media = format!("s3://{}", valid.namespace);
    let identity = format!("{KEY_FOLDER}/{}", secrets::import::IDENTITY);
    let mut arguments = vec!["bundle", "restore", &from, "--json", "--media-to", &media, "--mark", mark];
    arguments.extend(["--termination-log", bundle::TERMINATION_LOG]);
    if let Bootstrap::Import(ImportSpec { manifest_sha256: Some(digest), .. }) = &valid.spec.bootstrap {
        arguments.extend(["--manifest-sha256", digest]);
    }
    let mut files = Vec::new();
    if key.opens {
        arguments.extend(["--identity", &identity]);
        let volume = json!({"name": "key", "secret": {"secretName": key.secret}});
        files.push((volume, json!({"name": "key", "mountPath": KEY_FOLDER, "readOnly": true})));
    }
    let endpoint = store.endpoint();
    let mut env = vec![
        from_secret("DB_PASS", names::DATABASE, "DB_PASS"),
        variable("HOWDAH_BUNDLE_DATABASE_URL", environment::database_url(valid, "$(DB_PASS)")),
    ];
    env.extend(bundle::place(&endpoint.url, &endpoint.region, names::BUNDLE_READER));
    env.extend(bundle::media(valid));
    bundle::template(valid, &bundles.image, json!({"args": arguments, "env": env}), files)
}
