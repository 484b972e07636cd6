//! A process of the binary that stays until the test ends it.

use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Stdio};

use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response};

use super::{DOMAIN, wait_for};

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

pub struct Process {
    pub port: u16,
    child: Child,
    http: Client,
}

impl Process {
    pub fn start(mut command: Command) -> Self {
        let port = free_port();
        let child =
            command.env("PORT", port.to_string()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary can be run");
        let http = Client::builder().redirect(Policy::none()).build().expect("a client can be built");
        Self { port, child, http }
    }

    /// Waits until `path` is answered with 200.
    pub async fn ready(self, path: &str) -> Self {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        wait_for(path, async || self.http.get(&url).send().await.ok().filter(|answer| answer.status() == 200)).await;
        self
    }

    /// A request as it comes from the ingress: by the server's name, over HTTPS.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.plain(method, path).header("host", DOMAIN).header("x-forwarded-proto", "https")
    }

    pub fn plain(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://127.0.0.1:{}{path}", self.port))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).header("accept", "application/activity+json").send().await.expect("an answer")
    }

    pub async fn json(&self, path: &str) -> serde_json::Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect("an answer in JSON")
    }

    /// Asks it to stop, as a kubelet does, and waits for its end.
    pub async fn stop(&mut self) -> ExitStatus {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill can be run");
        assert!(told.success(), "the process was gone already");
        self.ended().await
    }

    pub async fn ended(&mut self) -> ExitStatus {
        wait_for("the process to end", async || self.child.try_wait().expect("its end can be asked for")).await
    }

    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("its end can be asked for").is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
