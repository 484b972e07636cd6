//! Remembers what it is given, and forgets what is deleted. That a real store takes the signature is seen in the stack.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Debug)]
pub struct Stored {
    pub head: String,
    pub body: Vec<u8>,
}

pub struct ObjectStore {
    pub port: u16,
    objects: Arc<Mutex<BTreeMap<String, Stored>>>,
}

impl ObjectStore {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let objects: Arc<Mutex<BTreeMap<String, Stored>>> = Arc::default();
        let kept = objects.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = kept.clone();
                tokio::spawn(async move {
                    take(stream, &kept).await;
                });
            }
        });
        Self { port, objects }
    }

    pub fn objects(&self) -> BTreeMap<String, Stored> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One request, answered with 200.
async fn take(mut stream: TcpStream, kept: &Mutex<BTreeMap<String, Stored>>) -> Option<()> {
    let mut bytes = Vec::new();
    let (head, body_at) = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break (String::from_utf8_lossy(&bytes[..end]).into_owned(), end + 4);
        }
    };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    while bytes.len() < body_at + length {
        stream.read_buf(&mut bytes).await.ok()?;
    }
    let path = head.split(' ').nth(1)?.to_owned();
    note(kept, &head, path, bytes.split_off(body_at));
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.ok()
}

fn note(kept: &Mutex<BTreeMap<String, Stored>>, head: &str, path: String, body: Vec<u8>) {
    let mut objects = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if head.starts_with("DELETE ") {
        objects.remove(&path);
    } else {
        objects.insert(path, Stored { head: head.to_owned(), body });
    }
}
