//! Where the media lies, and under which URL posts name it (UP:config/initializers/paperclip.rb).

use secrecy::SecretString;
use url::Url;

use super::{Place, SettingsError, resolved};
use crate::format::{Domains, MediaStore, MediaStoreKind};
use crate::media::StoreSettings;
use crate::s3::{BucketSettings, S3Settings};
use crate::source::Environment;

#[derive(Debug, Clone)]
pub struct MediaSettings {
    /// None where it is not to be taken along.
    pub store: Option<StoreSettings>,
    kind: MediaStoreKind,
    /// What a media key is put behind, without a slash at its end, such as `https://files.example.org` or `https://example.org/system`.
    pub public_base_url: String,
}

impl MediaSettings {
    /// As `PREFLIGHT.json` says it.
    #[must_use]
    pub fn facts(&self) -> MediaStore {
        MediaStore { kind: self.kind, public_base_url: Some(self.public_base_url.clone()) }
    }

    pub(super) fn parse(environment: &Environment, domains: &Domains, place: &Place) -> Result<Self, SettingsError> {
        let on_s3 = environment.get("S3_ENABLED") == Some("true");
        let public_base_url = if on_s3 { on_s3_url(environment)? } else { on_disk_url(environment, domains) };
        if place.without_media {
            let kind = if on_s3 { MediaStoreKind::S3 } else { MediaStoreKind::Disk };
            return Ok(Self { store: None, kind, public_base_url });
        }
        if let Some(root) = &place.public_system {
            return Ok(Self { store: Some(StoreSettings::Disk { root: root.clone() }), kind: MediaStoreKind::Disk, public_base_url });
        }
        for name in ["SWIFT_ENABLED", "AZURE_ENABLED"] {
            if !on_s3 && environment.get(name) == Some("true") {
                return Err(SettingsError::MediaStore { name });
            }
        }
        let (store, kind) = if on_s3 {
            (StoreSettings::S3(Box::new(s3(environment)?)), MediaStoreKind::S3)
        } else {
            (disk(environment, place)?, MediaStoreKind::Disk)
        };
        Ok(Self { store: Some(store), kind, public_base_url })
    }
}

fn disk(environment: &Environment, place: &Place) -> Result<StoreSettings, SettingsError> {
    let root = match (environment.get("PAPERCLIP_ROOT_PATH"), &place.root) {
        // As the documentation's own sample of it has it.
        (Some(path), root) => resolved(path.strip_prefix(":rails_root/").unwrap_or(path), root.as_deref()),
        (None, Some(root)) => root.join("public/system"),
        (None, None) => {
            return Err(SettingsError::Missing {
                name: "PAPERCLIP_ROOT_PATH",
                way_out: "the media lies on this server's disk: name its folder by --public-system, such as /home/mastodon/live/public/system",
            });
        }
    };
    Ok(StoreSettings::Disk { root })
}

fn on_disk_url(environment: &Environment, domains: &Domains) -> String {
    let path = environment.get("PAPERCLIP_ROOT_URL").unwrap_or("/system").trim_end_matches('/');
    if path.contains("://") {
        return path.to_owned();
    }
    let host = environment.get("CDN_HOST").map_or_else(|| domains.web.clone(), |it| it.trim_end_matches('/').to_owned());
    let base = if host.contains("://") { host } else { format!("https://{host}") };
    format!("{base}/{}", path.trim_start_matches('/'))
}

/// A role of the machine's, which AWS' own tools would take instead, is not looked for.
const S3_KEYS: &str = "the media lies in a bucket, which is opened with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY together";

fn s3(environment: &Environment) -> Result<BucketSettings, SettingsError> {
    let region = environment.get("S3_REGION").unwrap_or("us-east-1").to_owned();
    let (endpoint, path_style) = match environment.get("S3_ENDPOINT") {
        Some(endpoint) => (endpoint.to_owned(), environment.get("S3_OVERRIDE_PATH_STYLE") != Some("true")),
        None => (format!("https://s3.{region}.amazonaws.com"), false),
    };
    let (endpoint, bucket) = (endpoint_of(&endpoint)?, bucket(environment)?.to_owned());
    let key = |name| environment.get(name).ok_or(SettingsError::Missing { name, way_out: S3_KEYS });
    let service = S3Settings {
        endpoint: Some(endpoint),
        region,
        access_key_id: key("AWS_ACCESS_KEY_ID")?.to_owned(),
        secret_access_key: SecretString::from(key("AWS_SECRET_ACCESS_KEY")?),
        session_token: None,
        ca: None,
        path_style,
    };
    let permission = environment.raw("S3_PERMISSION").map_or(Some("public-read"), |it| Some(it).filter(|it| !it.is_empty()));
    Ok(BucketSettings { service, bucket, key_prefix: key_prefix(environment).unwrap_or_default(), acl: permission.map(str::to_owned) })
}

fn endpoint_of(text: &str) -> Result<Url, SettingsError> {
    let url = Url::parse(text).ok().filter(|it| matches!(it.scheme(), "http" | "https") && it.has_host() && it.username().is_empty());
    let url = url.filter(|it| it.query().is_none() && it.fragment().is_none());
    let malformed = || SettingsError::malformed("S3_ENDPOINT", text, "write it with its scheme, such as `https://s3.example.org`");
    url.ok_or_else(malformed)
}

fn bucket(environment: &Environment) -> Result<&str, SettingsError> {
    const WAY_OUT: &str = "S3_ENABLED is true; name the bucket that the media lies in";
    let bucket = environment.get("S3_BUCKET").ok_or(SettingsError::Missing { name: "S3_BUCKET", way_out: WAY_OUT })?;
    let legal = bucket.len() <= 255 && bucket.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_'));
    if legal { Ok(bucket) } else { Err(SettingsError::malformed("S3_BUCKET", bucket, "write the bucket's name alone")) }
}

fn key_prefix(environment: &Environment) -> Option<String> {
    environment.get("S3_KEY_PREFIX").map(|it| it.trim_matches('/').to_owned()).filter(|it| !it.is_empty())
}

/// Behind an alias host only the key stands; otherwise the bucket before it.
fn on_s3_url(environment: &Environment) -> Result<String, SettingsError> {
    let protocol = environment.get("S3_PROTOCOL").unwrap_or("https");
    let alias =
        environment.get("S3_ALIAS_HOST").or_else(|| environment.get("S3_CLOUDFRONT_HOST")).map(|it| it.trim_matches('/').to_owned());
    let place = match alias {
        Some(alias) => alias,
        None => {
            let region = environment.get("S3_REGION").unwrap_or("us-east-1");
            let host = environment.get("S3_HOSTNAME").map_or_else(|| format!("s3-{region}.amazonaws.com"), str::to_owned);
            format!("{}/{}", host.trim_matches('/'), bucket(environment)?)
        }
    };
    let prefix = key_prefix(environment).map(|it| format!("/{it}")).unwrap_or_default();
    Ok(format!("{protocol}://{place}{prefix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, place: &Place) -> Result<MediaSettings, String> {
        let domains = Domains { local: "a.example".to_owned(), web: "web.a.example".to_owned(), alternate: Vec::new() };
        MediaSettings::parse(&Environment::from_dotenv(text, &|_| None), &domains, place).map_err(|it| it.to_string())
    }

    fn at(root: &str) -> Place {
        Place { root: Some(root.into()), ..Place::default() }
    }

    #[test]
    fn a_disks_folder_and_url() {
        for (text, folder, url) in [
            ("", "/live/public/system", "https://web.a.example/system"),
            ("S3_ENABLED=false", "/live/public/system", "https://web.a.example/system"),
            ("PAPERCLIP_ROOT_PATH=/srv/media", "/srv/media", "https://web.a.example/system"),
            ("PAPERCLIP_ROOT_PATH=:rails_root/media\nPAPERCLIP_ROOT_URL=/media/", "/live/media", "https://web.a.example/media"),
            ("CDN_HOST=https://cdn.a.example", "/live/public/system", "https://cdn.a.example/system"),
        ] {
            let settings = parsed(text, &at("/live")).unwrap();
            let Some(StoreSettings::Disk { root }) = &settings.store else { panic!("{text} is on disk") };
            assert_eq!((root.to_str().unwrap(), settings.public_base_url.as_str()), (folder, url), "{text}");
        }
        let given = Place { public_system: Some("/mnt/copy".into()), ..Place::default() };
        let settings = parsed("SWIFT_ENABLED=true", &given).unwrap();
        assert!(matches!(settings.store, Some(StoreSettings::Disk { root }) if root.as_path() == "/mnt/copy"));
        assert!(parsed("", &Place::default()).unwrap_err().contains("--public-system"));
        assert!(parsed("AZURE_ENABLED=true", &at("/live")).unwrap_err().contains("AZURE_ENABLED"));
    }

    #[test]
    fn a_buckets_address_and_url() {
        let aws = "S3_ENABLED=true\nS3_BUCKET=birds\nS3_REGION=eu-central-1\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n";
        let own = "AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\nS3_ENABLED=true\nS3_BUCKET=birds\nS3_ENDPOINT=https://s3.a.example/\nS3_HOSTNAME=s3.a.example\n";
        for (text, endpoint, path_style, url) in [
            (aws.to_owned(), "https://s3.eu-central-1.amazonaws.com", false, "https://s3-eu-central-1.amazonaws.com/birds"),
            (own.to_owned(), "https://s3.a.example", true, "https://s3.a.example/birds"),
            (format!("{own}S3_OVERRIDE_PATH_STYLE=true"), "https://s3.a.example", false, "https://s3.a.example/birds"),
            (format!("{own}S3_ALIAS_HOST=files.a.example"), "https://s3.a.example", true, "https://files.a.example"),
            (
                format!("{own}S3_ALIAS_HOST=files.a.example\nS3_KEY_PREFIX=/one/"),
                "https://s3.a.example",
                true,
                "https://files.a.example/one",
            ),
            (format!("{own}S3_PROTOCOL=http\nS3_KEY_PREFIX=one"), "https://s3.a.example", true, "http://s3.a.example/birds/one"),
        ] {
            let settings = parsed(&text, &Place::default()).unwrap();
            let Some(StoreSettings::S3(s3)) = &settings.store else { panic!("{text} is on S3") };
            let service = &s3.service;
            let at = service.endpoint.as_ref().unwrap().as_str().trim_end_matches('/');
            assert_eq!((at, service.path_style, settings.public_base_url.as_str()), (endpoint, path_style, url), "{text}");
        }
    }

    #[test]
    fn an_empty_permission_is_none_and_no_permission_is_public() {
        let base = "S3_ENABLED=true\nS3_BUCKET=birds\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n";
        for (text, permission) in [("", Some("public-read")), ("S3_PERMISSION=private", Some("private")), ("S3_PERMISSION=", None)] {
            let settings = parsed(&format!("{base}{text}"), &Place::default()).unwrap();
            assert!(matches!(settings.store, Some(StoreSettings::S3(s3)) if s3.acl.as_deref() == permission), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_the_variables_name() {
        for (text, named) in [
            ("S3_ENABLED=true", "S3_BUCKET"),
            ("S3_ENABLED=true\nS3_BUCKET=a/b", "S3_BUCKET"),
            ("S3_ENABLED=true\nS3_BUCKET=a\nS3_ENDPOINT=s3.a.example", "S3_ENDPOINT"),
            ("S3_ENABLED=true\nS3_BUCKET=a\nS3_ENDPOINT=ftp://s3.a.example", "S3_ENDPOINT"),
            ("S3_ENABLED=true\nS3_BUCKET=a", "AWS_ACCESS_KEY_ID"),
            ("S3_ENABLED=true\nS3_BUCKET=a\nAWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY"),
            ("S3_ENABLED=true\nS3_BUCKET=a\nAWS_SECRET_ACCESS_KEY=a", "AWS_ACCESS_KEY_ID"),
        ] {
            let error = parsed(text, &Place::default()).unwrap_err();
            assert!(error.starts_with(named), "{text}: {error}");
        }
    }
}
