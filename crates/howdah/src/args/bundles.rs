//! Where exports are kept: as the operator's configuration has it, with keys for the control plane.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use howdah_app::adapters::{S3Bundles, S3BundlesSettings};
use howdah_app::ports::Bundles;
use url::Url;

use super::read_secret;

#[derive(Args)]
pub struct BundlesArgs {
    /// The S3 service of the bucket where exports are kept, as customers reach it: links to fetch them lead there. Without it there are no links, and
    /// what was kept for its time is not deleted.
    #[arg(long, env = "HOWDAH_BUNDLES_ENDPOINT", requires_all = ["bundles_access_key_id", "bundles_secret_access_key_file"])]
    bundles_endpoint: Option<Url>,
    #[arg(long, env = "HOWDAH_BUNDLES_REGION", default_value = "us-east-1")]
    bundles_region: String,
    #[arg(long, env = "HOWDAH_BUNDLES_BUCKET", default_value = "howdah-bundles")]
    bundles_bucket: String,
    /// Keys that may list, read and delete in the bucket.
    #[arg(long, env = "HOWDAH_BUNDLES_ACCESS_KEY_ID", requires = "bundles_endpoint")]
    bundles_access_key_id: Option<String>,
    /// A file with the secret one.
    #[arg(long, env = "HOWDAH_BUNDLES_SECRET_ACCESS_KEY_FILE", requires = "bundles_endpoint")]
    bundles_secret_access_key_file: Option<PathBuf>,
}

impl BundlesArgs {
    pub fn open(&self) -> anyhow::Result<Option<Arc<dyn Bundles>>> {
        let given = (&self.bundles_endpoint, &self.bundles_access_key_id, &self.bundles_secret_access_key_file);
        let (Some(endpoint), Some(access_key_id), Some(file)) = given else { return Ok(None) };
        let settings = S3BundlesSettings {
            endpoint: endpoint.clone(),
            region: self.bundles_region.clone(),
            bucket: self.bundles_bucket.clone(),
            access_key_id: access_key_id.clone(),
            secret_access_key: read_secret(file)?.into(),
        };
        Ok(Some(Arc::new(S3Bundles::new(&settings)?)))
    }
}
