//! A host of somebody else's that has a file: over HTTPS, under a name in the outside DNS, with a certificate of the stack's CA.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::World;
use crate::neighbour::certify;
use crate::wait::{seconds, until};

/// The standard library's server, with TLS. It knows no ranges, as many don't.
const SERVE: &str = "
import functools, http.server, ssl, sys
address, port, folder, certificate = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
server = http.server.ThreadingHTTPServer((address, port), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate + '/tls.crt', certificate + '/tls.key')
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
";

/// Ends with the test.
pub struct Shelf {
    /// Without a slash at its end.
    pub url: String,
    _process: Child,
    _certificate: TempDir,
}

impl Shelf {
    /// The files of `folder`, at `name`.
    pub async fn start(world: &World, name: &str, folder: &Path) -> Result<Self> {
        let certificate = certify(&world.stack, name)?;
        let address = world.stack.ip()?;
        let port = std::net::TcpListener::bind((address.as_str(), 0))?.local_addr()?.port();
        let mut command = Command::new("python3");
        command.args(["-c", SERVE, &address, &port.to_string()]).arg(folder).arg(certificate.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let process = command.spawn().context("python3's server")?;
        world.dns.set_a(name, &[&address]).await?;
        let url = format!("https://{name}:{port}");
        until("the other host answers", seconds(20), async || {
            let answer = world.http.get(&url).send().await?;
            ensure!(answer.status().is_success(), "{}", answer.status());
            Ok(())
        })
        .await?;
        Ok(Self { url, _process: process, _certificate: certificate })
    }
}
