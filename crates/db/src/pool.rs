//! The pool of connections.
//!
//! Every connection is established on the main runtime, whose threads then drive it: actix' workers are single-threaded
//! runtimes, and a connection that one of them drives stands still whenever that worker is busy.

use std::fmt;
use std::time::Duration;

use diesel::ConnectionError;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig};
use tokio::runtime::Handle;

use crate::tls::{Endpoint, EndpointError};

/// How long a caller waits for a connection: whoever asks the API is told within a second that the database is away.
const ACQUIRE: Duration = Duration::from_millis(700);
/// How long a connection may take to be established, when whoever wanted it may long have been told.
const ESTABLISH: Duration = Duration::from_secs(3);

/// A connection that goes back to the pool when it is dropped. Dereferences to [`crate::Conn`].
pub type Pooled = Object<AsyncPgConnection>;

/// The control plane's database.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    acquire: Duration,
}

/// There is no connection to be had right now. The pool heals by itself: this is to be asked again.
#[derive(Debug, thiserror::Error)]
#[error("the database is unavailable: {0}")]
pub struct Unavailable(String);

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("the connection pool cannot be built: {0}")]
    Pool(String),
}

impl Database {
    /// Opens no connection yet. `runtime` is the one that outlives every caller.
    pub fn open(url: &str, connections: usize, runtime: Handle) -> Result<Self, OpenError> {
        let endpoint = Endpoint::parse(url)?;
        let mut config = ManagerConfig::default();
        config.custom_setup = Box::new(move |_| {
            let (endpoint, runtime) = (endpoint.clone(), runtime.clone());
            Box::pin(async move {
                let established = runtime.spawn(async move { tokio::time::timeout(ESTABLISH, endpoint.connect()).await }).await;
                let refused = |what: String| Err(ConnectionError::BadConnection(what));
                match established {
                    Ok(Ok(conn)) => conn,
                    Ok(Err(_)) => refused(format!("no answer within {} s", ESTABLISH.as_secs())),
                    Err(error) => refused(error.to_string()),
                }
            })
        });
        let manager = AsyncDieselConnectionManager::new_with_config(url, config);
        let pool = Pool::builder(manager).max_size(connections).build().map_err(|error| OpenError::Pool(error.to_string()))?;
        Ok(Self { pool, acquire: ACQUIRE })
    }

    /// Callers wait that long for a connection: for work that nobody waits for, such as a test's on a busy machine.
    #[must_use]
    pub fn with_patience(self, acquire: Duration) -> Self {
        Self { acquire, ..self }
    }

    /// A connection that has just answered.
    pub async fn conn(&self) -> Result<Pooled, Unavailable> {
        match tokio::time::timeout(self.acquire, self.pool.get()).await {
            Ok(Ok(conn)) => Ok(conn),
            Ok(Err(error)) => Err(Unavailable(error.to_string())),
            Err(_) => Err(Unavailable(format!("no connection within {} ms", self.acquire.as_millis()))),
        }
    }

    /// A connection that never goes back to the pool: it ends when it is dropped.
    pub(crate) async fn own_conn(&self) -> Result<crate::Conn, Unavailable> {
        self.conn().await.map(Object::take)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("pool", &self.pool.status()).finish()
    }
}
