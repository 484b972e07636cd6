//! Where the media lies, and under which URL posts name it (UP:config/initializers/paperclip.rb).

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::{Place, SettingsError, resolved};
use crate::format::{Domains, MediaStore, MediaStoreKind};
use crate::source::Environment;

#[derive(Debug, Clone)]
pub struct MediaSettings {
    pub store: MediaStoreSettings,
    /// What a media key is put behind, without a slash at its end, such as `https://files.example.org` or `https://example.org/system`.
    pub public_base_url: String,
}

#[derive(Debug, Clone)]
pub enum MediaStoreSettings {
    /// `public/system`.
    Disk {
        root: PathBuf,
    },
    S3(S3Settings),
}

#[derive(Debug, Clone)]
pub struct S3Settings {
    /// With its scheme and without a slash at its end: `S3_ENDPOINT`, or AWS' own of the region.
    pub endpoint: String,
    /// `S3_REGION`, or `us-east-1`.
    pub region: String,
    pub bucket: String,
    /// `S3_KEY_PREFIX`, without slashes at its ends.
    pub key_prefix: Option<String>,
    /// Both or none: without them AWS' own sources of credentials are meant (a role of the machine's).
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<SecretString>,
    /// The bucket in the path (`endpoint/bucket/key`), not in the host's name.
    pub path_style: bool,
    /// `S3_PERMISSION`, the ACL of new objects: `public-read` unless said, absent where it is set and empty (no ACL is sent then).
    pub permission: Option<String>,
}

impl MediaSettings {
    /// As `PREFLIGHT.json` says it.
    #[must_use]
    pub fn facts(&self) -> MediaStore {
        let kind = match self.store {
            MediaStoreSettings::Disk { .. } => MediaStoreKind::Disk,
            MediaStoreSettings::S3(_) => MediaStoreKind::S3,
        };
        MediaStore { kind, public_base_url: Some(self.public_base_url.clone()) }
    }

    pub(super) fn parse(environment: &Environment, domains: &Domains, place: &Place) -> Result<Self, SettingsError> {
        let on_s3 = environment.get("S3_ENABLED") == Some("true");
        let public_base_url = if on_s3 { on_s3_url(environment)? } else { on_disk_url(environment, domains) };
        if let Some(root) = &place.public_system {
            return Ok(Self { store: MediaStoreSettings::Disk { root: root.clone() }, public_base_url });
        }
        for name in ["SWIFT_ENABLED", "AZURE_ENABLED"] {
            if !on_s3 && environment.get(name) == Some("true") {
                return Err(SettingsError::MediaStore { name });
            }
        }
        let store = if on_s3 { MediaStoreSettings::S3(s3(environment)?) } else { disk(environment, place)? };
        Ok(Self { store, public_base_url })
    }
}

fn disk(environment: &Environment, place: &Place) -> Result<MediaStoreSettings, SettingsError> {
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
    Ok(MediaStoreSettings::Disk { root })
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

fn s3(environment: &Environment) -> Result<S3Settings, SettingsError> {
    let region = environment.get("S3_REGION").unwrap_or("us-east-1").to_owned();
    let (endpoint, path_style) = match environment.get("S3_ENDPOINT") {
        Some(endpoint) => (endpoint.to_owned(), environment.get("S3_OVERRIDE_PATH_STYLE") != Some("true")),
        None => (format!("https://s3.{region}.amazonaws.com"), false),
    };
    let secret_access_key = environment.get("AWS_SECRET_ACCESS_KEY").map(SecretString::from);
    let access_key_id = environment.get("AWS_ACCESS_KEY_ID").map(str::to_owned);
    for (name, alone) in [
        ("AWS_SECRET_ACCESS_KEY", access_key_id.is_some() && secret_access_key.is_none()),
        ("AWS_ACCESS_KEY_ID", secret_access_key.is_some() && access_key_id.is_none()),
    ] {
        if alone {
            return Err(SettingsError::Missing {
                name,
                way_out: "the bucket is opened with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY together",
            });
        }
    }
    Ok(S3Settings {
        endpoint: endpoint_of(&endpoint)?,
        region,
        bucket: bucket(environment)?.to_owned(),
        key_prefix: key_prefix(environment),
        access_key_id,
        secret_access_key,
        path_style,
        permission: environment
            .raw("S3_PERMISSION")
            .map_or(Some("public-read"), |it| Some(it).filter(|it| !it.is_empty()))
            .map(str::to_owned),
    })
}

fn endpoint_of(text: &str) -> Result<String, SettingsError> {
    let url = Url::parse(text).ok().filter(|it| matches!(it.scheme(), "http" | "https") && it.has_host() && it.username().is_empty());
    let url = url.filter(|it| it.query().is_none() && it.fragment().is_none());
    let malformed = || SettingsError::malformed("S3_ENDPOINT", text, "write it with its scheme, such as `https://s3.example.org`");
    Ok(url.ok_or_else(malformed)?.as_str().trim_end_matches('/').to_owned())
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
            let MediaStoreSettings::Disk { root } = &settings.store else { panic!("{text} is on disk") };
            assert_eq!((root.to_str().unwrap(), settings.public_base_url.as_str()), (folder, url), "{text}");
        }
        let given = Place { public_system: Some("/mnt/copy".into()), ..Place::default() };
        let settings = parsed("SWIFT_ENABLED=true", &given).unwrap();
        assert!(matches!(settings.store, MediaStoreSettings::Disk { root } if root.as_path() == "/mnt/copy"));
        assert!(parsed("", &Place::default()).unwrap_err().contains("--public-system"));
        assert!(parsed("AZURE_ENABLED=true", &at("/live")).unwrap_err().contains("AZURE_ENABLED"));
    }

    #[test]
    fn a_buckets_address_and_url() {
        let aws = "S3_ENABLED=true\nS3_BUCKET=birds\nS3_REGION=eu-central-1\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n";
        let own = "S3_ENABLED=true\nS3_BUCKET=birds\nS3_ENDPOINT=https://s3.a.example/\nS3_HOSTNAME=s3.a.example\n";
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
            let MediaStoreSettings::S3(s3) = &settings.store else { panic!("{text} is on S3") };
            assert_eq!((s3.endpoint.as_str(), s3.path_style, settings.public_base_url.as_str()), (endpoint, path_style, url), "{text}");
        }
    }

    #[test]
    fn an_empty_permission_is_none_and_no_permission_is_public() {
        let base = "S3_ENABLED=true\nS3_BUCKET=birds\n";
        for (text, permission) in [("", Some("public-read")), ("S3_PERMISSION=private", Some("private")), ("S3_PERMISSION=", None)] {
            let settings = parsed(&format!("{base}{text}"), &Place::default()).unwrap();
            assert!(matches!(settings.store, MediaStoreSettings::S3(s3) if s3.permission.as_deref() == permission), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_the_variables_name() {
        for (text, named) in [
            ("S3_ENABLED=true", "S3_BUCKET"),
            ("S3_ENABLED=true\nS3_BUCKET=a/b", "S3_BUCKET"),
            ("S3_ENABLED=true\nS3_BUCKET=a\nS3_ENDPOINT=s3.a.example", "S3_ENDPOINT"),
            ("S3_ENABLED=true\nS3_BUCKET=a\nS3_ENDPOINT=ftp://s3.a.example", "S3_ENDPOINT"),
            ("S3_ENABLED=true\nS3_BUCKET=a\nAWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY"),
            ("S3_ENABLED=true\nS3_BUCKET=a\nAWS_SECRET_ACCESS_KEY=a", "AWS_ACCESS_KEY_ID"),
        ] {
            let error = parsed(text, &Place::default()).unwrap_err();
            assert!(error.starts_with(named), "{text}: {error}");
        }
    }
}
