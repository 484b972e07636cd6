//! `tootctl accounts` and `tootctl settings`, and the owner's avatar.

use super::support::{ObjectStore, Server, wait_for};

const CREATE: &str = "bin/tootctl accounts create alice --email Alice@Example.com --confirmed --role Owner";

#[tokio::test]
async fn without_approve_the_owner_is_unapproved() {
    let server = Server::prepared("4.5.11").await;
    let printed = server.runs(CREATE);
    assert!(printed.starts_with("OK\nNew password: "), "{printed}");
    let approved = "SELECT count(*) FROM users u JOIN user_roles r ON r.id = u.role_id
                    WHERE u.email = 'alice@example.com' AND r.name = 'Owner' AND u.confirmed_at IS NOT NULL AND u.approved";
    assert_eq!(server.number(approved).await, 0);
    server.runs("bin/tootctl accounts modify alice --role Owner --approve --confirm");
    assert_eq!(server.number(approved).await, 1);
}

#[tokio::test]
async fn a_taken_name_and_other_mistakes_are_said_with_exit_code_one() {
    let server = Server::prepared("4.5.11").await;
    server.runs(CREATE);
    assert!(server.fails(CREATE).contains("username has already been taken"));
    assert!(server.fails("bin/tootctl accounts create ALICE --email other@example.com").contains("username has already been taken"));
    assert!(server.fails("bin/tootctl accounts create bob --email alice@example.com").contains("email has already been taken"));
    assert!(server.fails("bin/tootctl accounts create b@b --email bob@example.com").contains("username must"));
    assert!(server.fails("bin/tootctl accounts create bob --email bob").contains("email is invalid"));
    assert!(server.fails("bin/tootctl accounts create bob --email b@b.c --role Boss").contains("Cannot find user role"));
    assert!(server.fails("bin/tootctl accounts create bob").contains("--email"));
    assert!(server.fails("bin/tootctl accounts modify bob --approve").contains("No user with such username"));
    assert!(server.fails("bin/tootctl frobnicate").contains("Could not find command"));
    assert_eq!(server.number("SELECT count(*) FROM users").await, 1);
}

#[tokio::test]
async fn registrations_are_settings_in_yaml() {
    let server = Server::prepared("4.3.23").await;
    for (mode, yaml) in [("open", "--- open\n"), ("approved", "--- approved\n"), ("close", "--- none\n")] {
        server.runs(&format!("bin/tootctl settings registrations {mode}"));
        let database = server.database().await;
        let rows = database.query("SELECT value FROM settings WHERE var = 'registrations_mode'", &[]).await.expect("rows");
        assert_eq!(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), [yaml]);
    }
    assert!(server.fails("bin/tootctl settings registrations maybe").contains("Could not find command"));
}

#[tokio::test]
async fn a_new_account_gets_an_avatar_in_the_bucket_and_its_address_in_the_actor() {
    let mut server = Server::prepared("4.5.11").await;
    let store = ObjectStore::start().await;
    server.keep_media_in(&store);
    server.set("S3_PERMISSION", "private");
    server.runs("bin/tootctl accounts create alice --email alice@example.com --confirmed --approve");
    let _sidekiq = server.start("bundle exec sidekiq -c 1 -q default");
    let web = server.start("bundle exec puma -C config/puma.rb").ready("/health").await;
    let icon = wait_for("the avatar", async || web.json("/users/alice").await["icon"]["url"].as_str().map(str::to_owned)).await;
    let id = server.number("SELECT id FROM accounts WHERE username = 'alice'").await.to_string();
    let partition: Vec<&str> = (0..id.len() / 3).map(|at| &id[at * 3..at * 3 + 3]).collect();
    let folder = format!("accounts/avatars/{}/original/", partition.join("/"));
    let key = icon.strip_prefix("https://media.social.example/").expect("the alias host");
    assert!(key.starts_with(&folder) && key.ends_with(".png"), "{key}");
    let objects = store.objects();
    let stored = objects.get(&format!("/mi-a/{key}")).expect("the object is in the bucket");
    assert_eq!(&stored.body[1..4], b"PNG");
    for line in ["x-amz-acl: private", "content-type: image/png", "cache-control: public, max-age=315576000, immutable"] {
        assert!(stored.head.contains(line), "{line} in {}", stored.head);
    }
    assert!(server.runs("bin/tootctl media usage").contains("Avatars:\t68 Bytes (68 Bytes local)"));
}
