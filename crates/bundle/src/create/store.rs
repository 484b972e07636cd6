//! The server's media settings, as the media store takes them.

use secrecy::SecretString;
use url::Url;

use super::CreateError;
use crate::media::{S3Settings, StoreSettings};
use crate::source::{MediaSettings, MediaStoreSettings};

pub(super) fn settings(media: &MediaSettings) -> Result<StoreSettings, CreateError> {
    match &media.store {
        MediaStoreSettings::Disk { root } => Ok(StoreSettings::Disk { root: root.clone() }),
        MediaStoreSettings::S3(s3) => {
            let endpoint = Url::parse(&s3.endpoint).map_err(|_| CreateError::Endpoint { endpoint: s3.endpoint.clone() })?;
            let (Some(access_key), Some(secret_key)) = (&s3.access_key_id, &s3.secret_access_key) else {
                return Err(CreateError::NoS3Keys);
            };
            Ok(StoreSettings::S3(Box::new(S3Settings {
                endpoint: Some(endpoint),
                region: s3.region.clone(),
                bucket: s3.bucket.clone(),
                key_prefix: s3.key_prefix.clone().unwrap_or_default(),
                access_key: access_key.clone(),
                secret_key: SecretString::clone(secret_key),
                path_style: s3.path_style,
                ca: None,
                acl: s3.permission.clone(),
            })))
        }
    }
}
