//! An HTTP server that answers as an object store does, by the object's name.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub const BODY: &str = "abcdefghijklmnopqrstuvwxyz";
pub const LARGE: usize = 64 << 20;

pub struct Store {
    pub address: SocketAddr,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    sent: AtomicUsize,
}

impl Drop for Store {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Store {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let shared = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, shared.clone()));
            }
        });
        Self { address, seen, task }
    }

    /// Nobody listens any more.
    pub async fn stop(self) -> Self {
        self.task.abort();
        while TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        self
    }

    pub fn last_request(&self) -> String {
        self.seen.requests.lock().unwrap().last().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.seen.requests.lock().unwrap().len()
    }

    /// Bytes of bodies that were written so far.
    pub fn sent(&self) -> usize {
        self.seen.sent.load(Ordering::SeqCst)
    }
}

async fn serve(mut socket: TcpStream, seen: Arc<Seen>) {
    let mut head = Vec::new();
    loop {
        while !head.ends_with(b"\r\n\r\n") {
            match socket.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let request = String::from_utf8(std::mem::take(&mut head)).unwrap();
        seen.requests.lock().unwrap().push(request.clone());
        if !answer(&mut socket, &request, &seen).await {
            return;
        }
    }
}

/// False where the connection ends.
async fn answer(socket: &mut TcpStream, request: &str, seen: &Seen) -> bool {
    let mut line = request.split(' ');
    let (method, path) = (line.next().unwrap(), line.next().unwrap());
    let refusal = |status: &str| {
        let body = "<Error><Code>X</Code><BucketName>mi-a</BucketName></Error>";
        format!("HTTP/1.1 {status}\r\ncontent-type: application/xml\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let text = match path.rsplit('/').next().unwrap() {
        "refused" => refusal("403 Forbidden"),
        "missing" => refusal("404 Not Found"),
        "429" => refusal("429 Too Many Requests"),
        "500" => refusal("500 Internal Server Error"),
        "503" => refusal("503 Slow Down"),
        "moved" => "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "garbage" => "SSH-2.0-OpenSSH\r\n\r\n".to_owned(),
        "silent" => return silent().await,
        "truncated" => {
            write(socket, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nshort").await;
            return false;
        }
        "stalled" => {
            write(socket, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nshort").await;
            return silent().await;
        }
        "large" => return large(socket, seen).await,
        _ => object(method, &request.to_lowercase()),
    };
    write(socket, &text).await
}

async fn write(socket: &mut TcpStream, text: &str) -> bool {
    socket.write_all(text.as_bytes()).await.is_ok()
}

/// Longer than anybody waits.
async fn silent() -> bool {
    tokio::time::sleep(Duration::from_secs(60)).await;
    false
}

async fn large(socket: &mut TcpStream, seen: &Seen) -> bool {
    write(socket, &format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n")).await;
    let chunk = vec![b'x'; 64 << 10];
    for _ in 0..LARGE / chunk.len() {
        if socket.write_all(&chunk).await.is_err() {
            return false;
        }
        seen.sent.fetch_add(chunk.len(), Ordering::SeqCst);
    }
    true
}

fn object(method: &str, request: &str) -> String {
    let common = "content-type: image/png\r\netag: \"abc\"\r\nlast-modified: Sat, 01 Aug 2026 00:00:00 GMT\r\naccept-ranges: bytes\r\n\
                  server: store\r\nx-amz-request-id: 1\r\nx-amz-meta-secret: 1\r\nset-cookie: a=b\r\n";
    if request.contains("if-none-match: \"abc\"") {
        return format!("HTTP/1.1 304 Not Modified\r\n{common}\r\n");
    }
    let asked = request.lines().find_map(|line| line.strip_prefix("range: bytes="));
    let (status, range, body) = match asked.and_then(|it| it.split_once('-')) {
        None => ("200 OK", String::new(), BODY),
        Some((from, to)) => {
            let (from, to) = (from.parse::<usize>().unwrap(), to.trim().parse::<usize>().unwrap_or(BODY.len() - 1));
            match BODY.get(from..=to) {
                Some(part) => ("206 Partial Content", format!("content-range: bytes {from}-{to}/{}\r\n", BODY.len()), part),
                None => ("416 Range Not Satisfiable", format!("content-range: bytes */{}\r\n", BODY.len()), "<Error/>"),
            }
        }
    };
    let sent = if method == "HEAD" { "" } else { body };
    format!("HTTP/1.1 {status}\r\n{common}{range}content-length: {}\r\n\r\n{sent}", body.len())
}
