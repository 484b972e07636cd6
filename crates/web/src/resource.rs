//! A resource: one address, its methods, and a 405 with `Allow` for every other one.

use actix_web::http::Method;
use actix_web::{HttpRequest, Resource, Route, web};

use crate::problem::Problem;

/// Whoever answers GET answers HEAD too.
pub fn resource<const N: usize>(path: &str, routes: [(Method, fn() -> Route); N]) -> Resource {
    let mut allow: Vec<&str> = Vec::new();
    for (method, _) in &routes {
        allow.push(method.as_str());
        if method == Method::GET {
            allow.push("HEAD");
        }
    }
    let allow = allow.join(", ");
    let mut resource = web::resource(path);
    for (method, route) in routes {
        if method == Method::GET {
            resource = resource.route(route().method(Method::HEAD));
        }
        resource = resource.route(route().method(method));
    }
    resource.default_service(web::route().to(move |_: HttpRequest| {
        let problem = Problem::method_not_allowed(allow.clone());
        async move { Err::<actix_web::HttpResponse, Problem>(problem) }
    }))
}

/// The id in the path; a malformed one is an id that nobody has.
pub fn id<T: std::str::FromStr>(request: &HttpRequest, what: &'static str) -> Result<T, Problem> {
    part(request, "id", what)
}

/// The same of another part of the path.
pub fn part<T: std::str::FromStr>(request: &HttpRequest, part: &str, what: &'static str) -> Result<T, Problem> {
    request.match_info().get(part).and_then(|it| it.parse().ok()).ok_or_else(|| Problem::malformed_id(what))
}
