//! What is needed of the outside, where there are two implementations today: the real one in `adapters`, and the one
//! that tests hold in memory.

pub mod bundles;
pub mod cluster;
pub mod mailer;
pub mod outside;
pub mod own_buckets;
pub mod relay;

pub use bundles::{BundleFile, Bundles, BundlesError, Upload, UploadedPart};
pub use cluster::{Cluster, ClusterError, PullJob, PullRun};
pub use mailer::{Envelope, MailError, Mailer};
pub use outside::{Addresses, Answer, Outside, OutsideError};
pub use own_buckets::OwnBuckets;
pub use relay::{Relay, RelayError};
