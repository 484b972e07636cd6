//! The object store: SeaweedFS with S3 and its IAM API on one port.

use std::{fs, net::TcpStream, path::PathBuf, process::Command};

use anyhow::{Result, ensure};
use serde_json::json;

use super::{
    Stack,
    howdah::write_secret,
    ingress,
    postgres::{CONTROL_PORT, S3_USERS},
    tools::Tools,
};
use crate::shell;

pub const PORT: u16 = 8333;
pub const REGION: &str = "us-east-1";
pub const ACCESS_KEY: &str = "howdah-admin";
pub const SECRET_KEY: &str = "howdah-admin-secret";
/// Of the control plane, which lists, links and deletes exports.
pub const CONTROL_PLANE_KEY: &str = "howdah-control-plane";
const CONTROL_PLANE_SECRET: &str = "howdah-control-plane-secret";
/// Where exports that are kept lie.
pub const BUNDLES: &str = "howdah-bundles";
const MASTER: &str = "127.0.0.1:9333";
/// It keeps sockets in /tmp, named by port, by which its parts find each other: with a /tmp shared with another stack's they find that one's.
/// So it has a /tmp of its own, and sees its folder, which may lie in the other one, at /mnt.
const OWN_TMP: &str = r#"mount --bind . /mnt && mount -t tmpfs tmpfs /tmp && cd /mnt && exec "$@""#;

/// In its own files a change of one user takes longer with every other: seconds with two hundred.
fn users_in_postgres() -> String {
    format!(
        "[credential.postgres]\nenabled = true\nhostname = \"127.0.0.1\"\nport = {CONTROL_PORT}\nusername = \"postgres\"\npassword = \"\"\n\
         database = \"{S3_USERS}\"\nschema = \"public\"\nsslmode = \"disable\"\n"
    )
}

impl Stack {
    pub fn s3_endpoint(&self) -> String {
        format!("http://{}:{PORT}", self.ip)
    }

    pub fn start_s3(&self, tools: &Tools) -> Result<()> {
        fs::create_dir_all(self.dir("s3"))?;
        let identity = json!({
            "name": "admin",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        });
        let of_bundles = ["Read", "List", "Write"].map(|it| format!("{it}:{BUNDLES}"));
        let control_plane = json!({
            "name": "control-plane",
            "credentials": [{"accessKey": CONTROL_PLANE_KEY, "secretKey": CONTROL_PLANE_SECRET}],
            "actions": of_bundles,
        });
        fs::write(self.dir("s3/config.json"), json!({ "identities": [identity, control_plane] }).to_string())?;
        write_secret(&self.control_plane_secret(), CONTROL_PLANE_SECRET)?;
        fs::write(self.dir("s3/credential.toml"), users_in_postgres())?;
        let mut weed = Command::new("unshare");
        weed.args(["--mount", "--propagation", "private", "sh", "-c", OWN_TMP, "sh"]).arg(tools.python("weed"));
        weed.args(["-logtostderr", "server", &format!("-s3.ip.bind={}", self.ip), &format!("-s3.port={PORT}")]);
        weed.args([
            "-dir=/mnt",
            "-s3.config=/mnt/config.json",
            "-ip=127.0.0.1", // its own parts among themselves
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
            "-s3.iam.readOnly=false",
            "-s3.autoCreateBucket=false",
            // Whose pages put files there: an import's.
            &format!("-s3.allowedOrigins=https://{}", ingress::DASHBOARD),
            "-volume.port=18080", // by default the one of Howdah's server
            "-volume.max=3000",   // every bucket takes several
            "-master.volumeSizeLimitMB=128",
            "-master.telemetry=false",
        ]);
        self.start("s3", weed.current_dir(self.dir("s3")))
    }

    /// A file with the control plane's secret.
    pub fn control_plane_secret(&self) -> PathBuf {
        self.dir("s3/control-plane-secret")
    }

    /// It answers before it can store: its filer comes last.
    pub fn await_s3(&self, tools: &Tools) -> Result<()> {
        self.wait("s3", || {
            [(self.ip.as_str(), PORT), ("127.0.0.1", 8888), ("127.0.0.1", 18080)].iter().all(|address| TcpStream::connect(address).is_ok())
        })?;
        self.make_bundle_bucket(tools)
    }

    /// What an installation brings along: tenants' buckets are the operator's to make, and this one is not.
    fn make_bundle_bucket(&self, tools: &Tools) -> Result<()> {
        let mut weed = Command::new(tools.python("weed"));
        let commands = format!("s3.bucket.create -name {BUNDLES}\ns3.bucket.list\n");
        // It says of a command that failed so, and ends well.
        let told = shell::with_input(weed.args(["shell", &format!("-master={MASTER}")]), &commands)?;
        ensure!(told.lines().any(|line| line.split_whitespace().next() == Some(BUNDLES)), "the bucket {BUNDLES} was not made: {told}");
        Ok(())
    }
}
