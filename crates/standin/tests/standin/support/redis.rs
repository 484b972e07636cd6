//! A Redis of this test's own.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{free_port, wait_for};

pub struct Redis {
    pub port: u16,
    child: Child,
}

impl Redis {
    pub async fn start(folder: &Path) -> Self {
        let port = free_port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed: `cargo xtask test --quick` sees to it");
        wait_for("Redis", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()).await;
        Self { port, child }
    }

    pub async fn connection(&self) -> ::redis::aio::MultiplexedConnection {
        let client = ::redis::Client::open(("127.0.0.1", self.port)).expect("an address");
        client.get_multiplexed_async_connection().await.expect("Redis answers")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended already; either way nothing of it is left.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
