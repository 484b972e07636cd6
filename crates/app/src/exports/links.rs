//! Links by which an export that is kept is fetched: by whoever has them, without an account, until they end. They open nothing: dump and
//! secrets are sealed to the customer's keys.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use howdah_db::models::export::Export;
use howdah_domain::{ExportId, InstanceId};
use serde_json::json;
use url::Url;

use super::seen_by;
use crate::instances::{self, audit, audit_actor};
use crate::ports::bundles::{BundleFile, Bundles, BundlesError};
use crate::{Actor, App, Error};

/// As long as S3 lets a link be.
const VALID: TimeDelta = TimeDelta::days(7);

pub struct Links {
    pub domain: String,
    /// When the bundle was begun.
    pub made_at: DateTime<Utc>,
    /// When the links end.
    pub until: DateTime<Utc>,
    pub all: BoxStream<'static, Result<Link, BundlesError>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    To {
        path: PlainPath,
        url: Url,
    },
    /// A file whose name could not be written on every disk.
    LeftOut,
}

/// Names of files below a folder, which lead nowhere else on any system and mean nothing in a configuration file's quotes. What a bundle
/// has is named so; but a bucket holds whatever was put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainPath(String);

impl PlainPath {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |it: char| match it {
            'a'..='z' | 'A'..='Z' | '0'..='9' => true,
            '.' | '_' | '-' | '+' | '=' | '@' | ',' | '~' | ' ' | '(' | ')' | '[' | ']' | '!' | '\'' => true,
            // Of any script: Mastodon keeps the names that people gave their files.
            _ => !it.is_ascii() && !it.is_control() && !it.is_whitespace() && !is_unseen(it),
        };
        let is_name = |it: &str| !it.is_empty() && it.len() <= 255 && it != "." && it != ".." && it.chars().all(is_plain);
        (text.len() <= 900 && text.split('/').all(is_name)).then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What has no shape of its own, or turns what stands around it about.
fn is_unseen(it: char) -> bool {
    matches!(it, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}')
        || it >= '\u{e0000}'
}

/// To every file of it. Who asked is recorded.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for one that is not whole, not kept any more, or where this platform hands out none;
/// [`Error::Unavailable`] where the bucket does not answer.
pub async fn links(app: &App, actor: &Actor, id: ExportId) -> Result<Links, Error> {
    actor.may_change()?;
    let mut conn = app.conn().await?;
    let (export, _) = seen_by(&mut conn, actor, id).await?;
    drop(conn);
    if export.destination == "bucket" {
        let sentence = "This export lies in a bucket of your own: fetch it from there.".to_owned();
        return Err(Error::Conflict { reason: "elsewhere", sentence });
    }
    may_be_fetched(&export, app.now())?;
    let Some(bundles) = app.bundles.clone() else {
        let sentence = "This platform hands bundles out itself: write to the support, with the export's reference.".to_owned();
        return Err(Error::Conflict { reason: "no_links", sentence });
    };
    let until = export.kept_until.map_or(app.now() + VALID, |kept| kept.min(app.now() + VALID));
    let valid = (until - app.now()).to_std().unwrap_or_default();
    let prefix = prefix(&export);
    // The first is asked for before anything is answered: a bucket that is away is said, and not half a list.
    let mut files = bundles.files(&prefix);
    let first = files.next().await.ok_or_else(gone)?.map_err(|source| Error::Unavailable { source: Box::new(source) })?;
    let files = stream::once(async { Ok(first) }).chain(files);
    let mut conn = app.conn().await?;
    let server = howdah_db::transaction(&mut conn, async |conn| {
        // Also of a server that is gone.
        let server = instances::seen_by(conn, actor, InstanceId::from_uuid(export.instance_id)).await?;
        audit(app, conn, audit_actor(actor), "instance.export_links", &server, json!({"export": id})).await?;
        Ok::<_, Error>(server)
    })
    .await?;
    let all = files.filter_map(move |it| linked(bundles.clone(), prefix.clone(), it, valid)).boxed();
    Ok(Links { domain: server.domain, made_at: export.created_at, until, all })
}

/// Below the bucket.
pub(crate) fn prefix(export: &Export) -> String {
    format!("{}/{}", export.instance_id, export.id)
}

fn may_be_fetched(export: &Export, now: DateTime<Utc>) -> Result<(), Error> {
    match (export.size, export.kept_until, export.deleted_at) {
        (Some(_), Some(until), None) if now < until => Ok(()),
        (Some(_), _, _) => Err(gone()),
        (None, _, _) => {
            let sentence = "This export is not whole: there is nothing to fetch of it.".to_owned();
            Err(Error::Conflict { reason: "not_whole", sentence })
        }
    }
}

pub(super) fn gone() -> Error {
    let sentence = "This export is not kept any more. Begin another one.".to_owned();
    Error::Conflict { reason: "not_kept", sentence }
}

/// `None` for what is not the bundle's: notes of the run that wrote it.
async fn linked(
    bundles: Arc<dyn Bundles>,
    prefix: String,
    file: Result<BundleFile, BundlesError>,
    valid: Duration,
) -> Option<Result<Link, BundlesError>> {
    let path = match file {
        Ok(file) => file.path,
        Err(error) => return Some(Err(error)),
    };
    if path.starts_with('.') {
        return None;
    }
    let Some(path) = PlainPath::parse(&path) else { return Some(Ok(Link::LeftOut)) };
    Some(bundles.link(&prefix, path.as_str(), valid).await.map(|url| Link::To { path, url }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_none() {
        for good in [
            "PREFLIGHT.json",
            "env/.env.production",
            "media/accounts/avatars/109/382/original/5b0e.png",
            "a/..b/c",
            "a b",
            "é",
            "写真.png",
            "U\u{308}ber (1).jpeg",
        ] {
            assert_eq!(PlainPath::parse(good).map(|it| it.0).as_deref(), Some(good));
        }
        let long = "a/".repeat(500);
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "media/../../x",
            "a//b",
            "a/",
            "a\"\noutput=x",
            "C:\\x",
            "a\\b",
            "a\0",
            "a#1",
            "a$b",
            "a`b",
            "a\u{202e}gnp",
            "a\u{85}b",
            &long,
        ] {
            assert_eq!(PlainPath::parse(bad), None, "{bad:?}");
        }
    }
}
