//! What lies in the store against what the database says.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use howdah_bundle::media::{Attachment, MediaError, RowsOf, Store, Surveyed, Whose, survey};
use tempfile::TempDir;
use tokio_postgres::Client;

use crate::{bucket::Bucket, database::Database, disk};

const ROWS: &str = "
INSERT INTO accounts (id, username, domain, avatar_file_name, avatar_content_type, header_file_name, header_content_type, created_at, updated_at) VALUES
    (1, 'one', NULL, 'a1.png', 'image/png', 'h1.gif', 'image/gif', now(), now()),
    (2, 'two', NULL, NULL, NULL, '', NULL, now(), now()),
    (5, 'far', 'far.example', 'r5.png', 'image/png', 'r5.png', 'image/png', now(), now()),
    (1234567890, 'ten', NULL, 'ten.webp', 'image/webp', NULL, NULL, now(), now()),
    (112233445566778899, 'new', NULL, 'bb.gif', 'image/gif', NULL, NULL, now(), now());
INSERT INTO accounts (id, username, domain, avatar_file_name, avatar_storage_schema_version, created_at, updated_at) VALUES
    (6, 'kept', 'far.example', 'r6.png', 1, now(), now());
INSERT INTO media_attachments (id, type, processing, remote_url, account_id, file_file_name, thumbnail_file_name, created_at, updated_at) VALUES
    (10, 0, NULL, '', 1, 'image.jpeg', NULL, now(), now()),
    (11, 1, 2, '', 1, 'gifv.mp4', NULL, now(), now()),
    (12, 2, 2, '', 1, 'video.mp4', 'still.png', now(), now()),
    (13, 4, 2, '', 1, 'audio.mp3', 'cover.jpg', now(), now()),
    (14, 3, NULL, '', NULL, 'unknown.bin', NULL, now(), now()),
    (15, 0, 2, 'https://far.example/15.png', 5, 'far.png', NULL, now(), now()),
    (16, 0, 2, '', 5, 'odd.png', NULL, now(), now()),
    (17, 0, 2, '', 1, 'lost.jpg', NULL, now(), now()),
    (18, 2, 0, '', 1, 'queued.mov', NULL, now(), now()),
    (19, 2, 2, '', 1, 'half.mp4', NULL, now(), now()),
    (20, 0, 2, '', 1, NULL, NULL, now(), now()),
    (112233445566778800, 0, 2, '', 112233445566778899, 'flake.png', NULL, now(), now());
INSERT INTO custom_emojis (id, shortcode, domain, image_file_name, created_at, updated_at) VALUES
    (1, 'blob', NULL, 'blob.gif', now(), now()),
    (2, 'far', 'far.example', 'far.png', now(), now());
INSERT INTO site_uploads (id, var, file_file_name, created_at, updated_at) VALUES
    (1, 'thumbnail', 'hero.jpg', now(), now()),
    (2, 'favicon', 'icon.svg', now(), now()),
    (3, 'mascot', 'mascot.png', now(), now());
INSERT INTO backups (id, dump_file_name, created_at, updated_at) VALUES (1, 'archive-20260801-abc.tar.gz', now(), now());
";

const OWN: [&str; 27] = [
    "accounts/avatars/000/000/001/original/a1.png",
    "accounts/avatars/001/234/567/890/original/ten.webp",
    "accounts/avatars/112/233/445/566/778/899/original/bb.gif",
    "accounts/avatars/112/233/445/566/778/899/static/bb.png",
    "accounts/headers/000/000/001/original/h1.gif",
    "accounts/headers/000/000/001/static/h1.png",
    "custom_emojis/images/000/000/001/original/blob.gif",
    "custom_emojis/images/000/000/001/static/blob.png",
    "media_attachments/files/000/000/010/original/image.jpeg",
    "media_attachments/files/000/000/010/small/image.jpeg",
    "media_attachments/files/000/000/011/original/gifv.mp4",
    "media_attachments/files/000/000/011/small/gifv.png",
    "media_attachments/files/000/000/012/original/video.mp4",
    "media_attachments/files/000/000/012/small/video.png",
    "media_attachments/files/000/000/013/original/audio.mp3",
    "media_attachments/files/000/000/014/original/unknown.bin",
    "media_attachments/files/000/000/018/original/queued.mov",
    "media_attachments/files/000/000/019/original/half.mp4",
    "media_attachments/files/112/233/445/566/778/800/original/flake.png",
    "media_attachments/files/112/233/445/566/778/800/small/flake.png",
    "media_attachments/thumbnails/000/000/012/original/still.png",
    "media_attachments/thumbnails/000/000/013/original/cover.jpg",
    "site_uploads/files/000/000/001/@1x/hero.png",
    "site_uploads/files/000/000/001/@2x/hero.png",
    "site_uploads/files/000/000/001/original/hero.jpg",
    "site_uploads/files/000/000/002/original/icon.svg",
    "site_uploads/files/000/000/003/original/mascot.png",
];
const OTHERS: [(&str, Whose); 10] = [
    ("accounts/avatars/000/000/001/original/before.png", Whose::Replaced),
    ("accounts/avatars/000/000/005/original/r5.png", Whose::Remote),
    // Its row means the one below `cache/`.
    ("accounts/avatars/000/000/006/original/r6.png", Whose::Nobody),
    ("accounts/avatars/000/000/099/original/a1.png", Whose::Nobody),
    ("accounts/avatars/000/001/original/a1.png", Whose::Nobody),
    ("accounts/headers/000/000/005/original/r5.png", Whose::Remote),
    ("custom_emojis/images/000/000/002/original/far.png", Whose::Remote),
    ("media_attachments/files/000/000/015/original/far.png", Whose::Remote),
    ("media_attachments/files/000/000/016/original/odd.png", Whose::Remote),
    ("media_attachments/files/112/233/445/566/778/801/original/flake.png", Whose::Nobody),
];
const MISSING: [(&str, i64, &str); 6] = [
    ("media_attachments", 17, "media_attachments/files/000/000/017/original/lost.jpg"),
    ("media_attachments", 17, "media_attachments/files/000/000/017/small/lost.jpg"),
    ("media_attachments", 19, "media_attachments/files/000/000/019/small/half.png"),
    ("site_uploads", 2, "site_uploads/files/000/000/002/16/icon.png"),
    ("site_uploads", 2, "site_uploads/files/000/000/002/32/icon.png"),
    ("site_uploads", 2, "site_uploads/files/000/000/002/48/icon.png"),
];
/// What nobody asks about.
const BESIDE: [&str; 5] = [
    "cache/accounts/avatars/000/000/005/original/r5.png",
    "preview_cards/images/000/000/001/original/card.png",
    "backups/dumps/000/000/001/original/archive-20260801-abc.tar.gz",
    "imports/data/000/000/001/original/follows.csv",
    "index.html",
];

fn files() -> impl Iterator<Item = &'static str> {
    OWN.into_iter().chain(OTHERS.map(|it| it.0)).chain(BESIDE)
}

fn folder() -> (TempDir, Store) {
    let root = TempDir::new().unwrap();
    files().for_each(|it| disk::write(root.path(), it, "1"));
    let store = disk::store(root.path());
    (root, store)
}

async fn surveyed(store: &Store, session: &Client, attachments: &[Attachment]) -> Result<Vec<Surveyed>, MediaError> {
    survey(Some(store), RowsOf::Database(session), attachments).try_collect().await
}

fn assert_all(found: &[Surveyed]) {
    let own: BTreeSet<_> = found.iter().filter_map(|it| if let Surveyed::Own(it) = it { Some(it.key.as_str()) } else { None }).collect();
    assert_eq!(own, BTreeSet::from(OWN));
    let others = found.iter().filter_map(|it| if let Surveyed::Other(it, whose) = it { Some((it.key.to_string(), *whose)) } else { None });
    let mut others: Vec<_> = others.collect();
    others.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(others, OTHERS.map(|(key, whose)| (key.to_owned(), whose)));
    let missing =
        found.iter().filter_map(|it| if let Surveyed::Missing(it) = it { Some((it.table.as_str(), it.id, it.key.as_str())) } else { None });
    assert_eq!(missing.collect::<Vec<_>>(), MISSING);
    assert_eq!(found.len(), OWN.len() + OTHERS.len() + MISSING.len());
}

#[tokio::test]
async fn each_file_is_the_servers_own_or_another_servers_or_nobodys() {
    let database = Database::create().await;
    database.run(ROWS).await;
    let (root, store) = folder();
    assert_all(&surveyed(&store, &database.owner, &Attachment::OWN).await.unwrap());

    let bucket = Bucket::start().await;
    bucket.state().page = 3;
    files().for_each(|it| bucket.put(it, "1"));
    assert_all(&surveyed(&bucket.store(), &database.owner, &Attachment::OWN).await.unwrap());
    assert!(bucket.asked().iter().all(|it| it.starts_with("LIST ")), "no HEAD of a file");

    // On request; releases from 4.4 on have no table of imports.
    database.run("DROP TABLE imports").await;
    let found = surveyed(&store, &database.owner, &[Attachment::Backups, Attachment::Imports]).await.unwrap();
    assert!(matches!(found.as_slice(), [Surveyed::Own(it)] if it.key.as_str() == BESIDE[2]), "{found:?}");
    std::fs::remove_file(root.path().join(BESIDE[2])).unwrap();
    let found = surveyed(&store, &database.owner, &[Attachment::Backups]).await.unwrap();
    assert!(matches!(found.as_slice(), [Surveyed::Missing(it)] if it.key.as_str() == BESIDE[2]), "{found:?}");
    database.drop().await;
}

#[tokio::test]
async fn a_store_that_has_nothing_misses_everything() {
    let database = Database::create().await;
    database.run(ROWS).await;
    database
        .run(
            "INSERT INTO media_attachments (type, processing, remote_url, file_file_name, created_at, updated_at)
             SELECT 0, 2, '', 'n' || n || '.png', now(), now() FROM generate_series(1, 1200) n",
        )
        .await;
    let root = TempDir::new().unwrap();
    let found = surveyed(&disk::store(root.path()), &database.owner, &Attachment::OWN).await.unwrap();
    let missing: BTreeSet<_> =
        found.iter().filter_map(|it| if let Surveyed::Missing(it) = it { Some(it.key.as_str()) } else { None }).collect();
    assert_eq!((missing.len(), found.len()), (OWN.len() + MISSING.len() + 2400, OWN.len() + MISSING.len() + 2400));
    assert!(OWN.iter().all(|it| missing.contains(it)));
    database.drop().await;
}

#[tokio::test]
async fn a_row_that_names_no_possible_file_is_told() {
    let database = Database::create().await;
    database.run("INSERT INTO site_uploads (id, var, file_file_name, created_at, updated_at) VALUES (7, 'mascot', '../../../etc/passwd', now(), now())").await;
    let (_root, store) = folder();
    let found = surveyed(&store, &database.owner, &[Attachment::SiteUploads]).await.unwrap();
    let told = found.iter().find_map(|it| if let Surveyed::Skipped(it) = it { Some(it) } else { None }).unwrap();
    assert_eq!(told.name, "the file that row 7 of site_uploads names");
    database.drop().await;
}

/// What a tenant can make to be called instead of what PostgreSQL has.
const TRAPS: &str = "
CREATE FUNCTION public.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$;
CREATE FUNCTION public.trap(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$;
CREATE FUNCTION public.trap(varchar, varchar) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$;
CREATE FUNCTION public.trap(varchar, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$;
CREATE FUNCTION public.trap(name, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$;
CREATE FUNCTION public.trap(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$;
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.trap);
CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.trap);
CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = text, FUNCTION = public.trap);
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.trap);
CREATE OPERATOR public.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = public.trap);
CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = public.trap);
CREATE OPERATOR public.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = public.trap);
CREATE OPERATOR public.<> (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.trap);
CREATE DOMAIN public.text AS pg_catalog.text CHECK (public.trap(VALUE::pg_catalog.text, ''));
CREATE DOMAIN public.int8 AS pg_catalog.int8 CHECK (public.trap(VALUE::pg_catalog.int8, 0));
CREATE TABLE public.pg_attribute (attname name);
CREATE TABLE public.pg_class (relname name);
CREATE FUNCTION public.armed(integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
    BEGIN IF current_setting('trap.armed', true) = 'yes' THEN RAISE EXCEPTION 'sprung'; END IF; RETURN true; END $$;
CREATE INDEX ON accounts (id) WHERE public.armed(1);
CREATE INDEX ON media_attachments (public.armed(1));
CREATE INDEX ON custom_emojis (id) WHERE public.armed(1);
CREATE INDEX ON site_uploads (id) WHERE public.armed(1);
";

#[tokio::test]
async fn nothing_that_the_databases_owner_made_is_called() {
    let database = Database::create().await;
    database.run(ROWS).await;
    database.run(TRAPS).await;
    database.run("SET search_path = public, pg_catalog").await;
    database.run("SET trap.armed = 'yes'").await;
    for careless in ["SELECT 'a'::varchar = 'b'::varchar", "SELECT id FROM public.accounts"] {
        let sprung = database.owner.query(careless, &[]).await.unwrap_err();
        assert!(sprung.as_db_error().is_some_and(|it| it.message() == "sprung"), "the traps are set: {sprung}");
    }
    let (_root, store) = folder();
    assert_all(&surveyed(&store, &database.owner, &Attachment::OWN).await.unwrap());
    database.drop().await;
}

#[tokio::test]
async fn a_table_that_computes_or_is_none_is_not_read() {
    let database = Database::create().await;
    database.run("CREATE FUNCTION public.trap() RETURNS SETOF integer LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$").await;
    database
        .run("DROP TABLE site_uploads; CREATE VIEW site_uploads AS SELECT 1::bigint AS id, 'x'::varchar AS file_file_name, trap() AS var")
        .await;
    database.run("ALTER TABLE custom_emojis DROP COLUMN domain").await;
    database.run("ALTER TABLE media_attachments DROP COLUMN thumbnail_file_name, ADD COLUMN thumbnail_file_name varchar GENERATED ALWAYS AS (shortcode) STORED").await;
    let (_root, store) = folder();
    let found = |attachment| surveyed(&store, &database.owner, attachment);
    assert_eq!(found(&[Attachment::SiteUploads, Attachment::Thumbnails]).await.unwrap(), []);
    let error = found(&[Attachment::Emojis]).await.unwrap_err();
    assert!(matches!(&error, MediaError::Schema { table: "custom_emojis", .. }), "{error}");
    assert!(error.to_string().contains("`domain`"), "{error}");
    database.drop().await;
}

#[tokio::test]
async fn a_listing_that_fails_is_no_empty_one() {
    let database = Database::create().await;
    database.run(ROWS).await;
    let bucket = Bucket::start().await;
    bucket.fail(|_| Some(crate::bucket::Fault::Status(403, "AccessDenied", vec![])));
    let store = bucket.store();
    let error = surveyed(&store, &database.owner, &Attachment::OWN).await.unwrap_err();
    assert!(matches!(error, MediaError::Answered { status: 403, .. }), "{error}");
    database.drop().await;
}
