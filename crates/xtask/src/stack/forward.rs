//! Passes connections from the machine's loopback into the stack's network namespace, so that a person's browser gets there.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    str::FromStr,
    thread,
};

use anyhow::{Context, Result};

use super::{Scope, Stack, ingress, mail, netns};

#[derive(Clone, Debug)]
pub struct Route {
    listen: SocketAddr,
    target: SocketAddr,
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (listen, target) = text.split_once('=').ok_or("not LISTEN=TARGET")?;
        let address = |text: &str| text.parse().map_err(|error| format!("{text}: {error}"));
        Ok(Self { listen: address(listen)?, target: address(target)? })
    }
}

/// Listens outside and connects inside: a listener belongs to the namespace in which it was made.
pub fn serve(netns: &Path, routes: &[Route]) -> Result<()> {
    let listeners: Vec<(TcpListener, SocketAddr)> = routes
        .iter()
        .map(|route| Ok((TcpListener::bind(route.listen).with_context(|| format!("can't listen on {}", route.listen))?, route.target)))
        .collect::<Result<_>>()?;
    netns::enter(netns)?;
    thread::scope(|scope| {
        for (listener, target) in listeners {
            scope.spawn(move || {
                for client in listener.incoming().flatten() {
                    thread::spawn(move || pass(&client, target));
                }
            });
        }
    });
    Ok(())
}

/// A connection that breaks is the business of its two ends, which see it.
fn pass(client: &TcpStream, target: SocketAddr) {
    let Ok(server) = TcpStream::connect(target) else { return };
    let copy = |mut from: &TcpStream, mut to: &TcpStream| {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    };
    thread::scope(|scope| {
        scope.spawn(|| copy(client, &server));
        copy(&server, client);
    });
}

/// What a person opens, at the first free port of those that are tried.
pub struct Forwards {
    pub ingress: SocketAddr,
    pub server: SocketAddr,
    pub mail: SocketAddr,
}

impl Stack {
    /// Called outside the namespace.
    pub fn start_forwards(&self) -> Result<()> {
        if self.scope != Scope::Whole {
            return Ok(());
        }
        let forwards = Forwards { ingress: free(&[443, 8443])?, server: free(&[8080, 18080])?, mail: free(&[8025, 18025])? };
        let routes = [
            format!("{}={}:443", forwards.ingress, self.ip),
            format!("{}={}", forwards.server, ingress::SERVER),
            format!("{}={}:{}", forwards.mail, self.ip, mail::HTTP_PORT),
        ];
        self.start("forward", &self.forward(&routes))?;
        self.wait("forward", || TcpStream::connect(forwards.mail).is_ok())?;
        std::fs::write(self.dir("run/forwards"), format!("{} {} {}", forwards.ingress, forwards.server, forwards.mail))?;
        Ok(())
    }

    pub fn forward(&self, routes: &[String]) -> Command {
        let mut forward = Command::new(self.places.own_program());
        forward.arg("forward").arg("--netns").arg(self.netns()).args(routes);
        forward
    }

    pub fn forwards(&self) -> Result<Forwards> {
        let text = std::fs::read_to_string(self.dir("run/forwards"))?;
        let mut addresses = text.split(' ').map(SocketAddr::from_str);
        let mut next = || addresses.next().context("an address is missing in run/forwards")?.context("run/forwards");
        Ok(Forwards { ingress: next()?, server: next()?, mail: next()? })
    }
}

/// The first that is free on the machine's loopback, else any.
pub fn free(ports: &[u16]) -> Result<SocketAddr> {
    for port in ports.iter().chain([&0]) {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", *port)) {
            return Ok(listener.local_addr()?);
        }
    }
    anyhow::bail!("no free port on the machine's loopback")
}
