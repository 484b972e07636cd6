//! The operator's Kubernetes client: kube's own, its requests paced, and repeated where the API server asks for it.

use kube::client::retry::RetryPolicy;
use kube::{Client, Config};
use tower::retry::RetryLayer;
use tower::{BoxError, ServiceBuilder, service_fn};

use crate::metrics::Metrics;
use crate::rate::AdaptiveRate;

/// A client with the adaptive rate on every single request, repeated ones included.
pub fn client(mut config: Config, metrics: &Metrics) -> Result<Client, kube::Error> {
    // kube would repeat beneath the pace, where a 429 is never seen.
    config.default_retry = false;
    let namespace = config.default_namespace.clone();
    let inner = Client::try_from(config)?;
    let send = service_fn(move |request| {
        let inner = inner.clone();
        async move { inner.send(request).await.map_err(BoxError::from) }
    });
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(RetryPolicy::server_retry()))
        .layer(AdaptiveRate::new(metrics.api.clone()))
        .service(send);
    Ok(Client::new(service, namespace))
}
