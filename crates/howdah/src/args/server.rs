//! The server's flags.

use std::net::SocketAddr;

use clap::Args;
use howdah_web::Settings;

use super::control_plane::ControlPlaneArgs;

#[derive(Args)]
pub struct ServerArgs {
    #[command(flatten)]
    pub control_plane: ControlPlaneArgs,
    #[arg(long, env = "HOWDAH_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Threads that answer requests.
    #[arg(long, env = "HOWDAH_THREADS", default_value_t = 2)]
    threads: usize,
    /// A proxy of ours stands before this server and says in `X-Forwarded-For` for whom it asks.
    #[arg(long, env = "HOWDAH_BEHIND_PROXY")]
    behind_proxy: bool,
}

impl ServerArgs {
    pub fn settings(&self) -> Settings {
        let payment_pages = self.control_plane.billing.payment_pages();
        Settings { workers: self.threads, trusts_forwarded: self.behind_proxy, payment_pages, ..Settings::at(self.listen) }
    }
}
