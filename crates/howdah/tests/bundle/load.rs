//! `restore` as a Job of a cluster, which may be run again whatever became of it before.

use std::fs;

use crate::database::Database;
use crate::server::{Server, ran, text};

/// Made by `age-keygen` for this test: the bundle is not sealed for it.
const OTHER: &str = "AGE-SECRET-KEY-1D40FPG5DQ6GVXXEXFHS3ZF3Y2L9X9C4XC8Q4U9M656ARV5G4NYXS2QFPC5\n";

#[test]
fn what_is_marked_is_not_loaded_again_and_a_failure_is_told() {
    let server = Server::new();
    let (at, log, below) = (server.at("birds"), server.at("termination-log"), server.at("below"));
    ran(&mut server.create(&at));
    fs::create_dir_all(&below).unwrap();
    let target = Database::schema_only();
    let restore = |mark: &str| {
        let mut restore = server.restore(&at, &target, &below);
        restore.args(["--mark", mark, "--termination-log"]).arg(&log);
        restore
    };
    let key = fs::read(server.at("key.txt")).unwrap();
    fs::write(server.at("key.txt"), OTHER).unwrap();
    let failed = restore("a/1").output().unwrap();
    assert_eq!(failed.status.code(), Some(4), "no further try mends it: {}", text(&failed.stderr));
    let told = fs::read_to_string(&log).unwrap();
    assert!(told.contains("was not restored: "), "{told}");
    assert_eq!(server.restore(&at, &target, &below).output().unwrap().status.code(), Some(2), "to a person it is a failure like others");

    fs::write(server.at("key.txt"), key).unwrap();
    ran(&mut restore("a/1"));
    let wanted = server.database.content();
    assert_eq!(target.content(), wanted);
    // It was killed before it could say so.
    let again = ran(&mut restore("a/1"));
    assert!(text(&again.stdout).contains("Loaded 0 rows"), "{}", text(&again.stdout));
    assert_eq!(target.content(), wanted);
    fs::remove_file(below.join(".env.production")).unwrap();
    let refused = restore("a/2").output().unwrap();
    assert_eq!(refused.status.code(), Some(4));
    assert!(fs::read_to_string(&log).unwrap().contains("has rows already"));
    let wrong = restore("it's").output().unwrap();
    assert!(text(&wrong.stderr).contains("a mark has 1 to 64"), "{}", text(&wrong.stderr));
}
