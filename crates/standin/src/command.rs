//! What was asked for: the command lines of Mastodon's own documentation and charts, parsed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::fill::Amounts;

/// Queues of `config/sidekiq.yml`, heaviest first (UP:config/sidekiq.yml).
pub const ALL_QUEUES: [&str; 7] = ["default", "push", "ingress", "mailers", "pull", "scheduler", "fasp"];

#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Web,
    Streaming,
    Sidekiq(SidekiqOptions),
    DbPrepare,
    DbSchemaLoad,
    DbMigrate,
    Runner(Vec<String>),
    Tootctl(Call),
    Fill(Amounts),
    Neighbour(NeighbourOptions),
    /// With another server's inbox.
    ReachOut(String),
}

#[derive(Debug, PartialEq, Eq)]
pub struct SidekiqOptions {
    pub concurrency: usize,
    pub queues: Vec<String>,
}

/// Another server of the fediverse, for tests: it takes deliveries and counts them.
#[derive(Debug, PartialEq, Eq)]
pub struct NeighbourOptions {
    pub listen: SocketAddr,
    pub tls: Option<(PathBuf, PathBuf)>,
}

/// A `tootctl` call: words, then options as Thor reads them (`--email E`, `--email=E`, `--confirmed`).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Call {
    pub words: Vec<String>,
    pub options: BTreeMap<String, String>,
}

impl Call {
    pub fn has(&self, option: &str) -> bool {
        self.options.contains_key(option)
    }

    pub fn value(&self, option: &str) -> Option<&str> {
        self.options.get(option).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    #[error("the stand-in does not know the command `{0}`")]
    Unknown(String),
    #[error("`{option}` wants {wants}")]
    Option { option: String, wants: &'static str },
}

impl Command {
    /// `arguments[0]` is the name it was called by, a path maybe. Called by its own name, the command line follows it.
    pub fn parse(arguments: &[String]) -> Result<Self, Misuse> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let name = words.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let rest = words.get(1..).unwrap_or_default();
        Self::parse_named(name, rest)
    }

    fn parse_named(name: &str, rest: &[&str]) -> Result<Self, Misuse> {
        match (name, rest) {
            ("howdah-standin", ["inbox", options @ ..]) => neighbour(options),
            ("howdah-standin", ["fill", options @ ..]) => fill(options),
            ("howdah-standin", ["reach-out", "--inbox", inbox]) => Ok(Self::ReachOut((*inbox).to_owned())),
            ("howdah-standin" | "tini", [dashes, program, rest @ ..]) if *dashes == "--" => Self::parse_named(base(program), rest),
            ("howdah-standin", [program, rest @ ..]) => Self::parse_named(base(program), rest),
            ("bundle", ["exec", program, rest @ ..]) => Self::parse_named(base(program), rest),
            ("puma", _) | ("rails", ["server" | "s", ..]) => Ok(Self::Web),
            ("node", [script, ..]) if script.trim_start_matches("./").starts_with("streaming") => Ok(Self::Streaming),
            ("sidekiq", options) => sidekiq(options),
            ("rake" | "rails", ["db:prepare" | "db:setup", ..]) => Ok(Self::DbPrepare),
            ("rake" | "rails", ["db:schema:load", ..]) => Ok(Self::DbSchemaLoad),
            ("rake" | "rails", ["db:migrate", ..]) => Ok(Self::DbMigrate),
            ("rails", ["runner" | "r", script @ ..]) if !script.is_empty() => {
                Ok(Self::Runner(script.iter().map(ToString::to_string).collect()))
            }
            ("tootctl", words) => Ok(Self::Tootctl(call(words))),
            _ => Err(Misuse::Unknown([&[name], rest].concat().join(" "))),
        }
    }
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn sidekiq(options: &[&str]) -> Result<Command, Misuse> {
    let mut concurrency = 5;
    let mut queues = Vec::new();
    let mut words = options.iter();
    while let Some(option) = words.next() {
        let mut value = |wants| words.next().ok_or_else(|| Misuse::Option { option: (*option).to_owned(), wants });
        match *option {
            "-c" | "--concurrency" => {
                let number = value("a number of threads")?;
                concurrency = number.parse().map_err(|_| Misuse::Option { option: (*option).to_owned(), wants: "a number of threads" })?;
            }
            // `-q push,6` gives a weight; the order is enough here.
            "-q" | "--queue" => queues.push(value("a queue's name")?.split(',').next().unwrap_or_default().to_owned()),
            "-C" | "--config" | "-t" | "--timeout" | "-e" | "--environment" | "-r" | "--require" => drop(value("a value")?),
            _ => return Err(Misuse::Unknown(format!("sidekiq {option}"))),
        }
    }
    if queues.is_empty() {
        queues = ALL_QUEUES.map(str::to_owned).to_vec();
    }
    Ok(Command::Sidekiq(SidekiqOptions { concurrency, queues }))
}

fn neighbour(options: &[&str]) -> Result<Command, Misuse> {
    let mut listen = None;
    let (mut certificate, mut key) = (None, None);
    for pair in options.chunks(2) {
        let [option, value] = pair else {
            return Err(Misuse::Option { option: pair.concat(), wants: "a value" });
        };
        match *option {
            "--listen" => {
                let address = value.parse().map_err(|_| Misuse::Option { option: "--listen".into(), wants: "an address and a port" })?;
                listen = Some(address);
            }
            "--tls-cert" => certificate = Some(PathBuf::from(value)),
            "--tls-key" => key = Some(PathBuf::from(value)),
            _ => return Err(Misuse::Unknown(format!("inbox {option}"))),
        }
    }
    let listen = listen.ok_or(Misuse::Option { option: "--listen".into(), wants: "an address and a port" })?;
    Ok(Command::Neighbour(NeighbourOptions { listen, tls: certificate.zip(key) }))
}

fn fill(options: &[&str]) -> Result<Command, Misuse> {
    let mut amounts = Amounts { accounts: 50, statuses: 5_000, media: 2_000, seed: 1 };
    for pair in options.chunks(2) {
        let option = pair.first().copied().unwrap_or_default();
        let number = pair.get(1).and_then(|value| value.parse().ok());
        let number = number.ok_or(Misuse::Option { option: option.to_owned(), wants: "a number" })?;
        match option {
            "--accounts" if number == 0 => return Err(Misuse::Option { option: option.to_owned(), wants: "a number above zero" }),
            "--accounts" => amounts.accounts = number,
            "--statuses" => amounts.statuses = number,
            "--media" => amounts.media = number,
            "--seed" => amounts.seed = number,
            _ => return Err(Misuse::Unknown(format!("fill {option}"))),
        }
    }
    Ok(Command::Fill(amounts))
}

fn call(words: &[&str]) -> Call {
    let mut call = Call::default();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        match word.strip_prefix("--") {
            None => call.words.push((*word).to_owned()),
            Some(option) => {
                let (name, value) = match option.split_once('=') {
                    Some((name, value)) => (name, value),
                    None if BOOLEAN.contains(&&*option.replace('_', "-")) => (option, ""),
                    None => (option, words.next_if(|next| !next.starts_with("--")).copied().unwrap_or_default()),
                };
                // Thor knows `--dry_run` by this name too.
                call.options.insert(name.replace('_', "-"), value.to_owned());
            }
        }
    }
    call
}

/// Options that take no value, so that `--confirmed NAME` leaves NAME a word.
const BOOLEAN: [&str; 19] = [
    "confirmed",
    "confirm",
    "approve",
    "reattach",
    "force",
    "enable",
    "disable",
    "disable-2fa",
    "reset-password",
    "remove-role",
    "require-reason",
    "all",
    "dry-run",
    "verbose",
    "prune-profiles",
    "remove-headers",
    "include-follows",
    "keep-interacted",
    "reset-chewy",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, Misuse> {
        Command::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_command_lines_of_the_charts_are_understood() {
        assert_eq!(parse("/usr/local/bin/bundle exec puma -C config/puma.rb").unwrap(), Command::Web);
        assert_eq!(parse("node ./streaming/index.js").unwrap(), Command::Streaming);
        assert_eq!(parse("node ./streaming").unwrap(), Command::Streaming);
        assert_eq!(parse("bundle exec rake db:prepare").unwrap(), Command::DbPrepare);
        assert_eq!(parse("bundle exec rails db:migrate").unwrap(), Command::DbMigrate);
        assert_eq!(parse("bin/rails db:migrate").unwrap(), Command::DbMigrate);
        assert_eq!(parse("howdah-standin bundle exec puma").unwrap(), Command::Web);
        assert_eq!(parse("tini -- bundle exec puma").unwrap(), Command::Web);
        assert_eq!(parse("bin/rails runner puts(1)").unwrap(), Command::Runner(vec!["puts(1)".into()]));
    }

    #[test]
    fn sidekiq_takes_its_threads_and_queues() {
        let expected = SidekiqOptions { concurrency: 3, queues: vec!["default".into(), "push".into()] };
        assert_eq!(parse("bundle exec sidekiq -c 3 -q default,8 -q push").unwrap(), Command::Sidekiq(expected));
        let Command::Sidekiq(all) = parse("bundle exec sidekiq").unwrap() else { panic!("not sidekiq") };
        assert_eq!(all.queues, ALL_QUEUES);
        assert!(parse("bundle exec sidekiq -c many").is_err());
    }

    #[test]
    fn tootctl_options_are_read_as_thor_reads_them() {
        let Command::Tootctl(call) = parse("bin/tootctl accounts create --confirmed alice --email=a@b.c --role Owner --approve").unwrap()
        else {
            panic!("not tootctl")
        };
        assert_eq!(call.words, ["accounts", "create", "alice"]);
        assert_eq!((call.value("email"), call.value("role")), (Some("a@b.c"), Some("Owner")));
        assert!(call.has("approve") && call.has("confirmed"));
        let Command::Tootctl(call) = parse("tootctl media remove --prune_profiles --days=0 --dry-run --concurrency 2").unwrap() else {
            panic!("not tootctl")
        };
        assert!(call.words == ["media", "remove"] && call.has("prune-profiles") && call.has("dry-run"));
        assert_eq!((call.value("days"), call.value("concurrency")), (Some("0"), Some("2")));
    }

    #[test]
    fn a_server_is_filled_with_as_much_as_is_said() {
        assert_eq!(
            parse("howdah-standin fill --accounts 3 --statuses 40 --media 20 --seed 7"),
            Ok(Command::Fill(Amounts { accounts: 3, statuses: 40, media: 20, seed: 7 }))
        );
        let Ok(Command::Fill(usual)) = parse("howdah-standin fill") else { panic!("not fill") };
        assert_eq!((usual.accounts, usual.statuses, usual.media), (50, 5_000, 2_000));
        for bad in ["fill --accounts", "fill --accounts none", "fill --accounts 0", "fill --posts 3"] {
            assert!(parse(&format!("howdah-standin {bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_mastodon_has_no_command_for_is_refused() {
        assert_eq!(parse("bundle exec rspec"), Err(Misuse::Unknown("rspec".into())));
        assert!(parse("bin/rails runner").is_err());
        assert!(parse("node server.js").is_err());
    }
}
