//! How fast the API server is asked: additive increase, multiplicative decrease. It halves on 429, waits out `Retry-After`, and
//! grows back while answers come. Watches and reads of leases pass like everything else: the wait is in the request's own
//! future, so one that waits holds up no other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use kube::client::Body;
use tokio::time::Instant;
use tower::{BoxError, Layer, Service, ServiceExt as _};

use crate::metrics::ApiMetrics;

const SLOWEST: f64 = 2.0;
const FASTEST: f64 = 1000.0;
const FIRST: f64 = 200.0;
/// Requests a second that each second of answers without 429 adds.
const INCREASE: f64 = 50.0;

struct Pace {
    /// Requests a second.
    rate: f64,
    /// When the next request may go.
    next: Instant,
    changed: Instant,
}

#[derive(Clone)]
pub struct AdaptiveRate {
    pace: Arc<Mutex<Pace>>,
    metrics: ApiMetrics,
}

impl AdaptiveRate {
    #[must_use]
    pub fn new(metrics: ApiMetrics) -> Self {
        let now = Instant::now();
        Self { pace: Arc::new(Mutex::new(Pace { rate: FIRST, next: now, changed: now })), metrics }
    }

    /// Takes the next place; the request goes when it has come.
    fn place(&self, now: Instant) -> Instant {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        // What was not used is not saved up beyond a tenth of a second.
        let place = pace.next.max(now - Duration::from_millis(100));
        pace.next = place + Duration::from_secs_f64(1.0 / pace.rate);
        place
    }

    fn answered(&self, now: Instant, status: StatusCode, retry_after: Option<Duration>) {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if status == StatusCode::TOO_MANY_REQUESTS {
            // Requests that were under way together are refused together: that is one refusal.
            if now.duration_since(pace.changed) > Duration::from_millis(100) {
                pace.rate = (pace.rate / 2.0).max(SLOWEST);
                pace.changed = now;
            }
            pace.next = pace.next.max(now + retry_after.unwrap_or_default());
        } else if status.is_success() {
            let grown = INCREASE * now.duration_since(pace.changed).as_secs_f64().min(1.0);
            pace.rate = (pace.rate + grown).min(FASTEST);
            pace.changed = now;
        }
    }
}

impl<S> Layer<S> for AdaptiveRate {
    type Service = AdaptiveRateService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AdaptiveRateService { inner, rate: self.clone() }
    }
}

#[derive(Clone)]
pub struct AdaptiveRateService<S> {
    inner: S,
    rate: AdaptiveRate,
}

impl<S> Service<Request<Body>> for AdaptiveRateService<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = futures::future::BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), BoxError>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let inner = self.inner.clone();
        let rate = self.rate.clone();
        Box::pin(async move {
            let method = request.method().clone();
            tokio::time::sleep_until(rate.place(Instant::now())).await;
            let answer = inner.oneshot(request).await.map_err(Into::into)?;
            let retry_after = answer.headers().get(http::header::RETRY_AFTER).and_then(|it| it.to_str().ok()?.parse().ok());
            rate.answered(Instant::now(), answer.status(), retry_after.map(Duration::from_secs));
            rate.metrics.request(&method, answer.status());
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate() -> AdaptiveRate {
        AdaptiveRate::new(ApiMetrics::default())
    }

    fn current(rate: &AdaptiveRate) -> f64 {
        rate.pace.lock().unwrap_or_else(PoisonError::into_inner).rate
    }

    #[test]
    fn a_refusal_halves_the_rate_once_and_is_waited_out() {
        let rate = rate();
        let now = Instant::now() + Duration::from_secs(1);
        for _ in 0..5 {
            rate.answered(now, StatusCode::TOO_MANY_REQUESTS, Some(Duration::from_secs(3)));
        }
        assert!((current(&rate) - FIRST / 2.0).abs() < 1e-9);
        assert_eq!(rate.place(now), now + Duration::from_secs(3));
    }

    #[test]
    fn it_grows_back_and_stays_within_its_bounds() {
        let rate = rate();
        let begin = Instant::now();
        for second in 1..=20 {
            rate.answered(begin + Duration::from_secs(second), StatusCode::TOO_MANY_REQUESTS, None);
        }
        assert!((current(&rate) - SLOWEST).abs() < 1e-9);
        for second in 21..=80 {
            rate.answered(begin + Duration::from_secs(second), StatusCode::OK, None);
        }
        assert!((current(&rate) - FASTEST).abs() < 1e-9);
    }

    #[test]
    fn places_are_a_beat_apart() {
        let rate = rate();
        let now = Instant::now();
        let first = rate.place(now);
        let second = rate.place(now);
        assert_eq!(second - first, Duration::from_secs_f64(1.0 / FIRST));
    }
}
