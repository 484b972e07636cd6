//! Debian's chromium and its driver: one of each for a test, with a home of their own that trusts the stack's CA and nothing else
//! of the machine's.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use howdah_acceptance::Stack;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use howdah_acceptance::wait::seconds;

/// As root, without a screen, and without a wish to talk to its makers.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// Ends, with its browser, when it is dropped.
#[derive(Debug)]
pub struct Driver {
    pub url: String,
    home: TempDir,
    _process: Child,
}

impl Driver {
    pub async fn start(stack: &Stack) -> Result<Self> {
        let home = tempfile::tempdir()?;
        trust(home.path(), &stack.ca_cert).await?;
        // Processes of its own: when their first one ends, the kernel ends them all; and it ends with the test, however that ends.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "chromedriver", "--port=0"])
            .env("HOME", home.path())
            .env("TMPDIR", home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().context("setpriv, unshare")?;
        let mut lines = BufReader::new(process.stdout.take().context("piped")?).lines();
        let port = timeout(seconds(20), async {
            while let Some(line) = lines.next_line().await? {
                if let Some(port) = line.trim_end_matches('.').strip_prefix("ChromeDriver was started successfully on port ") {
                    return Ok(port.parse::<u16>()?);
                }
            }
            anyhow::bail!("chromedriver ended: is Debian's chromium-driver installed?")
        });
        let port = port.await.context("chromedriver did not start in 20 s")??;
        // What it says later is read, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { url: format!("http://127.0.0.1:{port}"), home, _process: process })
    }

    /// What a session of it is asked to be.
    pub fn wanted(&self, stack: &Stack, scripts: bool) -> Result<Value> {
        let mut arguments: Vec<String> = FLAGS.iter().map(|it| (*it).to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", self.home.path().join("profile").display()));
        // Chromium takes every name below `localhost` for the loopback; all others are looked up in the stack's DNS.
        arguments.push(format!("--host-resolver-rules=MAP *.localhost {}", stack.ip()?));
        let mut preferences = json!({"credentials_enable_service": false, "profile.password_manager_leak_detection": false});
        if !scripts {
            preferences["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        Ok(json!({
            "browserName": "chrome",
            "acceptInsecureCerts": false,
            "timeouts": {"pageLoad": 30_000, "script": 30_000, "implicit": 0},
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
            "goog:chromeOptions": {"args": arguments, "prefs": preferences},
        }))
    }
}

/// Its NSS database is where chromium looks for authorities besides its own.
async fn trust(home: &Path, authority: &Path) -> Result<()> {
    let folder = home.join(".pki/nssdb");
    tokio::fs::create_dir_all(&folder).await?;
    let database = format!("sql:{}", folder.display());
    let authority = authority.display().to_string();
    certutil(&["-N", "-d", &database, "--empty-password"]).await?;
    certutil(&["-A", "-d", &database, "-n", "stack", "-t", "C,,", "-i", &authority]).await
}

async fn certutil(words: &[&str]) -> Result<()> {
    let output = Command::new("certutil").args(words).output().await.context("certutil, of Debian's libnss3-tools")?;
    ensure!(output.status.success(), "certutil {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
