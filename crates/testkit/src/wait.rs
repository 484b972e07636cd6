//! Waiting for a condition: with a deadline, never for a time.

use std::time::{Duration, Instant};

/// Asks again every 20 ms until there is an answer.
///
/// # Panics
/// After `deadline`, with `what` was waited for.
pub async fn wait_for<T>(what: &str, deadline: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(start.elapsed() < deadline, "waited {deadline:?} in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
