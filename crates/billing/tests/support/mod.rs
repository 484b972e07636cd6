//! A server in Stripe's place that answers what it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use howdah_billing::{Settings, Stripe};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An answer that was given to the same key before.
pub const REPLAYED: &str = r#"{"error": {"type": "api_error"}}"#;

/// Answers each request with the next answer, and remembers it.
pub struct Server {
    pub stripe: Stripe,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub async fn answering(answers: &[(u16, String)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers) = (requests.clone(), Arc::new(Mutex::new(VecDeque::from(answers.to_vec()))));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, seen.clone(), answers.clone()));
            }
        });
        let settings = Settings {
            base_url: Some(url.parse().unwrap()),
            account: Some("acct_1".to_owned()),
            timeout: Duration::from_secs(20),
            ..Settings::new(SecretString::from("sk_test_secret"))
        };
        Self { stripe: Stripe::new(&settings).unwrap(), requests }
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut connection: TcpStream, seen: Arc<Mutex<Vec<String>>>, answers: Arc<Mutex<VecDeque<(u16, String)>>>) {
    while let Some(request) = request(&mut connection).await {
        seen.lock().unwrap().push(request);
        let Some((status, body)) = answers.lock().unwrap().pop_front() else { return };
        let replayed = if body == REPLAYED { "idempotent-replayed: true\r\n" } else { "" };
        let answer = format!("HTTP/1.1 {status} Whatever\r\n{replayed}content-length: {}\r\n\r\n{body}", body.len());
        if connection.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn request(connection: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |it| it.parse().unwrap()) {
                return Some(text);
            }
        }
        match connection.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => read.extend_from_slice(&buffer[..count]),
        }
    }
}

pub fn ok(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

pub fn empty_list() -> (u16, String) {
    ok(r#"{"object": "list", "data": [], "has_more": false}"#)
}
