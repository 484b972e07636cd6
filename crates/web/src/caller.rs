//! Who asks: the bearer of a token, within the limit of that token.

use std::ops::Deref;

use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, dev, web};
use futures::future::LocalBoxFuture;
use howdah_app::{Actor, App, Error, tokens};

use crate::limits::Limits;
use crate::problem::Problem;

/// Dereferences to the actor of `app`.
pub struct Caller(Actor);

impl Deref for Caller {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.0
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let state = |what: &str| Problem::from(Error::Internal { source: format!("the server has no {what}").into() });
            let app = request.app_data::<web::Data<App>>().ok_or_else(|| state("use cases"))?;
            let limits = request.app_data::<web::Data<Limits>>().ok_or_else(|| state("limits"))?;
            let token = bearer(&request).ok_or(Error::Unauthenticated)?;
            let actor = tokens::authenticate(app, token).await?;
            limits.check_token(actor.credential)?;
            Ok(Self(actor))
        })
    }
}

/// The token itself: for what goes on asking whether it still opens anything.
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
