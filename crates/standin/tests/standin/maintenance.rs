//! `tootctl` commands of a move: what is kept of other servers goes, feeds and indices are made anew.

use std::path::Path;

use super::support::{ObjectStore, Server};

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.map(|entry| entry.expect("an entry").path()).map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

async fn filled() -> Server {
    let server = Server::prepared("4.6.5").await;
    server.runs("howdah-standin fill --accounts 6 --statuses 200 --media 120");
    server
}

#[tokio::test]
async fn media_of_other_servers_are_removed_and_own_ones_stay() {
    let server = filled().await;
    let system = server.folder().join("public/system");
    let cached = || files_below(&system.join("cache/media_attachments"));
    let own = "SELECT count(*) FROM media_attachments WHERE remote_url = '' AND file_file_name IS NOT NULL";
    let remote = "SELECT count(*) FROM media_attachments WHERE remote_url <> '' AND file_file_name IS NOT NULL";
    let before = (server.number(own).await, server.number(remote).await, cached());
    assert!(before.1 > 0 && before.2 > 0);
    let dry = server.runs("bin/tootctl media remove --days=0 --dry-run");
    assert!(dry.starts_with(&format!("Removed {} media attachments (approx. ", before.1)) && dry.ends_with(") (DRY RUN)\n"), "{dry}");
    assert_eq!((server.number(own).await, server.number(remote).await, cached()), before);
    server.runs("bin/tootctl media remove --days 0");
    assert_eq!((server.number(own).await, server.number(remote).await, cached()), (before.0, 0, 0));
    assert!(server.runs("bin/tootctl media remove --days=0").starts_with("Removed 0 media attachments (approx. 0 Bytes)"));
}

#[tokio::test]
async fn profiles_of_strangers_are_pruned_and_those_of_acquaintances_on_request() {
    let server = filled().await;
    let pictured = "SELECT count(*) FROM accounts WHERE domain IS NOT NULL AND avatar_file_name IS NOT NULL";
    let known =
        format!("{pictured} AND EXISTS (SELECT FROM follows f WHERE f.account_id = accounts.id OR f.target_account_id = accounts.id)");
    let acquaintances = server.number(&known).await;
    assert!(acquaintances > 0 && acquaintances < server.number(pictured).await);
    assert!(server.runs("bin/tootctl media remove --prune-profiles --days=0").starts_with("Visited 12 accounts and removed profile media"));
    assert_eq!(server.number(pictured).await, acquaintances);
    // What was pruned was changed just now, and is not visited again.
    server.runs("bin/tootctl media remove --prune-profiles --include-follows --days=0");
    assert_eq!(server.number(pictured).await, 0);
    assert_eq!(files_below(&server.folder().join("public/system/cache/accounts")), 0);
    let own = "SELECT count(*) FROM accounts WHERE domain IS NULL AND avatar_file_name IS NOT NULL";
    assert!(server.number(own).await > 0);
}

// The bucket answers while the command runs.
#[tokio::test(flavor = "multi_thread")]
async fn media_go_from_a_bucket_too() {
    let mut server = Server::prepared("4.5.11").await;
    let store = ObjectStore::start().await;
    server.keep_media_in(&store);
    server.runs("howdah-standin fill --accounts 3 --statuses 60 --media 60");
    let cached = || store.objects().keys().filter(|key| key.starts_with("/mi-a/cache/media_attachments/")).count();
    let own = || store.objects().keys().filter(|key| key.starts_with("/mi-a/accounts/")).count();
    let before = own();
    assert!(cached() > 0);
    server.runs("bin/tootctl media remove --days=0");
    assert_eq!((cached(), own()), (0, before));
}

#[tokio::test]
async fn answers_and_refusals_are_mastodons() {
    let server = Server::prepared("4.5.11").await;
    server.runs("bin/tootctl accounts create alice --email alice@example.com --confirmed --approve");
    for (line, said) in [
        ("feeds build", "Regenerated feeds for 1 accounts\n"),
        ("feeds build --all --dry-run", "Regenerated feeds for 1 accounts (DRY RUN)\n"),
        ("feeds build alice", "OK\n"),
        ("search deploy", "Indexed 0 records, de-indexed 0\n"),
        ("cache clear", "OK\n"),
        ("accounts refresh --all", "Refreshed 0 accounts\n"),
        ("accounts refresh --domain one.example --dry_run", "Refreshed 0 accounts (DRY RUN)\n"),
    ] {
        assert_eq!(server.runs(&format!("bin/tootctl {line}")), said, "{line}");
    }
    for (line, said) in [
        ("feeds build nobody", "No such account"),
        ("search deploy --concurrency 0", "must be at least 1"),
        ("accounts refresh", "No account(s) given"),
        ("accounts refresh nobody@one.example", "No such account"),
        ("media remove --prune-profiles --remove-headers", "should not be specified simultaneously"),
        ("media remove --include-follows", "can only be used with"),
        ("media remove --days=soon", "Expected numeric value"),
    ] {
        assert!(server.fails(&format!("bin/tootctl {line}")).contains(said), "{line}");
    }
}
