//! A run that is killed at any byte, and gone on with.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::Ordering,
};

use howdah_bundle::place::Place;

use crate::sample::{Source, held, make, open, run};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.metadata().unwrap().is_dir() { copy(&entry.path(), &to) } else { fs::copy(entry.path(), to).map(drop).unwrap() }
    }
}

/// A bundle of which everything was written but its manifest.
async fn almost(place: &Place, source: &Source) {
    let failing = source.failing_after(source.total() - 1, || {});
    make(place, &failing).await.unwrap_err();
}

/// The offsets at which a tar and its journal were together at some time: after the tar had so many bytes, the journal had so many. Members are
/// noted one after the other, each when it is written.
fn moments(tar: &[u8], journal: &str) -> Vec<(usize, usize)> {
    let mut moments = vec![(0, 0), (0, 1), (0, journal.find('\n').unwrap() / 2)];
    let (mut start, mut noted) = (0, journal.find('\n').unwrap() + 1);
    for line in journal.split_inclusive('\n').skip(1) {
        let end = line[1..line.find(',').unwrap()].parse::<usize>().unwrap();
        for torn in [start, start + 1, start + 511, start + 512, start + 513, usize::midpoint(start, end), end - 1] {
            moments.push((torn.clamp(start, end), noted));
        }
        for torn in [0, 1, line.len() / 2, line.len() - 1] {
            moments.push((end, noted + torn));
        }
        noted += line.len();
        start = end;
    }
    moments.push((tar.len(), journal.len()));
    // As a machine that went down may leave them: the journal says more than the tar has.
    moments.extend([(0, journal.len()), (tar.len() / 2, journal.len()), (tar.len() / 3, journal.len() / 2)]);
    moments
}

#[tokio::test]
async fn a_tar_is_gone_on_with_from_any_byte() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::small();
    let (path, beside) = (folder.path().join("b.tar"), folder.path().join("b.tar.journal"));
    almost(&Place::TarFile(path.clone()), &source).await;
    let (tar, journal) = (fs::read(&path).unwrap(), fs::read_to_string(&beside).unwrap());
    let moments = moments(&tar, &journal);
    assert!(moments.len() > 150);
    for (number, (tar_bytes, journal_bytes)) in moments.into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.tar"));
        fs::write(&path, &tar[..tar_bytes]).unwrap();
        fs::write(folder.path().join(format!("{number}.tar.journal")), &journal[..journal_bytes]).unwrap();
        let place = Place::TarFile(path.clone());
        if journal_bytes < journal.find('\n').unwrap() && tar_bytes > 0 {
            continue;
        }
        make(&place, &source).await.unwrap();
        held(&place).await.is_of(&source);
        assert!(!folder.path().join(format!("{number}.tar.journal")).exists());
        fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn a_tree_is_gone_on_with_from_any_line() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::small();
    let first = folder.path().join("first");
    almost(&Place::Directory(first.clone()), &source).await;
    let journal = fs::read_to_string(first.join(".journal.ndjson")).unwrap();
    let lines = journal.split_inclusive('\n').map(str::len).scan(0, |at, it| Some(std::mem::replace(at, *at + it)));
    for (number, at) in lines.flat_map(|it| [it, it + 1, it + 40]).enumerate().skip(3) {
        let root = folder.path().join(number.to_string());
        copy(&first, &root);
        fs::write(root.join(".journal.ndjson"), &journal[..at]).unwrap();
        fs::write(root.join(".part/7"), "half").unwrap();
        let place = Place::Directory(root.clone());
        make(&place, &source).await.unwrap();
        held(&place).await.is_of(&source);
        fs::remove_dir_all(root).unwrap();
    }
}

#[tokio::test]
async fn what_was_written_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::small();
    for place in [Place::Directory(folder.path().join("tree")), Place::TarFile(folder.path().join("b.tar"))] {
        let mut read = 0;
        let mut killed = 0;
        for budget in (0..).map(|it| it * 90_000 + 160_000) {
            let failing = source.failing_after(budget, || {});
            let done = make(&place, &failing).await;
            read += failing.read.load(Ordering::SeqCst);
            if done.is_ok() {
                break;
            }
            killed += 1;
        }
        assert!(killed >= 2);
        // Four are read at a time, and those that were not finished are read anew.
        assert!(read <= source.media.len() + 4 * killed, "{read} were read, in {} runs", killed + 1);
        held(&place).await.is_of(&source);
    }
}

#[tokio::test]
async fn a_finished_dump_is_kept_and_a_half_written_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::small();
    for place in [Place::Directory(folder.path().join("tree")), Place::TarFile(folder.path().join("b.tar"))] {
        make(&place, &source.failing_after(70_000, || {})).await.unwrap_err();
        assert_eq!(open(&place, run(), None).await.unwrap().dump(), None);
        make(&place, &source.failing_after(200_000, || {})).await.unwrap_err();
        let dump = open(&place, run(), None).await.unwrap().dump().unwrap();
        assert_eq!((dump.dump.bytes, dump.file.bytes), (150_000, 150_000));
        if let Place::Directory(root) = &place {
            fs::write(root.join(dump.path.as_str()), "shorter").unwrap();
            let writer = open(&place, run(), None).await.unwrap();
            assert!(writer.dump().is_none() && !writer.files().contains_key(&dump.path));
        }
        make(&place, &source).await.unwrap();
        held(&place).await.is_of(&source);
    }
}

const CHILD: &str = "HOWDAH_TEST_BUNDLE_CHILD";
const BUDGET: &str = "HOWDAH_TEST_BUNDLE_BUDGET";

/// Runs in a process of its own, which ends as by `kill -9` after so many bytes of the source.
#[test]
#[ignore = "the next test runs it"]
fn child() {
    let (Ok(place), Ok(budget)) = (env::var(CHILD), env::var(BUDGET)) else { return };
    let place = match place.strip_suffix(".tar") {
        Some(_) => Place::TarFile(place.into()),
        None => Place::Directory(place.into()),
    };
    let source = Source::small().failing_after(budget.parse().unwrap(), || {
        let me = rustix::process::getpid();
        rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(make(&place, &source)).unwrap();
}

#[tokio::test]
async fn a_process_that_is_killed_is_gone_on_with_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::small();
    let start = |place: &PathBuf, budget: i64| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "kill::child", "--ignored"]).env(CHILD, place).env(BUDGET, budget.to_string());
        command.output().unwrap()
    };
    for name in ["tree", "b.tar"] {
        let path = folder.path().join(name);
        let mut killed = 0;
        for number in 0.. {
            let ended = start(&path, 1 + number * number * 9_000);
            if ended.status.success() {
                break;
            }
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended.status), Some(9), "{}", String::from_utf8_lossy(&ended.stdout));
            killed += 1;
            assert!(number < 30, "{}", String::from_utf8_lossy(&ended.stdout));
        }
        assert!(killed > 3, "it was killed {killed} times");
        let place = if name == "tree" { Place::Directory(path) } else { Place::TarFile(path) };
        held(&place).await.is_of(&source);
    }
}
