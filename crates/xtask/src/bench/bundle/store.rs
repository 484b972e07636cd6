//! SeaweedFS, and the programs that bring files to it and from it.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::{places::Places, progress::Progress, shell, stack};

const PORT: u16 = 18_333;
const MASTER_PORT: u16 = 19_333;
const FILER_PORT: u16 = 18_888;
const VOLUME_PORT: u16 = 18_082;
const METRICS_PORT: u16 = 19_327;
const REGION: &str = "us-east-1";
const KEY: &str = "howdah-bench";
const SECRET: &str = "howdah-bench-secret";
/// As the stack's: its parts find each other by sockets in /tmp.
const OWN_TMP: &str = r#"mount --bind . /mnt && mount -t tmpfs tmpfs /tmp && cd /mnt && exec "$@""#;

pub struct Store {
    server: Child,
    s5cmd: PathBuf,
    folder: PathBuf,
}

impl Store {
    pub fn start(places: &Places, progress: Progress, folder: &Path) -> Result<Self> {
        let python = stack::python(places, progress)?;
        let s5cmd = s5cmd(&python)?;
        fs::create_dir_all(folder)?;
        let identity = json!({
            "name": "bench",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        });
        fs::write(folder.join("config.json"), json!({ "identities": [identity] }).to_string())?;
        let rclone = format!(
            "[store]\ntype = s3\nprovider = Other\nendpoint = {}\nregion = {REGION}\naccess_key_id = {KEY}\nsecret_access_key = {SECRET}\n",
            endpoint()
        );
        fs::write(folder.join("rclone.conf"), rclone)?;
        let log = fs::File::create(folder.join("log"))?;
        let mut weed = Command::new("unshare");
        weed.args(["--mount", "--propagation", "private", "sh", "-c", OWN_TMP, "sh"]).arg(python.join("bin/weed"));
        weed.args(["-logtostderr", "server", "-dir=/mnt", "-s3", "-s3.config=/mnt/config.json", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]);
        weed.args([format!("-s3.port={PORT}"), format!("-master.port={MASTER_PORT}"), format!("-filer.port={FILER_PORT}")]);
        weed.args([format!("-volume.port={VOLUME_PORT}"), format!("-metricsPort={METRICS_PORT}")]);
        weed.args(["-volume.max=1000", "-master.volumeSizeLimitMB=512", "-master.telemetry=false"]);
        let server = weed.current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut store = Self { server, s5cmd, folder: folder.to_owned() };
        progress.quiet("SeaweedFS", || store.wait())?;
        Ok(store)
    }

    fn wait(&mut self) -> Result<()> {
        let begun = Instant::now();
        // Its last part can store once the volume server is known.
        while [PORT, FILER_PORT, VOLUME_PORT].iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err())
            || self.make("first").is_err()
        {
            if let Some(status) = self.server.try_wait()? {
                bail!("SeaweedFS ended ({status}): see {}", self.folder.join("log").display());
            }
            if begun.elapsed() > Duration::from_secs(60) {
                bail!("SeaweedFS does not answer after 60 s");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// An empty bucket.
    pub fn make(&self, bucket: &str) -> Result<()> {
        shell::output(self.s5cmd().args(["mb", &format!("s3://{bucket}")])).map(drop)
    }

    pub fn remove(&self, bucket: &str) -> Result<()> {
        shell::output(self.rclone().args(["purge", &format!("store:{bucket}")])).map(drop)
    }

    pub fn rclone(&self) -> Command {
        let mut rclone = Command::new("rclone");
        rclone.arg("--config").arg(self.folder.join("rclone.conf"));
        rclone
    }

    pub fn s5cmd(&self) -> Command {
        let mut s5cmd = Command::new(&self.s5cmd);
        s5cmd.args(["--endpoint-url", &endpoint(), "--log", "error"]);
        as_bench(&mut s5cmd);
        s5cmd
    }

    /// What Mastodon's environment says of a bucket here.
    pub fn environment(&self, bucket: &str) -> String {
        format!(
            "S3_ENABLED=true\nS3_BUCKET={bucket}\nS3_REGION={REGION}\nS3_ENDPOINT={}\nS3_PROTOCOL=http\nS3_HOSTNAME=127.0.0.1:{PORT}\n\
             AWS_ACCESS_KEY_ID={KEY}\nAWS_SECRET_ACCESS_KEY={SECRET}\n",
            endpoint()
        )
    }

    /// HEAD requests so far.
    pub fn heads(&self) -> Result<f64> {
        let url = format!("http://127.0.0.1:{METRICS_PORT}/metrics");
        let text = shell::output(Command::new("curl").args(["-sS", "--fail", &url]))?;
        let is_head = |line: &&str| line.starts_with("SeaweedFS_s3_request_total{") && line.contains(r#"type="HEAD"#);
        let count = |line: &str| line.rsplit(' ').next().and_then(|it| it.parse::<f64>().ok()).context("a counter of SeaweedFS'");
        text.lines().filter(is_head).map(count).sum()
    }
}

/// The program that the package brings, and not Python's way to it.
fn s5cmd(python: &Path) -> Result<PathBuf> {
    let mut versions = fs::read_dir(python.join("lib"))?.filter_map(|it| Some(it.ok()?.path().join("site-packages/s5cmd/bin/s5cmd")));
    versions.find(|it| it.is_file()).with_context(|| format!("no s5cmd below {}", python.display()))
}

pub fn endpoint() -> String {
    format!("http://127.0.0.1:{PORT}")
}

/// What S3 clients read.
pub fn as_bench(command: &mut Command) {
    command.env("AWS_ENDPOINT_URL", endpoint()).env("AWS_REGION", REGION);
    command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET);
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
