//! One transaction, opened by a use case and by nothing below it.

use diesel_async::AsyncConnection;

use crate::{Conn, QueryError};

/// Runs `work` in a transaction: committed where it returns `Ok`, rolled back where it returns `Err`.
///
/// It is not to be put under a timeout or into `select!`: dropped halfway it costs the connection.
pub async fn transaction<'a, R, E, F>(conn: &mut Conn, work: F) -> Result<R, E>
where
    for<'r> F: AsyncFnOnce(&'r mut Conn) -> Result<R, E> + SendOnce<&'r mut Conn, Result<R, E>, Fut: Send> + Send + 'a,
    E: From<QueryError> + Send + 'a,
    R: Send + 'a,
{
    conn.transaction(work).await
}

/// An async closure whose future may go to another thread. (Rust has no notation for that yet.)
pub trait SendOnce<T, R>: AsyncFnOnce(T) -> R + FnOnce(T) -> <Self as SendOnce<T, R>>::Fut {
    type Fut: Future<Output = R>;
}

impl<F, T, Fut, R> SendOnce<T, R> for F
where
    F: AsyncFnOnce(T) -> R + FnOnce(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}
