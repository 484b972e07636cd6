//! The gate before a server that is suspended or read-only: `howdah notice`, in the server's own namespace.
//!
//! A suspended server is answered for with 503 and `Retry-After`, on every path: other servers then deliver again later, where any other
//! refusal would lose posts for good (4xx) or accounts (410). Before a read-only one it is a proxy: what passes goes on to web as it came,
//! byte by byte and with bounded memory, and customers' writes get the same 503. It keeps nothing, and knows neither Kubernetes nor the record.

mod answer;
mod policy;
mod proxy;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::GatewayError;
use answer::Why;
use policy::{Pass, pass};
use proxy::{Away, Proxy};

pub use proxy::Origin;

/// Connections at once: with a [`BUFFER`] on either side they stay well below the gate's memory.
const CONNECTIONS: usize = 512;
/// Of one connection, in bytes: the longest head of a request, and what is read ahead.
const BUFFER: usize = 32 * 1024;
/// For the head of a request, and between two.
const HEAD_LIMIT: Duration = Duration::from_secs(60);
/// How long answers under way may take to end once a stop was asked for.
const DRAIN: Duration = Duration::from_secs(25);

type Body = Either<Incoming, Full<Bytes>>;

/// What it stands before.
#[derive(Debug, Clone)]
pub enum NoticeMode {
    Suspended,
    /// Of a read-only server: where what passes goes on to.
    ReadOnly(Origin),
}

enum Gate {
    Suspended,
    ReadOnly(Box<Proxy>),
}

/// Answers until `shutdown` completes, then lets answers under way end.
///
/// # Errors
/// [`GatewayError::Listen`].
pub async fn run(address: SocketAddr, mode: NoticeMode, shutdown: impl Future<Output = ()>) -> Result<(), GatewayError> {
    let listener = TcpListener::bind(address).await.map_err(|source| GatewayError::Listen { address, source })?;
    tracing::info!(%address, ?mode, "the gate listens");
    serve(listener, mode, shutdown).await;
    Ok(())
}

/// As [`run`], on a socket that is already open.
pub async fn serve(listener: TcpListener, mode: NoticeMode, shutdown: impl Future<Output = ()>) {
    let gate = Arc::new(match mode {
        NoticeMode::Suspended => Gate::Suspended,
        NoticeMode::ReadOnly(origin) => Gate::ReadOnly(Box::new(Proxy::new(origin))),
    });
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).max_buf_size(BUFFER);
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            // Whoever comes when all are taken waits in the kernel's queue.
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut shutdown => break,
        };
        let Ok((stream, _)) = accepted else {
            // Of one connection (it was reset), or of all (no more files): either is over in a moment.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let gate = Arc::clone(&gate);
        let service = service_fn(move |request| {
            let gate = Arc::clone(&gate);
            async move { Ok::<_, Infallible>(gate.answer(request).await) }
        });
        let connection = graceful.watch(server.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a connection broke");
            }
        });
    }
    // Who is still there then is cut off.
    let _ended = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

impl Gate {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let asked = answer::Asked::of(&request);
        let why = match self {
            Self::Suspended => Why::Suspended,
            Self::ReadOnly(proxy) => match pass(request.method(), request.uri().path()) {
                Pass::On => match proxy.pass_on(request).await {
                    Ok(response) => return response.map(Either::Left),
                    Err(Away) => Why::Away,
                },
                Pass::Refused => Why::ReadOnly,
                Pass::NotHere => Why::Away,
            },
        };
        answer::notice(&asked, why).map(Either::Right)
    }
}
