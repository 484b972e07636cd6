//! Why the gateway can't start or go on.

use std::net::SocketAddr;

#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("`{text}` is not an object store: `NAME=http(s)://host[:port]` is wanted")]
    ObjectStore { text: String },
    #[error("the object store `{name}` is given twice")]
    Twice { name: String },
    #[error("failed to listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("failed to serve")]
    Serve(#[source] std::io::Error),
}
