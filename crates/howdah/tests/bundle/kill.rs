//! The program killed by SIGKILL at points spread over all the bytes that it reads and writes, and run again.
//!
//! `HOWDAH_KILLS` says how many points there are (50 without it).

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::database::Database;
use crate::server::{Server, content_digest, ran, text};

/// Kills of one bundle before it is finished.
const A_BUNDLE: u64 = 5;
/// Between two looks at how far it is: some 20 kB.
const LOOK: Duration = Duration::from_micros(200);

fn kills() -> u64 {
    std::env::var("HOWDAH_KILLS").ok().map_or(50, |it| it.parse().unwrap())
}

/// Runs it to its end, or until it has moved so many bytes. How many it had moved, and whether it was killed.
fn run_until(command: &mut Command, most: u64) -> (u64, bool) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut moved = 0;
    loop {
        moved = moved.max(moved_by(child.id()));
        if moved >= most {
            child.kill().unwrap();
        }
        if let Some(status) = child.try_wait().unwrap() {
            let killed = status.code().is_none();
            let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
            assert!(killed || status.success(), "{command:?}: {status}\n{said}");
            return (moved, killed);
        }
        std::thread::sleep(LOOK);
    }
}

/// By reads and writes of files and pipes.
fn moved_by(process: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    let of = |name: &str| io.lines().find_map(|it| it.strip_prefix(name)?.trim().parse::<u64>().ok()).unwrap_or(0);
    of("rchar:") + of("wchar:")
}

#[test]
fn a_bundle_is_the_same_wherever_its_making_was_killed() {
    let server = Server::new();
    let golden = server.at("golden");
    let (all, _) = run_until(&mut server.create(&golden), u64::MAX);
    let wanted = content_digest(&mut server.verify(&golden));
    let bundles = kills().div_ceil(A_BUNDLE);
    let mut killed = 0;
    for number in 0..bundles {
        let to = server.at(&if number % 2 == 0 { number.to_string() } else { format!("{number}.tar") });
        // Each goes on where the one before was killed: so the points lie everywhere.
        let first = all / A_BUNDLE * (2 * number + 1) / (2 * bundles);
        let whole = (0..A_BUNDLE).any(|kill| {
            let most = if kill == 0 { first } else { all / A_BUNDLE };
            let (_, was_killed) = run_until(&mut server.create(&to), most);
            killed += u64::from(was_killed);
            !was_killed
        });
        if !whole {
            ran(&mut server.create(&to));
        }
        assert_eq!(content_digest(&mut server.verify(&to)), wanted, "{}", to.display());
        let left = [".journal.ndjson", ".part", ".earlier"].map(|it| to.join(it)).into_iter().chain([to.with_added_extension("journal")]);
        let left: Vec<_> = left.filter(|it| it.exists()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
    assert!(killed * 2 > kills(), "only {killed} of {} were killed before their end", kills());
}

#[test]
fn a_restore_that_is_killed_leaves_nothing_or_everything() {
    let server = Server::new();
    let at = server.at("birds");
    ran(&mut server.create(&at));
    let wanted = server.database.content();
    let empty = Database::schema_only().content();
    let to = |name: &str| {
        let to = server.at(name);
        fs::create_dir_all(&to).unwrap();
        to
    };
    let golden = Database::schema_only();
    let (all, _) = run_until(&mut server.restore(&at, &golden, &to("golden")), u64::MAX);
    assert_eq!(golden.content(), wanted);

    let (mut target, mut below, mut killed) = (Database::schema_only(), to("first"), 0);
    for number in 0..kills() {
        let most = all * (2 * number + 1) / (2 * kills());
        let (_, was_killed) = run_until(&mut server.restore(&at, &target, &below), most);
        killed += u64::from(was_killed);
        target.settle();
        let there = target.content();
        if there == empty {
            assert!(was_killed && !below.join(".env.production").exists());
            continue;
        }
        assert_eq!(there, wanted, "killed after {most} of {all} bytes");
        assert!(server.media_is_in(&below.join("system")));
        // Its rows are there: it is not loaded twice, and says so.
        let _ = fs::remove_file(below.join(".env.production"));
        let refused = server.restore(&at, &target, &below).output().unwrap();
        assert_eq!(refused.status.code(), Some(2));
        assert!(text(&refused.stderr).contains("has rows already"), "{}", text(&refused.stderr));
        assert_eq!(target.content(), wanted);
        (target, below) = (Database::schema_only(), to(&number.to_string()));
    }
    assert!(killed * 2 > kills(), "only {killed} of {} were killed before their end", kills());

    ran(&mut server.restore(&at, &target, &below));
    assert_eq!(target.content(), wanted);
    assert!(server.media_is_in(&below.join("system")));
    assert!(text(&fs::read(below.join(".env.production")).unwrap()).contains("SECRET_KEY_BASE="));
}
