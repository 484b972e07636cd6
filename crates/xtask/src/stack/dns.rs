//! The names inside (CoreDNS: cluster.local, the platform's domain) and outside (a scriptable server: every other name).

use std::{fs, net::TcpStream, process::Command};

use anyhow::Result;

use super::{Scope, Stack, tools::Tools};

const OUTSIDE_PORT: u16 = 8053;
const ADMIN_PORT: u16 = 8055;

impl Stack {
    pub fn dns_admin_url(&self) -> String {
        format!("http://{}:{ADMIN_PORT}", self.ip)
    }

    /// Where the stack's processes look names up, and pods' CoreDNS what is not the cluster's.
    pub fn start_dns(&self, tools: &Tools) -> Result<()> {
        let ip = &self.ip;
        if self.scope != Scope::Plane {
            let mut outside = Command::new(tools.dns());
            outside.args(["-dnsserver".to_owned(), format!("{ip}:{OUTSIDE_PORT}"), "-management".to_owned(), format!("{ip}:{ADMIN_PORT}")]);
            // Unless told, it answers every unknown name with 127.0.0.1 and ::1. Its web servers are not wanted.
            outside.args(["-defaultIPv4", "", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""]);
            self.start("dns", &outside)?;
            self.wait("dns", || TcpStream::connect((ip.as_str(), ADMIN_PORT)).is_ok())?;
        }
        if self.scope.has_netns() {
            let corefile = fs::read_to_string(self.places.deploy("cluster/Corefile"))?;
            let corefile = corefile
                .replace("@IP@", ip)
                .replace("@KUBECONFIG@", &self.kubeconfig("admin").to_string_lossy())
                .replace("@OUTSIDE@", &format!("{ip}:{OUTSIDE_PORT}"));
            fs::write(self.dir("run/Corefile"), corefile)?;
            self.start("coredns", Command::new(tools.coredns()?).arg("-conf").arg(self.dir("run/Corefile")))?;
            fs::write(self.dir("run/resolv.conf"), format!("nameserver {ip}\noptions timeout:1 attempts:2\n"))?;
        } else {
            fs::copy("/etc/resolv.conf", self.dir("run/resolv.conf"))?;
        }
        Ok(())
    }
}
