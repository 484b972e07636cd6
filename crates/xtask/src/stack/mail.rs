//! The mail catcher, which is also the tenants' relay: it takes any login, keeps every message, and can be told to refuse.

use std::{net::TcpStream, process::Command};

use anyhow::Result;

use super::{Stack, tools::Tools};

pub const SMTP_PORT: u16 = 1025;
pub const HTTP_PORT: u16 = 8025;

impl Stack {
    pub fn mail_url(&self) -> String {
        format!("http://{}:{HTTP_PORT}", self.ip)
    }

    pub fn start_mail(&self, tools: &Tools) -> Result<()> {
        let mut catcher = Command::new(tools.python("python"));
        catcher.arg(self.places.deploy("mail/catcher.py")).args([&self.ip, &SMTP_PORT.to_string(), &HTTP_PORT.to_string()]);
        self.start("mail", &catcher)?;
        self.wait("mail", || [SMTP_PORT, HTTP_PORT].iter().all(|port| TcpStream::connect((self.ip.as_str(), *port)).is_ok()))
    }
}
