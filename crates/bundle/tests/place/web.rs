//! A small web server of a test's own: each request is answered by a function, over plain HTTP or over TLS, and a connection carries one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, crypto};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub method: String,
    /// With what follows the `?`.
    pub path: String,
    /// Their names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Hangs up after so many bytes of the body, whatever it said of its length.
    pub cut: Option<usize>,
    /// Nothing comes, and it doesn't hang up.
    pub is_silent: bool,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), cut: None, is_silent: false }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

type Answers = Arc<dyn Fn(Asked) -> Answer + Send + Sync>;

pub struct Web {
    pub address: SocketAddr,
    /// What its certificate is trusted by, PEM.
    pub authority: String,
    connections: Arc<AtomicUsize>,
}

impl Web {
    pub async fn plain(answers: impl Fn(Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::start("127.0.0.1:0", None, Arc::new(answers)).await
    }

    /// In these names, at an address of this machine.
    pub async fn tls(at: &str, names: &[&str], answers: impl Fn(Asked) -> Answer + Send + Sync + 'static) -> Self {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let tls = (TlsAcceptor::from(Arc::new(config)), certificate.pem());
        Self::start(at, Some(tls), Arc::new(answers)).await
    }

    async fn start(at: &str, tls: Option<(TlsAcceptor, String)>, answers: Answers) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let (address, connections) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let (acceptor, authority) = tls.unzip();
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (acceptor, answers) = (acceptor.clone(), Arc::clone(&answers));
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, &answers).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => serve(stream, &answers).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { address, authority: authority.unwrap_or_default(), connections }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, answers: &Answers) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let asked = read(&mut stream).await?;
    let Answer { status, headers, body, cut, is_silent } = answers(asked);
    if is_silent {
        return std::future::pending().await;
    }
    let mut head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n").as_bytes()).await.ok()?;
    stream.write_all(&body[..cut.unwrap_or(body.len()).min(body.len())]).await.ok()?;
    stream.flush().await.ok()?;
    stream.shutdown().await.ok()
}

async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace();
    let mut asked = Asked { method: words.next()?.to_owned(), path: words.next()?.to_owned(), ..Asked::default() };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        asked.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = asked.header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    asked.body = vec![0; length];
    stream.read_exact(&mut asked.body).await.ok()?;
    Some(asked)
}
