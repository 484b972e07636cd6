//! `/docs/api`: the API's description, made readable by somebody else's viewer, which is served from here under a policy of its own.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use askama::Template;

use super::assets;
use super::frame::{Answer, Frame};

/// The viewer draws with `data:` images; all else is as on our own pages.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                              form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

#[derive(Template)]
#[template(path = "docs/api.html")]
struct ViewerPage<'a> {
    frame: &'a Frame,
    swagger: &'static str,
    swagger_style: &'static str,
    viewer: &'static str,
}

pub async fn api(frame: Frame) -> Answer {
    let page =
        ViewerPage { frame: &frame, swagger: assets::SWAGGER.url, swagger_style: assets::SWAGGER_STYLE.url, viewer: assets::VIEWER.url };
    let mut response: HttpResponse = frame.page(&page)?;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    Ok(response)
}
