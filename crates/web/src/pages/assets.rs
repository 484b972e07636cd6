//! What browsers load besides pages: embedded in the binary, compressed when it was built, and at addresses that name their content,
//! so that a browser asks for each once.

use actix_web::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use actix_web::{HttpRequest, HttpResponse};

use crate::problem::Problem;

/// Where all of them lie.
pub const FOLDER: &str = "/assets/";

pub struct Asset {
    name: &'static str,
    pub url: &'static str,
    kind: &'static str,
    plain: &'static [u8],
    packed: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

pub async fn serve(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let name = request.match_info().get("name").unwrap_or_default();
    let asset = ALL.iter().find(|it| it.name == name).ok_or_else(Problem::no_such_page)?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, asset.kind))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((VARY, "Accept-Encoding"));
    if takes_gzip(&request) {
        return Ok(response.insert_header((CONTENT_ENCODING, "gzip")).body(asset.packed));
    }
    Ok(response.body(asset.plain))
}

/// Browsers ask for `/favicon.ico` wherever a page names no icon: an API's answer, say.
pub async fn favicon() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, MARK.kind)).insert_header((CACHE_CONTROL, "public, max-age=86400")).body(MARK.plain)
}

pub fn takes_gzip(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(ACCEPT_ENCODING).and_then(|it| it.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|it| {
        let (name, weight) = it.split_once(';').unwrap_or((it, ""));
        name.trim().eq_ignore_ascii_case("gzip")
            && weight.trim().strip_prefix("q=").is_none_or(|it| it.parse::<f32>().is_ok_and(|it| it > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_first_page_loads_is_small() {
        let first = [STYLE, SCRIPT, PASSKEYS, MARK, HTMX];
        let size: usize = first.iter().map(|it| it.packed.len()).sum();
        assert!(size <= 40 * 1024, "{size} bytes: with the page itself it must be at most 50 KiB");
    }

    #[test]
    fn nothing_of_ours_is_inline_or_from_elsewhere() {
        for asset in [STYLE, SCRIPT, PASSKEYS, MARK, UPLOAD, VIEWER] {
            let text = std::str::from_utf8(asset.plain).unwrap();
            assert!(!text.contains("@import") && !text.contains("url(http"), "{}", asset.name);
        }
    }
}
