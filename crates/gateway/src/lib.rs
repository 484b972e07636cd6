//! What stands before tenants' servers: the media gateway, and the gate of one that is suspended or read-only ([`notice`]).
//!
//! Of the media gateway one deployment a cluster serves the media of every server, each under its own host: Host → bucket, from the
//! `MastodonInstance`s that it watches. It holds no key of any object store (a bucket's policy lets anyone GET media) and has
//! no right in the cluster but to read those resources. It serves GET and HEAD of media, streams with bounded memory, and
//! keeps nothing: a cache or a CDN can stand before it. Who has moved to another host is led there.

mod error;
mod hosts;
pub mod notice;
mod object_path;
mod serve;
mod settings;
mod upstream;
mod watch;

use std::net::TcpListener;

use howdah_domain::InstanceId;
use kube::Client;

pub use error::GatewayError;
pub use hosts::{Bucket, Hosts, Media};
pub use settings::{Limits, MediaSettings};

/// How long answers under way may take to end once a stop was asked for.
const SHUTDOWN_SECONDS: u64 = 25;

/// Serves until `shutdown` completes, then lets answers under way end.
pub async fn run(client: Client, settings: MediaSettings, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), GatewayError> {
    let hosts = Hosts::default();
    let address = settings.listen;
    let listener = TcpListener::bind(address).map_err(|source| GatewayError::Listen { address, source })?;
    tracing::info!(%address, "the media gateway listens");
    let watch = tokio::spawn(watch::run(client, hosts.clone()));
    let served = serve(listener, hosts, settings, shutdown).await;
    watch.abort();
    served
}

/// Serves what `hosts` holds on a socket that is already open; [`run`] without a cluster.
pub async fn serve(
    listener: TcpListener,
    hosts: Hosts,
    settings: MediaSettings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), GatewayError> {
    let server = serve::server(listener, hosts, settings)?;
    let handle = server.handle();
    let stop = tokio::spawn(async move {
        shutdown.await;
        handle.stop(true).await;
    });
    let ended = server.await.map_err(GatewayError::Serve);
    stop.abort();
    ended
}

/// The bucket that a server's media lies in.
fn bucket_name(id: InstanceId) -> String {
    id.resource_name().to_string()
}
