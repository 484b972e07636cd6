//! A TCP proxy that can be told to misbehave: what stands between a test and its database.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Passes everything on.
    Well,
    /// Keeps connections and passes nothing on, in either direction, as a stopped server would.
    Frozen,
    /// Ends every connection and takes no new one.
    Gone,
}

pub struct Proxy {
    address: SocketAddr,
    mood: Arc<watch::Sender<Mood>>,
}

impl Proxy {
    /// In front of `target`, a `host:port`.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn new(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let mood = Arc::new(watch::Sender::new(Mood::Well));
        let (target, moods) = (target.to_owned(), Arc::clone(&mood));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, target.clone(), moods.subscribe()));
            }
        });
        Self { address, mood }
    }

    /// In front of the server of a database URL; and that URL through the proxy.
    ///
    /// # Panics
    /// Where the URL names no port.
    pub async fn before(url: &str) -> (Self, String) {
        let after_scheme = url.find("://").map_or(0, |it| it + 3);
        let path = url[after_scheme..].find('/').map_or(url.len(), |it| after_scheme + it);
        let host = url[after_scheme..path].rfind('@').map_or(after_scheme, |it| after_scheme + it + 1);
        let proxy = Self::new(&url[host..path]).await;
        let through = format!("{}{}{}", &url[..host], proxy.address, &url[path..]);
        (proxy, through)
    }

    pub fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }
}

async fn serve(mut client: TcpStream, target: String, mut mood: watch::Receiver<Mood>) {
    if *mood.borrow() == Mood::Gone {
        return;
    }
    if mood.wait_for(|it| *it != Mood::Frozen).await.is_err() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(&target).await else {
        return;
    };
    loop {
        let now = *mood.borrow_and_update();
        match now {
            Mood::Gone => return,
            Mood::Frozen => {
                if mood.changed().await.is_err() {
                    return;
                }
            }
            Mood::Well => {
                tokio::select! {
                    ended = pass(&mut client, &mut server) => if ended { return },
                    changed = mood.changed() => if changed.is_err() { return },
                }
            }
        }
    }
}

/// Passes on what is there to read on either side; true at the end. Nothing is lost where this is dropped: it reads only what
/// it can write on at once or finishes writing first.
async fn pass(client: &mut TcpStream, server: &mut TcpStream) -> bool {
    let from_client = tokio::select! {
        ready = client.readable() => if ready.is_ok() { true } else { return true },
        ready = server.readable() => if ready.is_ok() { false } else { return true },
    };
    let (from, to) = if from_client { (client, server) } else { (server, client) };
    let mut buffer = [0; 16 * 1024];
    match from.try_read(&mut buffer) {
        Ok(0) => true,
        Ok(length) => {
            let mut rest = &buffer[..length];
            while !rest.is_empty() {
                if to.writable().await.is_err() {
                    return true;
                }
                match to.try_write(rest) {
                    Ok(written) => rest = &rest[written..],
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => return true,
                }
            }
            false
        }
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}
