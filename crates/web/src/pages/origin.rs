//! Which requests come from our own pages. What changes something is refused unless the browser says that one of our pages sent it:
//! neither another site nor another host of our own site (a customer's server may be one) can send anything in a person's name.

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, ORIGIN};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// `own`: the dashboard's address, as it is configured.
pub fn is_allowed(method: &Method, headers: &HeaderMap, own: &str) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let mut sites = headers.get_all(SEC_FETCH_SITE).map(|it| it.as_bytes());
    match (sites.next(), sites.next()) {
        (Some(b"same-origin"), None) => true,
        // An old browser, or one that was told by the person, not by a page.
        (None | Some(b"none"), None) => is_own(headers, own),
        _ => false,
    }
}

fn is_own(headers: &HeaderMap, own: &str) -> bool {
    let mut origins = headers.get_all(ORIGIN).map(|it| it.as_bytes());
    let own = own.trim_end_matches('/');
    matches!((origins.next(), origins.next()), (Some(origin), None) if origin.eq_ignore_ascii_case(own.as_bytes()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    const OWN: &str = "https://howdah.example/";

    fn allowed(method: &Method, headers: &[(&str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        is_allowed(method, &map, OWN)
    }

    #[test]
    fn only_our_own_pages_change_anything() {
        let own = ("origin", "https://howdah.example");
        let site = |it| ("sec-fetch-site", it);
        let table: [(&[(&str, &str)], bool); 13] = [
            (&[site("same-origin")], true),
            (&[site("same-origin"), own], true),
            (&[own], true),
            (&[site("none"), own], true),
            (&[], false),
            (&[site("none")], false),
            (&[site("same-site")], false),
            (&[site("same-site"), own], false),
            (&[site("cross-site"), own], false),
            (&[site("same-origin"), site("cross-site")], false),
            (&[("origin", "null")], false),
            (&[("origin", "http://howdah.example")], false),
            (&[("origin", "https://evil.howdah.example")], false),
        ];
        for (headers, expected) in table {
            assert_eq!(allowed(&Method::POST, headers), expected, "{headers:?}");
            assert_eq!(allowed(&Method::DELETE, headers), expected, "{headers:?}");
            assert!(allowed(&Method::GET, headers));
        }
    }
}
