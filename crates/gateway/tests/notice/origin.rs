//! Web as the gate sees it: a socket that says what it was asked, and answers by path.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const LARGE: usize = 64 * 1024 * 1024;

#[derive(Default)]
struct Seen {
    /// Heads as they came, and how long their bodies were.
    requests: Mutex<Vec<(String, usize)>>,
    sent: AtomicUsize,
}

pub struct Origin {
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

impl Origin {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let all = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // That a client goes is part of the tests.
                tokio::spawn(connection(stream, Arc::clone(&all)));
            }
        });
        Self { address, seen }
    }

    pub fn requests(&self) -> Vec<(String, usize)> {
        self.seen.requests.lock().unwrap().clone()
    }

    pub fn sent(&self) -> usize {
        self.seen.sent.load(Ordering::SeqCst)
    }
}

async fn connection(mut stream: TcpStream, seen: Arc<Seen>) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|it| it == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end);
        let length = head.lines().find_map(|it| it.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let mut received = buffer.len();
        buffer.clear();
        while received < length {
            let mut part = vec![0; 64 * 1024];
            match stream.read(&mut part).await? {
                0 => return Ok(()),
                count => received += count,
            }
        }
        seen.requests.lock().unwrap().push((head.clone(), received));
        let path = head.split(' ').nth(1).unwrap_or_default();
        if !answer(&mut stream, path, &seen).await? {
            return Ok(());
        }
    }
}

/// False where the connection ends with the answer.
async fn answer(stream: &mut TcpStream, path: &str, seen: &Seen) -> std::io::Result<bool> {
    match path {
        "/large" => {
            stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n").as_bytes()).await?;
            for _ in 0..LARGE / 65536 {
                stream.write_all(&[b'a'; 65536]).await?;
                seen.sent.fetch_add(65536, Ordering::SeqCst);
            }
            Ok(true)
        }
        "/truncated" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf").await?;
            Ok(false)
        }
        "/reset" => Ok(false),
        "/gone" => {
            stream.write_all(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n").await?;
            Ok(true)
        }
        _ => {
            let headers = "set-cookie: a=1\r\nset-cookie: b=2\r\nlocation: https://social.example/x\r\nkeep-alive: timeout=20\r\n\
                           connection: x-between\r\nx-between: us\r\netag: W/\"1\"";
            stream.write_all(format!("HTTP/1.1 302 Found\r\n{headers}\r\ncontent-length: 5\r\n\r\nfound").as_bytes()).await?;
            Ok(true)
        }
    }
}
