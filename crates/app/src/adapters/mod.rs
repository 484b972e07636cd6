//! The real ports: Kubernetes, public DNS and HTTPS, SMTP, S3.

pub mod bundles;
pub mod kubernetes;
pub mod mail;
pub mod outside;
pub mod own_buckets;
pub mod relay;

pub use bundles::{S3Bundles, S3BundlesSettings};
pub use kubernetes::Kubernetes;
pub use mail::LettreMailer;
pub use outside::PublicOutside;
pub use own_buckets::PublicBuckets;
pub use relay::SmtpRelay;
