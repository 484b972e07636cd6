use super::*;

const HEX: &str =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A whole, well-formed environment. The VAPID pair is the generator point of P-256 with the private key 1.
pub fn whole() -> Env {
    Env::from([
        ("STANDIN_VERSION", "4.5.11"),
        ("LOCAL_DOMAIN", "social.example"),
        ("WEB_DOMAIN", "www.social.example"),
        ("ALTERNATE_DOMAINS", "preview.example, other.example"),
        ("SECRET_KEY_BASE", HEX),
        ("ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"),
        ("ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT", "cccccccccccccccccccccccccccccccc"),
        ("VAPID_PRIVATE_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="),
        ("VAPID_PUBLIC_KEY", "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU="),
        ("DB_HOST", "db.internal"),
        ("DB_PORT", "5433"),
        ("DB_NAME", "mi-a"),
        ("DB_USER", "mi-a"),
        ("DB_PASS", "secret"),
        ("REDIS_HOST", "redis"),
        ("REDIS_PORT", "6379"),
        ("REDIS_PASSWORD", "p@ss/word"),
        ("S3_ENABLED", "true"),
        ("S3_ENDPOINT", "http://10.0.0.1:8333"),
        ("S3_BUCKET", "mi-a"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("S3_ALIAS_HOST", "media.social.example"),
        ("SMTP_SERVER", "relay"),
        ("SMTP_PORT", "1025"),
        ("SMTP_LOGIN", "login"),
        ("SMTP_PASSWORD", "password"),
        ("SMTP_FROM_ADDRESS", "Social <notifications@social.example>"),
    ])
}

/// The names of the variables that a web process refuses over.
fn refused(env: &Env) -> Vec<String> {
    match Config::read(env, Process::Web) {
        Err(ConfigError::Refused(Refusals(refusals))) => refusals.iter().map(|refusal| refusal.name().to_owned()).collect(),
        Err(other) => panic!("{other}"),
        Ok(_) => Vec::new(),
    }
}

#[test]
fn a_whole_environment_starts() {
    let config = Config::read(&whole(), Process::Web).unwrap();
    assert_eq!(config.redis.url, "redis://:p%40ss%2Fword@redis:6379/0");
    assert!(config.identity.answers_to("www.social.example:443") && config.identity.answers_to("other.example"));
    assert!(!config.identity.answers_to("evil.example") && !config.identity.answers_to("x.social.example"));
}

#[test]
fn each_missing_variable_is_refused_by_name() {
    let required = [
        "LOCAL_DOMAIN",
        "SECRET_KEY_BASE",
        "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY",
        "ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY",
        "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT",
        "VAPID_PRIVATE_KEY",
        "VAPID_PUBLIC_KEY",
        "DB_HOST",
        "DB_PORT",
        "DB_NAME",
        "DB_USER",
        "DB_PASS",
        "REDIS_HOST",
        "REDIS_PORT",
        "S3_ENDPOINT",
        "S3_BUCKET",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "S3_ALIAS_HOST",
        "SMTP_SERVER",
        "SMTP_PORT",
        "SMTP_LOGIN",
        "SMTP_PASSWORD",
        "SMTP_FROM_ADDRESS",
    ];
    for name in required {
        assert_eq!(refused(&whole().without(name)), [name], "{name} absent");
        assert_eq!(refused(&whole().with(name, "  ")), [name], "{name} blank");
    }
}

#[test]
fn each_malformed_variable_is_refused_by_name() {
    let malformed = [
        ("LOCAL_DOMAIN", "https://social.example"),
        ("LOCAL_DOMAIN", "Social.example"),
        ("WEB_DOMAIN", "www.social.example/about"),
        ("ALTERNATE_DOMAINS", "a.example,-b.example"),
        ("SECRET_KEY_BASE", "abc"),
        ("SECRET_KEY_BASE", &HEX.replace('0', "g")),
        ("ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY", "test_primary_key_DO_NOT_USE_IN_PRODUCTION"),
        ("ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY", "x_DO_NOT_USE_IN_PRODUCTION"),
        ("ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT", "x_DO_NOT_USE_IN_PRODUCTION"),
        ("VAPID_PRIVATE_KEY", "!"),
        ("VAPID_PRIVATE_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("VAPID_PUBLIC_KEY", "AAAA"),
        ("DB_PORT", "postgres"),
        ("DB_POOL", "many"),
        ("DB_SSLMODE", "sometimes"),
        ("PREPARED_STATEMENTS", "no"),
        ("DATABASE_URL", "mysql://a/b"),
        ("REDIS_PORT", "99999"),
        ("REDIS_URL", "http://redis"),
        ("S3_ENABLED", "yes"),
        ("S3_ENDPOINT", "10.0.0.1:8333"),
        ("S3_PROTOCOL", "ftp"),
        ("S3_ALIAS_HOST", "https://media.social.example"),
        ("SMTP_PORT", "smtp"),
        ("SMTP_FROM_ADDRESS", "notifications"),
        ("MAX_THREADS", "five"),
    ];
    for (name, value) in malformed {
        assert_eq!(refused(&whole().with(name, value)), [name], "{name}={value}");
    }
}

#[test]
fn a_vapid_pair_of_two_halves_is_refused() {
    let other = whole().with("VAPID_PRIVATE_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI=");
    assert_eq!(refused(&other), ["VAPID_PUBLIC_KEY"]);
}

#[test]
fn every_reason_is_named_at_once() {
    assert_eq!(refused(&whole().without("LOCAL_DOMAIN").without("SMTP_LOGIN")), ["LOCAL_DOMAIN", "SMTP_LOGIN"]);
}

#[test]
fn what_changed_between_releases_is_known() {
    assert_eq!(refused(&whole().with("STANDIN_VERSION", "4.3.23")), ["OTP_SECRET"]);
    assert!(refused(&whole().with("STANDIN_VERSION", "4.3.23").with("OTP_SECRET", "x").with("REDIS_NAMESPACE", "a")).is_empty());
    assert_eq!(refused(&whole().with("REDIS_NAMESPACE", "a")), ["REDIS_NAMESPACE"]);
}

#[test]
fn the_urls_stand_for_their_groups() {
    let env = ["DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASS", "REDIS_HOST", "REDIS_PORT"]
        .iter()
        .fold(whole(), |env, name| env.without(name));
    let env = env.with("DATABASE_URL", "postgresql://u:p@h:1234/n").with("REDIS_URL", "redis://r:6379/1");
    let config = Config::read(&env, Process::Web).unwrap();
    assert_eq!((config.database.host.as_str(), config.database.port, config.database.name.as_str()), ("h", 1234, "n"));
}

#[test]
fn a_task_needs_no_mail_and_streaming_no_secrets() {
    let no_mail = whole().without("SMTP_SERVER").without("SMTP_PORT");
    assert!(Config::read(&no_mail, Process::Task).is_ok());
    let stores = Env::from([("DATABASE_URL", "postgresql://u:p@h:1234/n"), ("REDIS_URL", "redis://r:6379/1")]);
    assert_eq!(Config::read_streaming(&stores).unwrap().port, 4000);
    assert!(Config::read_streaming(&Env::default()).is_err());
}

#[test]
fn media_lies_on_the_disk_where_s3_is_off() {
    let env = whole().with("S3_ENABLED", "false").without("S3_BUCKET").without("AWS_ACCESS_KEY_ID");
    let disk = |env: &Env| match Config::read(env, Process::Web).unwrap().storage {
        StorageConfig::Disk(disk) => (disk.root.display().to_string(), disk.url),
        StorageConfig::S3(_) => panic!("S3 is off"),
    };
    assert_eq!(disk(&env), ("public/system".to_owned(), "/system".to_owned()));
    let elsewhere = env.with("PAPERCLIP_ROOT_PATH", "/srv/media").with("PAPERCLIP_ROOT_URL", "https://media.social.example/");
    assert_eq!(disk(&elsewhere), ("/srv/media".to_owned(), "https://media.social.example".to_owned()));
}
