//! The worker's flags.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use howdah_app::adapters::mail::{LettreMailer, Protection, Smtp};
use howdah_app::adapters::outside::{OutsideSettings, PublicOutside};
use howdah_app::worker::WorkerSettings;

use super::control_plane::ControlPlaneArgs;
use super::metrics::MetricsListen;
use super::{client_config, read_secret};

#[derive(Args)]
pub struct WorkerArgs {
    #[command(flatten)]
    pub control_plane: ControlPlaneArgs,
    /// A cluster by the name of its row and its kubeconfig, `main=/etc/howdah/main.kubeconfig`; several share one by name.
    #[arg(long = "cluster", env = "HOWDAH_CLUSTERS", value_delimiter = ',', required = true)]
    clusters: Vec<String>,
    #[command(flatten)]
    mail: MailArgs,
    #[command(flatten)]
    outside: OutsideArgs,
    /// Between two looks at what time has brought.
    #[arg(long, env = "HOWDAH_TICK", default_value = "1min", value_parser = humantime::parse_duration)]
    tick: Duration,
    /// Between two syncs of everything.
    #[arg(long, env = "HOWDAH_RESYNC", default_value = "10min", value_parser = humantime::parse_duration)]
    resync: Duration,
    /// Between two looks for the proof of a domain.
    #[arg(long, env = "HOWDAH_PROOF_INTERVAL", default_value = "1min", value_parser = humantime::parse_duration)]
    proof_interval: Duration,
    /// How long a server keeps an own domain that nobody proves, before it is closed.
    #[arg(long, env = "HOWDAH_UNPROVEN_FOR", default_value = "14d", value_parser = humantime::parse_duration)]
    unproven_for: Duration,
    /// Jobs at a time.
    #[arg(long, env = "HOWDAH_JOBS", default_value_t = 16)]
    jobs: usize,
    /// Where Prometheus is answered, or `off`. Of several workers on one host each needs an address of its own.
    #[arg(long, env = "HOWDAH_METRICS_LISTEN", default_value = "127.0.0.1:9101")]
    pub metrics_listen: MetricsListen,
}

impl WorkerArgs {
    pub fn settings(&self) -> anyhow::Result<WorkerSettings> {
        let unproven_domain = TimeDelta::from_std(self.proof_interval).context("--proof-interval is too long")?;
        let unproven_for = TimeDelta::from_std(self.unproven_for).context("--unproven-for is too long")?;
        let (tick, resync, concurrency) = (self.tick, self.resync, self.jobs);
        Ok(WorkerSettings { tick, resync, unproven_domain, unproven_for, concurrency, ..WorkerSettings::default() })
    }

    pub async fn clients(&self) -> anyhow::Result<Vec<(String, kube::Client)>> {
        let mut clients = Vec::new();
        for text in &self.clusters {
            let (name, path) = text.split_once('=').with_context(|| format!("--cluster {text}: write NAME=KUBECONFIG"))?;
            let config = client_config(&PathBuf::from(path)).await?;
            clients.push((name.to_owned(), kube::Client::try_from(config)?));
        }
        Ok(clients)
    }

    pub fn mailer(&self) -> anyhow::Result<LettreMailer> {
        self.mail.mailer()
    }

    pub fn outside(&self) -> anyhow::Result<PublicOutside> {
        let extra_ca =
            self.outside.extra_ca.as_ref().map(|path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display())));
        Ok(PublicOutside::new(&OutsideSettings {
            resolvers: self.outside.resolvers.clone(),
            ingress_addresses: self.control_plane.ingress_addresses.clone(),
            extra_ca: extra_ca.transpose()?,
        })?)
    }
}

/// The platform's own mails.
#[derive(Args)]
struct MailArgs {
    /// The sender, `Howdah <howdah@example.org>`.
    #[arg(long, env = "HOWDAH_MAIL_FROM")]
    mail_from: String,
    #[arg(long, env = "HOWDAH_MAIL_SERVER", required_unless_present = "mail_folder")]
    mail_server: Option<String>,
    #[arg(long, env = "HOWDAH_MAIL_PORT", default_value_t = 587)]
    mail_port: u16,
    #[arg(long, env = "HOWDAH_MAIL_TLS", value_enum, default_value_t = MailTls::StartTls)]
    mail_tls: MailTls,
    #[arg(long, env = "HOWDAH_MAIL_LOGIN", requires = "mail_password_file")]
    mail_login: Option<String>,
    #[arg(long, env = "HOWDAH_MAIL_PASSWORD_FILE")]
    mail_password_file: Option<PathBuf>,
    /// Write mails into this folder instead of sending them.
    #[arg(long, env = "HOWDAH_MAIL_FOLDER", conflicts_with = "mail_server")]
    mail_folder: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum MailTls {
    None,
    StartTls,
    Tls,
}

impl MailArgs {
    fn mailer(&self) -> anyhow::Result<LettreMailer> {
        if let Some(folder) = &self.mail_folder {
            return Ok(LettreMailer::files(folder, &self.mail_from)?);
        }
        let password = self.mail_password_file.as_deref().map(read_secret).transpose()?;
        let relay = Smtp {
            host: self.mail_server.clone().context("give --mail-server or --mail-folder")?,
            port: self.mail_port,
            protection: match self.mail_tls {
                MailTls::None => Protection::None,
                MailTls::StartTls => Protection::StartTls,
                MailTls::Tls => Protection::Tls,
            },
            login: self.mail_login.clone().zip(password.map(Into::into)),
        };
        Ok(LettreMailer::smtp(&relay, &self.mail_from)?)
    }
}

/// How the worker looks at servers from outside.
#[derive(Args)]
struct OutsideArgs {
    /// Recursive resolvers that see what the public sees; without any, this machine's own.
    #[arg(long = "resolver", env = "HOWDAH_RESOLVERS", value_delimiter = ',')]
    resolvers: Vec<SocketAddr>,
    /// Certificates in PEM that are trusted besides the public ones.
    #[arg(long, env = "HOWDAH_EXTRA_CA_FILE")]
    extra_ca: Option<PathBuf>,
}
