//! Mastodon's own folder, where it is at hand: its version, and the migrations that its release has.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use super::Environment;

/// A file of Mastodon's that is read here has some KB.
const LARGEST: u64 = 256 << 10;

/// A release has some 500.
const MOST_MIGRATIONS: usize = 10_000;

/// What `lib/mastodon/version.rb`, `.git` and the folders of migrations say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installation {
    /// Such as `4.5.11`, with what a fork adds: `4.5.0-beta.1+glitch`.
    pub version: Option<String>,
    pub commit: Option<String>,
    /// Versions of the release's migrations, sorted; empty where its folders are not there.
    pub migrations: Vec<String>,
}

impl Installation {
    /// Never fails: what can't be read isn't known.
    #[must_use]
    pub fn read(root: &Path, environment: &Environment) -> Self {
        let version = text(&root.join("lib/mastodon/version.rb")).and_then(|it| version(&it, environment));
        let mut migrations: Vec<_> = ["db/migrate", "db/post_migrate"].into_iter().flat_map(|it| migrations(&root.join(it))).collect();
        migrations.sort_unstable();
        Self { version, commit: commit(&root.join(".git")), migrations }
    }

    /// Whether all of the release's migrations have run, the post-deployment ones, too; absent where the release is not known.
    #[must_use]
    pub fn complete(&self, migrated: &[String]) -> Option<bool> {
        (!self.migrations.is_empty()).then(|| self.migrations.iter().all(|it| migrated.contains(it)))
    }
}

fn text(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// As `Mastodon::Version.to_s` puts it together (UP:lib/mastodon/version.rb).
fn version(ruby: &str, environment: &Environment) -> Option<String> {
    let number = |method| returned(ruby, method).filter(|it| it.len() <= 5 && it.bytes().all(|it| it.is_ascii_digit()));
    let mut version = format!("{}.{}.{}", number("major")?, number("minor")?, number("patch")?);
    let part = |name, method| environment.get(name).or_else(|| returned(ruby, method)).filter(|it| is_part(it));
    for (before, part) in [
        ("-", part("MASTODON_VERSION_PRERELEASE", "default_prerelease")),
        ("+", part("MASTODON_VERSION_METADATA", "build_metadata")),
        // Before 4.2.
        ("", returned(ruby, "flags").filter(|it| is_part(it))),
        ("", returned(ruby, "suffix").filter(|it| is_part(it))),
    ] {
        if let Some(part) = part {
            version = version + before + part;
        }
    }
    Some(version)
}

/// The number that is the method's body, or the first literal in it.
fn returned<'a>(ruby: &'a str, method: &str) -> Option<&'a str> {
    let after = ruby.split_once(&format!("def {method}\n"))?.1;
    let body = after.split_once("\n    end").map_or(after, |(body, _)| body).trim();
    if body.bytes().all(|it| it.is_ascii_digit()) {
        return Some(body);
    }
    // Not the name of an environment variable, nor what parts are joined with.
    let literals = body.split('\'').skip(1).step_by(2);
    literals
        .into_iter()
        .find(|it| it.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '+') && !it.starts_with("MASTODON_VERSION"))
}

fn is_part(text: &str) -> bool {
    (1..=60).contains(&text.len()) && text.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '+' | '_'))
}

fn migrations(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.take(MOST_MIGRATIONS).filter_map(|it| it.ok()?.file_name().into_string().ok());
    let version = |name: String| {
        let (version, rest) = name.split_once('_')?;
        (rest.ends_with(".rb") && version.len() == 14 && version.bytes().all(|it| it.is_ascii_digit())).then(|| version.to_owned())
    };
    names.filter_map(version).collect()
}

/// Of a clone, as the documentation has it made.
fn commit(git: &Path) -> Option<String> {
    let head = text(&git.join("HEAD"))?;
    let Some(name) = head.trim().strip_prefix("ref: ") else { return hash(&head) };
    if name.split('/').any(|it| matches!(it, "" | "." | "..")) {
        return None;
    }
    let packed = || text(&git.join("packed-refs"))?.lines().find_map(|it| it.strip_suffix(name)?.strip_suffix(' ').and_then(hash));
    text(&git.join(name)).and_then(|it| hash(&it)).or_else(packed)
}

fn hash(text: &str) -> Option<String> {
    let text = text.trim();
    (text.len() == 40 && text.bytes().all(|it| it.is_ascii_hexdigit())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn method(name: &str, body: &str) -> String {
        format!("    def {name}\n      {body}\n    end\n\n")
    }

    #[test]
    fn a_version_is_put_together_as_mastodon_does() {
        let numbers = method("major", "4") + &method("minor", "5") + &method("patch", "11");
        let metadata = method("build_metadata", "[\n        ENV.fetch('MASTODON_VERSION_METADATA', nil),\n      ].compact_blank.join('.')");
        let glitch = method("build_metadata", "['glitch', ENV.fetch('MASTODON_VERSION_METADATA', nil)].compact_blank.join('.')");
        let of_glitch = method("build_metadata", "ENV['MASTODON_VERSION_METADATA'].presence || 'glitch'");
        let old = method("flags", "''") + &method("suffix", "'+hometown-1.1'");
        for (ruby, set, expected) in [
            (numbers.clone(), "", Some("4.5.11")),
            (numbers.clone() + &method("default_prerelease", "'beta.1'"), "", Some("4.5.11-beta.1")),
            (numbers.clone() + &method("default_prerelease", "''"), "MASTODON_VERSION_PRERELEASE=rc.1", Some("4.5.11-rc.1")),
            (numbers.clone() + &metadata, "MASTODON_VERSION_METADATA=own", Some("4.5.11+own")),
            (numbers.clone() + &metadata, "", Some("4.5.11")),
            (numbers.clone() + &glitch, "", Some("4.5.11+glitch")),
            (numbers.clone() + &of_glitch, "", Some("4.5.11+glitch")),
            (numbers.clone() + &old, "", Some("4.5.11+hometown-1.1")),
            (method("major", "4"), "", None),
            (method("major", "system('x')") + &method("minor", "5") + &method("patch", "1"), "", None),
        ] {
            let environment = Environment::from_dotenv(set, &|_| None);
            assert_eq!(version(&ruby, &environment).as_deref(), expected, "{ruby}");
        }
    }

    #[test]
    fn a_clone_tells_its_commit_and_its_migrations() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let environment = Environment::default();
        assert_eq!(Installation::read(root, &environment), Installation::default());
        assert_eq!(Installation::default().complete(&[]), None);
        let commit = "0123456789abcdef0123456789abcdef01234567";
        write(root, ".git/HEAD", "ref: refs/heads/main\n");
        write(root, ".git/packed-refs", &format!("# pack-refs with: peeled\n{commit} refs/heads/main\n"));
        write(root, "db/migrate/20160220174730_create_accounts.rb", "");
        write(root, "db/post_migrate/20200917193528_migrate.rb", "");
        write(root, "db/migrate/notes.txt", "");
        let installation = Installation::read(root, &environment);
        assert_eq!(installation.commit.as_deref(), Some(commit));
        let all = ["20160220174730".to_owned(), "20200917193528".to_owned()];
        assert_eq!(installation.migrations, all);
        assert_eq!((installation.complete(&all), installation.complete(&all[..1])), (Some(true), Some(false)));
        write(root, ".git/HEAD", "ref: ../../etc/passwd\n");
        assert_eq!(Installation::read(root, &environment).commit, None);
        write(root, ".git/HEAD", commit);
        assert_eq!(Installation::read(root, &environment).commit.as_deref(), Some(commit));
    }
}
