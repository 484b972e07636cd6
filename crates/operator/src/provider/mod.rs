//! What a server has outside the cluster: its database and role, its bucket and S3 user.
//!
//! Every name is the instance's resource name, so every effect is idempotent and can be taken up again by another operator.
//! Nothing here retries: an error says whether it is worth it (`is_unavailable`), and the reconciler decides. Nothing here
//! reads Kubernetes, and nothing here is destroyed but by `destroy`.

pub mod database;
pub mod object_store;

pub use database::{DatabaseEndpoint, DatabaseError, DatabaseServer, DatabaseServerSettings, InstanceLock, SslMode, Usage};
pub use object_store::{ObjectStore, ObjectStoreEndpoint, ObjectStoreError, ObjectStoreSettings, PrefixPlace, S3Keys};
