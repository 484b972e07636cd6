//! Reading as dotenv and compose do, and writing what they read back.

use proptest::prelude::*;

use super::write::{compose_line, dotenv_line};
use super::*;

fn read(text: &str) -> Vec<(String, String)> {
    Environment::from_dotenv(text, &|name| (name == "OUTER").then(|| "outside".to_owned())).variables
}

/// The values that the gem `dotenv` 3.2 gave for the same texts, but for commands, which it runs.
#[test]
fn texts_are_read_as_dotenv_reads_them() {
    for (text, value) in [
        ("A=bar", "bar"),
        ("A= bar ", "bar"),
        ("A =bar", "bar"),
        ("  A=bar", "bar"),
        ("A: bar", "bar"),
        ("export A=bar", "bar"),
        ("\u{feff}A=bar", "bar"),
        ("A=bar\r\nB=x", "bar"),
        ("A=", ""),
        ("A=\nB=x", ""),
        ("A=bar # comment", "bar"),
        ("A=ba#r", "ba"),
        ("A='ba#r' # it's", "ba#r"),
        (r#"A="ba#r""#, "ba#r"),
        (r"A=a\ b\\c", r"a b\c"),
        (r#"A="a\"b""#, r#"a"b"#),
        (r"A='a\b'", r"a\b"),
        (r"A='it\'s'", r"it\'s"),
        ("A='one\ntwo'", "one\ntwo"),
        ("A=\"one\ntwo\"", "one\ntwo"),
        (r#"A="one\ntwo""#, r"one\ntwo"),
        ("DOTENV_LINEBREAK_MODE=legacy\nA=\"one\\ntwo\"", "one\ntwo"),
        ("A=a'b", "a'b"),
        ("A='a'b'", "a'b"),
        ("A='a' b", "'a' b"),
        (r"A='a\'", r"a\"),
        ("B=x\nA=$B", "x"),
        ("B=x\nA=${B}y$B", "xyx"),
        ("B=x\nA='$B'", "$B"),
        ("B=x\nA=\"\\$B \\${B}\"", "$B ${B}"),
        ("A=$OUTER", "outside"),
        ("A=a$NOBODY", "a"),
        ("A=a$ $", "a$ $"),
        (r"A=a\$(b)", "a$(b)"),
        ("A=$(b", "$(b"),
        ("A=1\nA=2", "2"),
        ("A=\n'x'", "x"),
    ] {
        let found = read(text).into_iter().find(|(name, _)| name == "A");
        assert_eq!(found.map(|(_, value)| value).as_deref(), Some(value), "{text:?}");
    }
}

#[test]
fn a_command_is_kept_and_named_and_never_run() {
    let environment = Environment::from_dotenv("B=x\nA=\"$B $(echo $B) $B\"", &|_| None);
    assert_eq!(environment.get("A"), Some("x $(echo $B) x"));
    assert_eq!(
        environment.findings().iter().map(|it| (it.object.as_str(), it.reason.as_str())).collect::<Vec<_>>(),
        [("A", "command_not_run")]
    );
}

#[test]
fn a_line_that_sets_nothing_is_named_by_its_number_alone() {
    let environment = Environment::from_dotenv("# x\nA='1\n2'\n\nexport A\nhunter2 is secret\nB=1", &|_| None);
    assert_eq!(environment.names().collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(environment.findings().iter().map(|it| it.object.as_str()).collect::<Vec<_>>(), ["line 6"]);
    assert!(!format!("{environment:?} {:?}", environment.findings()).contains("hunter2"));
}

#[test]
fn a_file_of_something_else_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env.production");
    let error = || Environment::from_file(&path, &|_| None).unwrap_err().to_string();
    assert!(error().contains("--env-file"));
    std::fs::write(&path, [b"A=1\nB=\xff".as_slice()].concat()).unwrap();
    assert!(error().contains("line 2"));
    std::fs::write(&path, "A".repeat(300 << 10)).unwrap();
    assert!(error().contains("is no .env.production"));
    std::fs::write(&path, "A=1").unwrap();
    assert_eq!(Environment::from_file(&path, &|_| None).unwrap().get("A"), Some("1"));
}

#[test]
fn a_process_gives_what_mastodon_reads() {
    let variables = [("PATH", "/bin"), ("LOCAL_DOMAIN", "a.example"), ("DB_HOST", ""), ("HOSTNAME", "pod")];
    let environment = Environment::from_process(variables.map(|(name, value)| (name.into(), value.into())));
    assert_eq!(environment.variables, [("DB_HOST".to_owned(), String::new()), ("LOCAL_DOMAIN".to_owned(), "a.example".to_owned())]);
}

#[test]
fn each_file_is_quoted_its_own_way() {
    for (value, dotenv, compose) in [
        ("plain", "A=plain", "A=plain"),
        ("", "A=''", "A="),
        ("Birds <b@a.example>", "A='Birds <b@a.example>'", "A=Birds <b@a.example>"),
        ("a$b#c", "A='a$b#c'", "A='a$b#c'"),
        ("it's", r#"A="it's""#, "A=it's"),
        ("'it's $5'", r#"A="'it's \$5'""#, r#"A="'it's \$5'""#),
        ("one\ntwo", "A='one\ntwo'", "A='one\ntwo'"),
        (r"C:\", r"A=C:\\", r"A=C:\"),
        (" x ", "A=' x '", "A=' x '"),
    ] {
        assert_eq!(dotenv_line("A", value).as_deref(), Some(format!("{dotenv}\n").as_str()), "{value:?}");
        assert_eq!(compose_line("A", value).as_deref(), Some(format!("{compose}\n").as_str()), "{value:?}");
    }
    assert_eq!(dotenv_line("A", "a\rb"), None);
    assert_eq!(dotenv_line("A", "a#\\"), None);
}

#[test]
fn a_bundles_environment_leaves_secrets_and_the_old_host_behind() {
    let text = "LOCAL_DOMAIN=a.example\nSECRET_KEY_BASE=hidden\nDB_PASS=hidden\nSELF_DESTRUCT=hidden\nSMTP_FROM_ADDRESS='A <a@a.example>'\nODD=\"a#\\\\\"";
    let environment = Environment { variables: read(text), findings: Vec::new() };
    let portable = environment.portable();
    insta::assert_snapshot!(format!("{}----\n{}", portable.dotenv, portable.compose));
    assert_eq!(portable.blanked, ["DB_PASS", "ODD"]);
    let carried = |text: &str| read(text).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(carried(&portable.dotenv), ["LOCAL_DOMAIN", "SMTP_FROM_ADDRESS"]);
    assert_eq!(compose::read(&portable.compose).unwrap().len(), 3);
}

/// What a password may look like.
fn value() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        3 => prop::sample::select(vec!["'", "\"", "$", "#", "\n", "\\", " ", "(", ")", "{", "}", "$(", "${A}", "\\n", "\\$", "=", " #", "\t", "é", "\u{2003}", "🐘"]).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9_]{1,3}",
    ];
    prop::collection::vec(pieces, 0..8).prop_map(|it| it.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Written one after the other, so that no value may reach into the next line.
    #[test]
    fn what_is_written_is_read_back(values in prop::collection::vec(value(), 1..6)) {
        let variables: Vec<_> = values.into_iter().enumerate().map(|(at, value)| (format!("N{at}"), value)).collect();
        let expressible = |it: &&(String, String)| dotenv_line(&it.0, &it.1).is_some();
        let written: String = variables.iter().filter_map(|(name, value)| dotenv_line(name, value)).collect();
        prop_assert_eq!(read(&written), variables.iter().filter(expressible).cloned().collect::<Vec<_>>());
        // All but what the module's documentation names.
        for (_, value) in variables.iter().filter(|it| !expressible(it)) {
            prop_assert!(value.ends_with('\\') || value.contains('\''), "{:?} has to be expressible", value);
        }
        let written: String = variables.iter().map(|(name, value)| compose_line(name, value).expect("compose can express anything")).collect();
        prop_assert_eq!(compose::read(&written), Some(variables));
    }

    #[test]
    fn any_text_is_read_without_harm(text in prop_oneof![".{0,200}", "[A'\"\\\\$(){}#=:\n ex]{0,60}"]) {
        let _ = read(&text);
        let _ = compose::read(&text);
    }
}
