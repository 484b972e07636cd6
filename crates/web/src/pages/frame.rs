//! What stands around each page: title, navigation for who looks, what just happened, whom to write to, and a reference that the log
//! has too.

use std::future::{Ready, ready};
use std::io::Write;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION, VARY};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use howdah_app::sessions::SignedIn;
use howdah_app::{App, Error};
use tracing_actix_web::RequestId;

use super::components::Help;
use super::flash::{self, Flash};
use super::platform::Platform;
use super::visitor::Visitor;
use super::{assets, components};
use crate::problem::Problem;

/// What a handler of pages answers: the problem is made a page outside of it.
pub type Answer = Result<HttpResponse, Problem>;

pub struct Frame {
    pub visitor: Visitor,
    pub support: Option<String>,
    pub flash: Option<Flash>,
    /// The request's, as the log names it.
    pub reference: String,
    pub path: String,
    pub now: DateTime<Utc>,
    takes_gzip: bool,
}

impl Frame {
    pub fn of(request: &HttpRequest) -> Self {
        let app = request.app_data::<web::Data<App>>();
        let platform = request.app_data::<web::Data<Platform>>();
        let flash = request.cookie(flash::COOKIE).and_then(|it| Flash::parse(it.value()));
        Self {
            visitor: Visitor::of(request),
            support: platform.and_then(|it| it.support_address()),
            flash,
            reference: request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default(),
            path: request.path().to_owned(),
            now: app.map(|it| it.clock.now()).unwrap_or_default(),
            takes_gzip: assets::takes_gzip(request),
        }
    }

    pub const fn signed_in(&self) -> Option<&SignedIn> {
        self.visitor.signed_in()
    }

    pub fn operates(&self) -> bool {
        self.signed_in().is_some_and(|it| it.actor.operates())
    }

    /// For the script, whose clock may be wrong.
    pub fn machine_now(&self) -> String {
        components::machine(self.now)
    }

    /// For `aria-current` in the navigation.
    pub fn is_at(&self, part: &str) -> bool {
        self.path == part || self.path.strip_prefix(part).is_some_and(|it| it.starts_with('/'))
    }

    /// The page, with what just happened said and forgotten.
    pub fn page(&self, page: &impl Template) -> Answer {
        self.answer(StatusCode::OK, page)
    }

    /// The form again, with what is wrong with it.
    pub fn again(&self, page: &impl Template) -> Answer {
        self.answer(StatusCode::UNPROCESSABLE_ENTITY, page)
    }

    pub fn answer(&self, status: StatusCode, page: &impl Template) -> Answer {
        let html = render(page)?;
        let mut response = HttpResponse::build(status);
        if self.flash.is_some() {
            response.cookie(Flash::read());
        }
        response.insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).insert_header((VARY, "Accept-Encoding, Cookie"));
        if self.takes_gzip {
            return Ok(response.insert_header((CONTENT_ENCODING, "gzip")).body(pack(&html)?));
        }
        Ok(response.body(html))
    }

    /// About this request.
    pub fn help(&self) -> Help {
        Help::new(&self.reference, self.support.clone())
    }

    pub const fn assets(&self) -> Assets {
        Assets
    }
}

impl FromRequest for Frame {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

/// What the layout loads.
pub struct Assets;

impl Assets {
    pub const fn style(&self) -> &'static str {
        assets::STYLE.url
    }

    pub const fn script(&self) -> &'static str {
        assets::SCRIPT.url
    }

    /// For pages that ask for a passkey.
    pub const fn passkeys(&self) -> &'static str {
        assets::PASSKEYS.url
    }

    pub const fn mark(&self) -> &'static str {
        assets::MARK.url
    }
}

/// A page is made for one reader, so its compression has to be quick.
fn pack(html: &str) -> Result<Vec<u8>, Problem> {
    let mut packer = GzEncoder::new(Vec::with_capacity(html.len() / 3), Compression::fast());
    let packed = packer.write_all(html.as_bytes()).and_then(|()| packer.finish());
    packed.map_err(|error| Error::Internal { source: Box::new(error) }.into())
}

/// A template that does not render is our mistake.
pub fn render(page: &impl Template) -> Result<String, Problem> {
    page.render().map_err(|error| Error::Internal { source: Box::new(error) }.into())
}

/// Done: on to the page that shows it.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, location)).finish()
}

/// The same, and that page says what happened.
pub fn see_other_with(location: &str, flash: Flash) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, location)).cookie(flash.cookie()).finish()
}
