//! `restore.sh` of a bundle, in a root that has Debian's tools and nothing of ours: coreutils, sed, grep, age, and PostgreSQL's clients.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use howdah_bundle::seal::{Phrase, RecoveryKey, WorkFactor};
use secrecy::ExposeSecret as _;

use crate::database::{content, forget, psql, server};
use crate::server::{Server, ran, text};

const TOOLS: [&str; 12] = ["sh", "cat", "sed", "grep", "sha256sum", "id", "mkdir", "cp", "chmod", "mv", "rm", "age"];
const CLIENTS: [&str; 3] = ["psql", "pg_restore", "createdb"];

/// Only its own `/usr/bin`, with the libraries that these programs are linked to.
struct Root<'a>(&'a Path);

impl Root<'_> {
    fn fill(&self) {
        for folder in ["tmp", "dev"] {
            fs::create_dir_all(self.0.join(folder)).unwrap();
        }
        // The script only writes to it.
        fs::write(self.0.join("dev/null"), "").unwrap();
        let version: u32 = psql(&server(), "SHOW server_version_num").parse().unwrap();
        let clients = PathBuf::from(format!("/usr/lib/postgresql/{}/bin", version / 10_000));
        // Not by Debian's wrappers of them, which want Perl.
        let clients = CLIENTS.map(|it| clients.join(it));
        for program in TOOLS.map(on_path).into_iter().chain(clients) {
            self.take(&program, &Path::new("/usr/bin").join(program.file_name().unwrap()));
            // `linux-vdso` has no file; the loader no arrow.
            for line in text(&ran(Command::new("ldd").arg(&program)).stdout).lines() {
                let library = line.split_once("=> ").map_or(line, |it| it.1).split_whitespace().next().unwrap_or_default();
                if library.starts_with('/') {
                    self.take(Path::new(library), Path::new(library));
                }
            }
        }
    }

    fn take(&self, from: &Path, to: &Path) {
        let to = self.0.join(to.strip_prefix("/").unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }

    /// `restore.sh` in the bundle's folder, by somebody who may make databases.
    fn script(&self, args: &[&str]) -> Command {
        let is_root = text(&ran(Command::new("id").arg("-u")).stdout).trim() == "0";
        let mut script = Command::new(if is_root { "chroot" } else { "unshare" });
        if !is_root {
            script.args(["--map-root-user", "chroot"]);
        }
        script.arg(self.0).args(["/usr/bin/sh", "-c", r#"cd /bundle && exec /usr/bin/sh restore.sh "$@""#, "sh"]).args(args);
        let url = server();
        script.env_clear().env("PATH", "/usr/sbin:/usr/bin").env("HOME", "/tmp").env("PGHOST", url.host_str().unwrap());
        script.env("PGPORT", url.port().unwrap_or(5432).to_string()).env("PGUSER", url.username());
        script.envs(url.password().map(|it| ("PGPASSWORD", it)));
        script
    }
}

fn on_path(program: &str) -> PathBuf {
    let found = text(&ran(Command::new("sh").args(["-c", r#"command -v "$1""#, "sh", program])).stdout);
    PathBuf::from(found.trim())
}

/// What the script makes goes with the test, however it ends.
struct Made(String);

impl Drop for Made {
    fn drop(&mut self) {
        forget(&self.0);
    }
}

#[test]
fn a_server_comes_back_by_stock_tools_alone() {
    let mastodon = Server::new();
    let folder = tempfile::tempdir().unwrap();
    let root = Root(folder.path());
    root.fill();
    ran(&mut mastodon.create(&folder.path().join("bundle")));
    fs::copy(mastodon.at("key.txt"), folder.path().join("key.txt")).unwrap();
    fs::create_dir_all(folder.path().join("live/public")).unwrap();
    let made = Made(format!("howdah_stock_{}", std::process::id()));
    let known = format!("SELECT count(*) FROM pg_database WHERE datname = '{}'", made.0);
    let options = ["--database", &made.0, "--role", &made.0, "--live", "/live", "--identity", "/key.txt"];

    let checked = ran(&mut root.script(&["--check"]));
    assert!(text(&checked.stdout).contains("Everything is as it was."), "{}", text(&checked.stdout));

    // A file that is not what it was: nothing is begun.
    for file in ["env/.env.production", "media/accounts/avatars/000/000/007/original/a.png"] {
        let path = folder.path().join("bundle").join(file);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[1..], b"x"].concat()).unwrap();
        let refused = root.script(&options).output().unwrap();
        assert!(!refused.status.success() && text(&refused.stderr).contains("fetch the bundle again"), "{file}: {}", text(&refused.stderr));
        assert!(text(&refused.stdout).contains(file), "{}", text(&refused.stdout));
        assert_eq!(psql(&server(), &known), "0");
        fs::write(&path, whole).unwrap();
    }

    ran(&mut root.script(&options));
    let mut url = server();
    url.set_path(&made.0);
    assert_eq!(content(&url), mastodon.database.content());
    let owner = format!("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner <> '{}'", made.0);
    assert_eq!(psql(&url, &owner), "0");
    assert!(mastodon.media_is_in(&folder.path().join("live/public/system")));
    let environment = folder.path().join("live/.env.production");
    assert_eq!(fs::metadata(&environment).unwrap().permissions().mode() & 0o777, 0o600);
    let environment = fs::read_to_string(environment).unwrap();
    for line in ["LOCAL_DOMAIN=a.example", "VAPID_PRIVATE_KEY=private", "OTP_SECRET=otp"] {
        assert!(environment.lines().any(|it| it == line), "{line} is not in\n{environment}");
    }

    let again = root.script(&options).output().unwrap();
    assert!(text(&again.stderr).contains("is there already"), "{}", text(&again.stderr));
    fs::remove_file(folder.path().join("live/.env.production")).unwrap();
    let again = root.script(&options).output().unwrap();
    assert!(text(&again.stderr).contains("tables already"), "{}", text(&again.stderr));
    assert_eq!(content(&url), mastodon.database.content());
}

/// By its recovery phrase alone, typed where the stock `age` asks for a passphrase.
#[test]
fn the_stock_age_opens_a_bundle_by_its_recovery_phrase() {
    let mastodon = Server::new();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("bundle");
    let phrase = Phrase::of([11; 24]).passphrase();
    let (key, public) = RecoveryKey::make(&phrase, WorkFactor::RANDOM).unwrap();
    ran(mastodon.create(&at).args(["--recipient", &public, "--recovery-key", &key.to_base64()]));

    // It asks at a terminal.
    let opens = "age -d -i env/recovery-key.age -o secrets.env env/secrets.env.age";
    let mut asked = Command::new("script");
    asked.args(["-qec", opens, "/dev/null"]).current_dir(&at).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut opening = asked.spawn().unwrap();
    writeln!(opening.stdin.take().unwrap(), "{}", phrase.expose_secret()).unwrap();
    let opened = opening.wait_with_output().unwrap();
    assert!(opened.status.success(), "{}", text(&opened.stdout));
    let secrets = fs::read_to_string(at.join("secrets.env")).unwrap();
    assert!(secrets.lines().any(|it| it == "VAPID_PRIVATE_KEY=private"), "{secrets}");
    assert!(fs::read_to_string(at.join("RESTORE.md")).unwrap().contains("age -d -i env/recovery-key.age"));
}
