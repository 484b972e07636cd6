//! An object store in memory, over HTTP, that misbehaves as it is told.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use howdah_bundle::{
    format::Sha256Hex,
    media::{Store, StoreSettings},
    s3::{BucketSettings, S3Settings},
};
use secrecy::SecretString;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

#[derive(Debug, Clone, Default)]
pub struct Object {
    pub content: Vec<u8>,
    pub headers: BTreeMap<String, String>,
    /// Told by the listing instead of the true length.
    pub listed_bytes: Option<u64>,
}

/// What to do instead of what was asked.
#[derive(Debug, Clone)]
pub enum Fault {
    Status(u16, &'static str, Vec<(&'static str, String)>),
    /// Says the right length, gives so many bytes, and hangs up.
    BreakAfter(usize),
    /// A shorter file than it lists, whole by its own account.
    Shorter(usize),
    HangUp,
    Listing(String),
}

/// One that was answered: `GET key`, `PUT key`, `LIST prefix`, and its headers.
#[derive(Debug, Clone)]
pub struct Asked {
    pub what: String,
    pub headers: BTreeMap<String, String>,
}

type Faults = Box<dyn FnMut(&Asked) -> Option<Fault> + Send>;

#[derive(Default)]
pub struct State {
    pub objects: BTreeMap<String, Object>,
    pub asked: Vec<Asked>,
    pub faults: Option<Faults>,
    pub page: usize,
    /// Some stores don't know `encoding-type=url`.
    pub raw_keys: bool,
    pub now: usize,
    /// Of requests that were under way at a time.
    pub most: usize,
    /// Takes no more at a time.
    pub limit: Option<usize>,
    /// How long an answer takes.
    pub slow: Duration,
}

#[derive(Clone)]
pub struct Bucket {
    state: Arc<Mutex<State>>,
    port: u16,
}

impl Bucket {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { page: 1000, ..State::default() }));
        let bucket = Self { state, port };
        let serving = bucket.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let bucket = serving.clone();
                tokio::spawn(async move { bucket.serve(connection).await });
            }
        });
        bucket
    }

    pub fn settings(&self) -> BucketSettings {
        let service = S3Settings {
            endpoint: Some(format!("http://127.0.0.1:{}", self.port).parse().unwrap()),
            region: "us-east-1".to_owned(),
            access_key_id: "key".to_owned(),
            secret_access_key: SecretString::from("secret"),
            session_token: None,
            path_style: true,
            ca: None,
        };
        BucketSettings { service, bucket: "media".to_owned(), key_prefix: String::new(), acl: None }
    }

    pub fn store(&self) -> Store {
        Store::open_up(StoreSettings::S3(Box::new(self.settings()))).unwrap()
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn put(&self, key: &str, content: impl Into<Vec<u8>>) {
        let object = Object { content: content.into(), ..Object::default() };
        self.state().objects.insert(key.to_owned(), object);
    }

    pub fn fail(&self, faults: impl FnMut(&Asked) -> Option<Fault> + Send + 'static) {
        self.state().faults = Some(Box::new(faults));
    }

    pub fn asked(&self) -> Vec<String> {
        self.state().asked.iter().map(|it| it.what.clone()).collect()
    }

    async fn serve(&self, connection: TcpStream) {
        let mut connection = BufReader::new(connection);
        while let Some(request) = Request::read(&mut connection).await {
            let slow = {
                let mut state = self.state();
                state.now += 1;
                state.most = state.most.max(state.now);
                state.slow
            };
            tokio::time::sleep(slow).await;
            let reply = self.reply(request);
            self.state().now -= 1;
            let stay = reply.give.is_none();
            let give = if reply.is_head { 0 } else { reply.give.unwrap_or(reply.body.len()) };
            if reply.status == 0 {
                return;
            }
            let mut head = format!("HTTP/1.1 {} It is so\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
            reply.headers.iter().for_each(|(name, value)| write!(head, "{name}: {value}\r\n").unwrap());
            let whole = [head.as_bytes(), b"\r\n", &reply.body[..give]].concat();
            if connection.write_all(&whole).await.is_err() || !stay {
                return;
            }
        }
    }

    fn reply(&self, request: Request) -> Reply {
        let mut state = self.state();
        let asked = request.asked();
        state.asked.push(asked.clone());
        let mut faults = state.faults.take();
        let fault = faults.as_mut().and_then(|it| it(&asked));
        state.faults = faults;
        match &fault {
            None if state.limit.is_some_and(|it| state.now > it) => return refused(503, "SlowDown"),
            Some(Fault::HangUp) => return Reply { status: 0, ..Reply::default() },
            Some(Fault::Status(status, code, headers)) => {
                let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>").into_bytes();
                return Reply { status: *status, headers, body, ..Reply::default() };
            }
            Some(Fault::Listing(body)) => return Reply { status: 200, body: body.clone().into_bytes(), ..Reply::default() },
            _ => {}
        }
        let mut reply = match request.method.as_str() {
            "PUT" => state.write(&request),
            _ if request.query.contains_key("list-type") => state.list(&request),
            _ => state.read(&request),
        };
        reply.is_head = request.method == "HEAD";
        match fault {
            Some(Fault::BreakAfter(bytes)) => reply.give = Some(bytes.min(reply.body.len())),
            Some(Fault::Shorter(bytes)) => reply.body.truncate(bytes),
            _ => {}
        }
        reply
    }
}

#[derive(Default)]
struct Reply {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
    /// So many bytes of it, and then the connection ends.
    give: Option<usize>,
    /// Only the length of the body is told: it answers a HEAD.
    is_head: bool,
}

impl State {
    fn read(&self, request: &Request) -> Reply {
        let Some(object) = self.objects.get(&request.key) else { return refused(404, "NoSuchKey") };
        let etag = etag(&object.content);
        if request.headers.get("if-match").is_some_and(|it| *it != etag) {
            return refused(412, "PreconditionFailed");
        }
        let mut reply = Reply { status: 200, headers: object.headers.clone(), body: object.content.clone(), ..Reply::default() };
        reply.headers.insert("etag".to_owned(), etag);
        reply.headers.insert("last-modified".to_owned(), "Sat, 01 Aug 2026 10:00:00 GMT".to_owned());
        if let Some(from) = request.headers.get("range").and_then(|it| it.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok())
        {
            reply.status = 206;
            let (last, all) = (reply.body.len() - 1, reply.body.len());
            reply.headers.insert("content-range".to_owned(), format!("bytes {from}-{last}/{all}"));
            reply.body.drain(..from);
        }
        reply
    }

    fn write(&mut self, request: &Request) -> Reply {
        let Some(told) = request.headers.get("x-amz-content-sha256") else { return refused(400, "MissingSecurityHeader") };
        if told != "UNSIGNED-PAYLOAD" && *told != Sha256Hex::of(&request.body).to_string() {
            return refused(400, "XAmzContentSHA256Mismatch");
        }
        let kept = ["content-type", "cache-control", "x-amz-acl", "x-amz-meta-howdah-sha256"];
        let headers = request.headers.iter().filter(|(name, _)| kept.contains(&name.as_str()));
        let headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
        self.objects.insert(request.key.clone(), Object { content: request.body.clone(), headers, listed_bytes: None });
        Reply { status: 200, ..Reply::default() }
    }

    fn list(&self, request: &Request) -> Reply {
        let prefix = request.query.get("prefix").cloned().unwrap_or_default();
        let after = request.query.get("continuation-token").cloned().unwrap_or_default();
        let encoded = !self.raw_keys && request.query.contains_key("encoding-type");
        let mut found = self.objects.iter().filter(|(key, _)| key.starts_with(&prefix) && **key > after);
        let page: Vec<_> = found.by_ref().take(self.page).collect();
        let mut body = "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">".to_owned();
        for (key, object) in &page {
            let key = if encoded { url::form_urlencoded::byte_serialize(key.as_bytes()).collect() } else { escaped(key) };
            let (size, etag) = (object.listed_bytes.unwrap_or(object.content.len() as u64), escaped(&etag(&object.content)));
            let modified = "2026-08-01T10:00:00.000Z";
            write!(
                body,
                "<Contents><Key>{key}</Key><LastModified>{modified}</LastModified><ETag>{etag}</ETag><Size>{size}</Size></Contents>"
            )
            .unwrap();
        }
        let more = found.next().is_some();
        write!(body, "<IsTruncated>{more}</IsTruncated>").unwrap();
        if encoded {
            body.push_str("<EncodingType>url</EncodingType>");
        }
        if let Some((last, _)) = page.last().filter(|_| more) {
            write!(body, "<NextContinuationToken>{}</NextContinuationToken>", escaped(last)).unwrap();
        }
        body.push_str("</ListBucketResult>");
        Reply { status: 200, body: body.into_bytes(), ..Reply::default() }
    }
}

fn refused(status: u16, code: &str) -> Reply {
    Reply { status, body: format!("<Error><Code>{code}</Code></Error>").into_bytes(), ..Reply::default() }
}

pub fn etag(content: &[u8]) -> String {
    format!("\"{}\"", &Sha256Hex::of(content).to_string()[..32])
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

struct Request {
    method: String,
    key: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Request {
    /// None when the connection ends, or ends too early.
    async fn read(connection: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            connection.read_line(&mut line).await.ok().filter(|it| *it > 0)?;
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let mut first = lines.first()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers: BTreeMap<_, _> =
            lines[1..].iter().filter_map(|it| it.split_once(": ")).map(|(a, b)| (a.to_lowercase(), b.to_owned())).collect();
        let authorization = headers.get("authorization").expect("every request is signed");
        assert!(authorization.contains("Credential=key/"), "{authorization}");
        for (name, _) in headers.iter().filter(|(name, _)| name.starts_with("x-amz-")) {
            assert!(authorization.contains(name.as_str()), "{name} is signed: {authorization}");
        }
        let length = headers.get("content-length").map_or(0, |it| it.parse().unwrap());
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await.ok()?;
        Some(Self {
            method,
            key: decoded(path.strip_prefix("/media").expect("the bucket's own")).trim_start_matches('/').to_owned(),
            query: query.split('&').filter_map(|it| it.split_once('=')).map(|(a, b)| (a.to_owned(), decoded(b))).collect(),
            headers,
            body,
        })
    }

    fn asked(&self) -> Asked {
        let what = match self.query.get("prefix") {
            Some(prefix) => format!("LIST {prefix}"),
            None => format!("{} {}", self.method, self.key),
        };
        Asked { what, headers: self.headers.clone() }
    }
}

fn decoded(text: &str) -> String {
    // As a query's value, but for the plus, which a signed URL doesn't use.
    let whole = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(whole.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
