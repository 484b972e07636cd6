//! Rate limits, by address before anything else and by token once it is known. In memory: a limit is a process's.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, web};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use howdah_app::billing::WEBHOOK;
use uuid::Uuid;

use crate::problem::Problem;

/// So many at once, and so many a second in the long run.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub burst: NonZeroU32,
    pub per_second: NonZeroU32,
}

impl Rate {
    const fn times(self, factor: NonZeroU32) -> Self {
        Self { burst: self.burst.saturating_mul(factor), per_second: self.per_second.saturating_mul(factor) }
    }
}

/// Many have a network of 48 bits, and with it 2¹⁶ networks of 64: so many times one's limit is the limit of them all.
const AROUND: NonZeroU32 = NonZeroU32::new(4).expect("four is not zero");

/// The payment provider's events come from few addresses, and all at once: so many times one's limit for them.
const EVENTS: NonZeroU32 = NonZeroU32::new(20).expect("twenty is not zero");

pub struct Limits {
    events: DefaultKeyedRateLimiter<IpAddr>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    networks: DefaultKeyedRateLimiter<IpAddr>,
    tokens: DefaultKeyedRateLimiter<Uuid>,
    clock: DefaultClock,
    trusts_forwarded: bool,
}

impl Limits {
    pub fn new(address: Rate, token: Rate, trusts_forwarded: bool) -> Self {
        let quota = |rate: Rate| Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self {
            events: RateLimiter::keyed(quota(address.times(EVENTS))),
            addresses: RateLimiter::keyed(quota(address)),
            networks: RateLimiter::keyed(quota(address.times(AROUND))),
            tokens: RateLimiter::keyed(quota(token)),
            clock: DefaultClock::default(),
            trusts_forwarded,
        }
    }

    pub fn check_token(&self, credential: Uuid) -> Result<(), Problem> {
        self.tokens.check_key(&credential).map_err(|until| Problem::rate_limited(until.wait_time_from(self.clock.now())))
    }

    fn check_event(&self, address: IpAddr) -> Result<(), Problem> {
        let address = match address.to_canonical() {
            IpAddr::V6(it) => network(it, 64),
            it @ IpAddr::V4(_) => it,
        };
        self.events.check_key(&address).map_err(|until| Problem::rate_limited(until.wait_time_from(self.clock.now())))
    }

    fn check_address(&self, address: IpAddr) -> Result<(), Problem> {
        let check = |limiter: &DefaultKeyedRateLimiter<IpAddr>, key: IpAddr| {
            limiter.check_key(&key).map_err(|until| Problem::rate_limited(until.wait_time_from(self.clock.now())))
        };
        match address.to_canonical() {
            it @ IpAddr::V4(_) => check(&self.addresses, it),
            IpAddr::V6(it) => {
                check(&self.addresses, network(it, 64))?;
                check(&self.networks, network(it, 48))
            }
        }
    }

    /// Whom nobody heard of for long enough is forgotten.
    pub async fn forget_forever(&self) {
        let mut minute = tokio::time::interval(Duration::from_secs(60));
        loop {
            minute.tick().await;
            self.events.retain_recent();
            self.addresses.retain_recent();
            self.networks.retain_recent();
            self.tokens.retain_recent();
        }
    }

    /// The peer's address; behind a proxy, the one that the proxy itself added last.
    pub fn address(&self, request: &HttpRequest) -> Option<IpAddr> {
        let forwarded = || {
            let header = request.headers().get_all("X-Forwarded-For").last()?.to_str().ok()?;
            header.rsplit(',').next()?.trim().parse().ok()
        };
        if self.trusts_forwarded { forwarded() } else { None }.or_else(|| request.peer_addr().map(|it| it.ip()))
    }
}

/// Its first bits: who has one address of version 6 has at least 2⁶⁴ of them.
fn network(address: Ipv6Addr, bits: u32) -> IpAddr {
    IpAddr::V6((address.to_bits() & (u128::MAX << (128 - bits))).into())
}

pub async fn by_address(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let verdict = match request.app_data::<web::Data<Limits>>() {
        Some(limits) => match limits.address(request.request()) {
            Some(address) if request.path() == WEBHOOK => limits.check_event(address),
            Some(address) => limits.check_address(address),
            None => Ok(()),
        },
        None => Ok(()),
    };
    match verdict {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Err(problem) => Ok(request.error_response(problem)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(burst: u32) -> Rate {
        Rate { burst: NonZeroU32::new(burst).unwrap(), per_second: NonZeroU32::MIN }
    }

    #[test]
    fn each_has_a_limit_of_its_own() {
        let limits = Limits::new(rate(2), rate(1), false);
        let (here, there): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert_eq!([here, here, here, there].map(|it| limits.check_address(it).is_ok()), [true, true, false, true]);
        assert!(limits.check_token(Uuid::nil()).is_ok());
        assert!(limits.check_token(Uuid::nil()).is_err());
        assert!(limits.check_token(Uuid::max()).is_ok());
    }

    #[test]
    fn a_network_of_version_6_counts_as_one_and_a_mapped_address_as_itself() {
        let limits = Limits::new(rate(2), rate(1), false);
        let mut at = |text: &str| limits.check_address(text.parse().unwrap()).is_ok();
        assert_eq!(["2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::2"].map(&mut at), [true, true, false]);
        assert_eq!(["::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"].map(&mut at), [true, true, false, true]);
        for network in 3..6 {
            assert!(at(&format!("2001:db8:1:{network}::1")) && at(&format!("2001:db8:1:{network}::2")));
        }
        assert!(!at("2001:db8:1:6::1") && at("2001:db8:2:6::1"), "the network around them is one, too");
    }
}
