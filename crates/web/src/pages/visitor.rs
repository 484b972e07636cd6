//! Who looks at a page: the person behind the session's cookie. The API knows no cookies, and pages know no tokens.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use howdah_app::sessions::{self, Client, SignedIn};
use howdah_app::{App, Error};
use secrecy::{ExposeSecret, SecretString};

use crate::limits::Limits;
use crate::problem::Problem;

pub const COOKIE: &str = "__Host-howdah";

/// Whoever it is: nobody, too. Where the database is away, nobody can be told from somebody.
#[derive(Clone)]
pub enum Visitor {
    Nobody,
    Somebody(SignedIn),
    /// The problem that everything which needs a person has to tell.
    Unknown(Problem),
}

impl Visitor {
    pub const fn signed_in(&self) -> Option<&SignedIn> {
        match self {
            Self::Somebody(it) => Some(it),
            Self::Nobody | Self::Unknown(_) => None,
        }
    }

    /// As it was recognised before any handler was asked.
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or(Self::Nobody)
    }
}

/// Looks whose cookie it is, and remembers it for the request.
pub async fn recognise(request: &ServiceRequest, app: &App, limits: &Limits) -> Result<(), Problem> {
    let visitor = match request.cookie(COOKIE) {
        None => Visitor::Nobody,
        Some(cookie) => match sessions::authenticate(app, cookie.value()).await {
            Ok(signed_in) => {
                limits.check_token(signed_in.actor.credential)?;
                Visitor::Somebody(signed_in)
            }
            Err(Error::Unauthenticated) => Visitor::Nobody,
            Err(error) => Visitor::Unknown(error.into()),
        },
    };
    request.extensions_mut().insert(visitor);
    Ok(())
}

/// The record is away.
pub fn nobody_knows(request: &ServiceRequest, error: Error) {
    let visitor = if request.cookie(COOKIE).is_some() { Visitor::Unknown(error.into()) } else { Visitor::Nobody };
    request.extensions_mut().insert(visitor);
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

/// Somebody who is signed in; anybody else is sent to sign in, and comes back.
pub struct Person(SignedIn);

impl Deref for Person {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

impl FromRequest for Person {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match Visitor::of(request) {
            Visitor::Somebody(it) => Ok(Self(it)),
            Visitor::Nobody => Err(Error::Unauthenticated.into()),
            Visitor::Unknown(problem) => Err(problem),
        })
    }
}

/// An operator of the platform; for everybody else there is nothing here.
pub struct Operator(SignedIn);

impl Deref for Operator {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

impl FromRequest for Operator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match Visitor::of(request) {
            Visitor::Somebody(it) if it.actor.operates() => Ok(Self(it)),
            Visitor::Somebody(_) => Err(Problem::no_such_page()),
            Visitor::Nobody => Err(Error::Unauthenticated.into()),
            Visitor::Unknown(problem) => Err(problem),
        })
    }
}

/// From where somebody asks: limits on guessing are counted by it.
pub struct Peer {
    address: IpAddr,
    user_agent: String,
}

impl Peer {
    pub fn client(&self) -> Client<'_> {
        Client { address: self.address, user_agent: &self.user_agent }
    }
}

impl FromRequest for Peer {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let limits = request.app_data::<web::Data<Limits>>();
        let address = limits.and_then(|it| it.address(request)).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let user_agent = request.headers().get(USER_AGENT).and_then(|it| it.to_str().ok()).unwrap_or_default();
        ready(Ok(Self { address, user_agent: user_agent.to_owned() }))
    }
}

/// It ends with the browser; the session itself ends when the record says so.
pub fn cookie(token: &SecretString) -> Cookie<'static> {
    with_value(token.expose_secret().to_owned()).finish()
}

pub fn no_cookie() -> Cookie<'static> {
    with_value(String::new()).max_age(actix_web::cookie::time::Duration::ZERO).finish()
}

fn with_value(value: String) -> actix_web::cookie::CookieBuilder<'static> {
    Cookie::build(COOKIE, value).path("/").secure(true).http_only(true).same_site(SameSite::Lax)
}
