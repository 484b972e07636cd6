//! An object store's IAM API in memory, as far as the S3 user of an export, or of a load, meets it: users with a policy and at most two keys, and a listing that
//! only a key which is known may ask for. `crates/acceptance/tests/providers` holds a real one to the same.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub policy: Option<String>,
    pub keys: Vec<String>,
}

#[derive(Default)]
struct State {
    users: BTreeMap<String, User>,
    made: usize,
}

pub struct FakeIam {
    pub endpoint: String,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

impl Drop for FakeIam {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeIam {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&shared);
                let answer = service_fn(move |request: Request<Incoming>| {
                    let state = Arc::clone(&state);
                    async move { Ok::<_, Infallible>(answer(&state, request).await) }
                });
                tokio::spawn(async move { Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await });
            }
        });
        Self { endpoint, state, server }
    }

    pub fn users(&self) -> BTreeMap<String, User> {
        self.state.lock().unwrap().users.clone()
    }

    /// How many keys were ever made.
    pub fn keys_made(&self) -> usize {
        self.state.lock().unwrap().made
    }
}

async fn answer(state: &Mutex<State>, request: Request<Incoming>) -> Response<String> {
    let (head, body) = request.into_parts();
    let bytes = read(body).await;
    let mut state = state.lock().unwrap();
    let (status, body) = if head.method == Method::GET {
        let signed = head.headers["authorization"].to_str().unwrap();
        let is_known = state.users.values().flat_map(|it| &it.keys).any(|key| signed.contains(&format!("Credential={key}/")));
        if is_known { (200, String::new()) } else { refusal(403, "InvalidAccessKeyId") }
    } else {
        let url = reqwest::Url::parse(&format!("http://form/?{}", std::str::from_utf8(&bytes).unwrap())).unwrap();
        state.act(&url.query_pairs().into_owned().collect())
    };
    Response::builder().status(status).body(body).unwrap()
}

async fn read(mut body: Incoming) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Some(data) = frame.unwrap().data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    bytes
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"))
}

impl State {
    fn act(&mut self, form: &HashMap<String, String>) -> (u16, String) {
        let (action, name) = (form["Action"].as_str(), form["UserName"].clone());
        if action == "CreateUser" {
            if self.users.contains_key(&name) {
                return refusal(409, "EntityAlreadyExists");
            }
            self.users.insert(name, User::default());
            return (200, String::new());
        }
        let Some(user) = self.users.get_mut(&name) else { return refusal(404, "NoSuchEntity") };
        match action {
            "PutUserPolicy" => user.policy = Some(form["PolicyDocument"].clone()),
            "DeleteUserPolicy" => user.policy = None,
            "DeleteAccessKey" => user.keys.retain(|it| *it != form["AccessKeyId"]),
            "DeleteUser" if user.keys.is_empty() && user.policy.is_none() => drop(self.users.remove(&name)),
            "DeleteUser" => return refusal(409, "DeleteConflict"),
            "CreateAccessKey" if user.keys.len() == 2 => return refusal(409, "LimitExceeded"),
            "CreateAccessKey" => {
                self.made += 1;
                let key = format!("AKIA{:04}", self.made);
                user.keys.push(key.clone());
                let key = format!("<AccessKey><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey></AccessKey>");
                return (200, format!("<A><CreateAccessKeyResult>{key}</CreateAccessKeyResult></A>"));
            }
            "ListAccessKeys" => {
                let members: String = user.keys.iter().map(|it| format!("<member><AccessKeyId>{it}</AccessKeyId></member>")).collect();
                let listed = format!("<AccessKeyMetadata>{members}</AccessKeyMetadata>");
                return (200, format!("<A><ListAccessKeysResult>{listed}</ListAccessKeysResult></A>"));
            }
            other => panic!("what is {other}?"),
        }
        (200, String::new())
    }
}
