//! A browser as far as pages need one: it keeps cookies, says where its forms come from, follows nothing by itself.

use std::cell::RefCell;
use std::collections::BTreeMap;

use howdah_db::models::mail::Mail;
use howdah_testkit::app::TestApp;
use reqwest::Method;
use reqwest::redirect::Policy;

use super::{Answer, Server};

/// What a browser says that posts a form of our own page.
pub const OWN: &[(&str, &str)] = &[("Sec-Fetch-Site", "same-origin")];

pub struct Browser<'a> {
    server: &'a Server,
    client: reqwest::Client,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub fn new(server: &'a Server) -> Self {
        let client = reqwest::Client::builder().redirect(Policy::none()).user_agent("Tests").build().unwrap();
        Self { server, client, cookies: RefCell::default() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, path, OWN, Some(form)).await
    }

    /// As a page's script does.
    pub async fn send_body(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = self.client.request(Method::POST, format!("{}{path}", self.server.url)).body(body.to_owned());
        let cookies: Vec<String> = self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        request = request.header("Cookie", cookies.join("; "));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.server.send(request).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], form: Option<&[(&str, &str)]>) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.server.url));
        let cookies: Vec<String> = self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("Cookie", cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(form) = form {
            let body = form.iter().fold(url::form_urlencoded::Serializer::new(String::new()), |mut all, (name, value)| {
                all.append_pair(name, value);
                all
            });
            let mut body = body;
            request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body.finish());
        }
        let answer = self.server.send(request).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            let mut cookies = self.cookies.borrow_mut();
            if cookie.contains("Max-Age=0") {
                cookies.remove(name)
            } else {
                cookies.insert(name.to_owned(), value.to_owned())
            };
        }
        answer
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    pub fn keep(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    /// A token with the scopes, as its page shows it.
    pub async fn make_token(&self, scopes: &[&str]) -> String {
        let key = hidden(&self.get("/account/tokens").await.text, "key");
        let mut form = vec![("key", key.as_str()), ("name", "tests"), ("days", "7")];
        form.extend(scopes.iter().map(|it| (*it, "on")));
        let made = self.post("/account/tokens", &form).await;
        token_in(&made.is(200).text)
    }

    pub async fn sign_in(&self, email: &str) {
        let answer = self.post("/sign-in", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/servers")), "{answer:?}");
    }
}

pub const PASSWORD: &str = "a lamp under seven stairs";

/// Somebody who can sign in with [`PASSWORD`].
pub async fn somebody(test: &TestApp, email: &str, is_operator: bool) {
    let request = howdah_app::admin::PersonRequest {
        email: email.to_owned(),
        name: "Ada".to_owned(),
        is_operator,
        password: Some(PASSWORD.to_owned().into()),
        servers_allowed: None,
    };
    howdah_app::admin::add_person(&test.app, &request).await.unwrap();
}

/// The API token that a page shows.
pub fn token_in(html: &str) -> String {
    let at = html.find("howdah_").unwrap_or_else(|| panic!("no token in {html}"));
    html[at..].chars().take_while(|it| it.is_ascii_alphanumeric() || "-_".contains(*it)).collect()
}

/// The value of a form's hidden field.
pub fn hidden(html: &str, name: &str) -> String {
    let at = html.find(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no field {name} in {html}"));
    html[at..].split('"').nth(3).unwrap().to_owned()
}

/// Where the page's link leads that ends so.
pub fn link_to(html: &str, end: &str) -> String {
    let mut links = html.split("href=\"").skip(1).filter_map(|it| it.split('"').next());
    links.find(|it| it.ends_with(end)).unwrap_or_else(|| panic!("no link to {end} in {html}")).to_owned()
}

/// What the newest link that was mailed to somebody leads to.
pub async fn mailed(test: &TestApp, recipient: &str) -> String {
    let all = Mail::waiting(&mut *test.database.conn().await, 100).await.unwrap();
    let link = all.into_iter().rev().find_map(|it| it.link.filter(|_| it.recipient == recipient)).expect("a link was mailed");
    link.strip_prefix("https://howdah.localhost").unwrap().to_owned()
}
