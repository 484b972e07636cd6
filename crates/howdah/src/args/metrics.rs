//! Where Prometheus is answered, if anywhere.

use std::net::SocketAddr;
use std::str::FromStr;

use anyhow::Context;
use howdah_operator::metrics;
use tokio::net::TcpListener;

/// `127.0.0.1:9101`, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsListen {
    Off,
    At(SocketAddr),
}

impl FromStr for MetricsListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            address => address.parse().map(Self::At).map_err(|_| "write ADDRESS:PORT, or `off`".to_owned()),
        }
    }
}

impl MetricsListen {
    /// Takes the port; `None` where none is wanted.
    pub async fn bind(self) -> anyhow::Result<Option<TcpListener>> {
        let Self::At(address) = self else { return Ok(None) };
        let listener = metrics::listen(address).await.with_context(|| {
            format!(
                "cannot listen on {address} for metrics: give another address with --metrics-listen (HOWDAH_METRICS_LISTEN), or `off`; \
                 of several processes on one host each needs its own"
            )
        })?;
        if address.port() == 0 {
            let address = listener.local_addr()?;
            tracing::info!(%address, "metrics are told here");
        }
        Ok(Some(listener))
    }
}

/// Tells `text` to whoever asks, for as long as it is polled; nobody, where nothing is listened to.
pub async fn tell<Told>(listener: Option<TcpListener>, text: impl Fn() -> Told + Clone + Send + Sync + 'static)
where
    Told: Future<Output = String> + Send + 'static,
{
    match listener {
        Some(listener) => metrics::serve(listener, text).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_off() {
        assert_eq!("off".parse(), Ok(MetricsListen::Off));
        assert_eq!("[::1]:9101".parse(), Ok(MetricsListen::At(SocketAddr::new([0, 0, 0, 0, 0, 0, 0, 1].into(), 9101))));
        for wrong in ["", "0", "9101", "localhost", "OFF "] {
            assert!(wrong.parse::<MetricsListen>().is_err(), "{wrong}");
        }
    }
}
