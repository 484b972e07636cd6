//! Rows that a corrupt unique index let in twice.

use howdah_bundle::create::{self, SealWith};
use howdah_bundle::load::{Duplicates, LoadError};
use howdah_bundle::restore::RestoreError;

use crate::server::{Server, all_rows, now, place, restore_into, restore_with};
use crate::support::TestDatabase;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_named_and_kept_only_where_that_is_asked_for() {
    let server = Server::new().await;
    let twice = "INSERT INTO users (id, email, account_id, created_at, updated_at) VALUES (9, 'alice@a.example', 2, now(), now())";
    server.database.owner(&format!("DROP INDEX index_users_on_email; {twice}")).await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap();
    let (target, to) = (TestDatabase::schema_only().await, tempfile::tempdir().unwrap());
    match restore_into(&target, &at, None, to.path()).await.unwrap_err() {
        RestoreError::Load(error @ LoadError::Duplicates { .. }) => {
            assert!(error.to_string().contains("--allow-duplicates"), "{error}");
            let LoadError::Duplicates { rows } = error else { unreachable!() };
            assert_eq!((rows.len(), rows[0].table.as_str(), &rows[0].ids[..], rows[0].groups), (1, "users", &[1, 9][..], 1));
        }
        other => panic!("{other}"),
    }
    assert_eq!(all_rows(&target).await["users"], Vec::<String>::new());

    let restored = restore_with(&target, Duplicates::Keep, &at, None, to.path()).await.unwrap();
    let kept: Vec<_> = restored.loaded.findings.iter().map(|it| (it.object.as_str(), it.reason.as_str())).collect();
    assert_eq!(kept, [("users", "duplicates_kept")]);
    let sentence = &restored.loaded.findings[0].sentence;
    for said in ["1, 9", "`index_users_on_email`", "fix-duplicates", "CREATE UNIQUE INDEX index_users_on_email ON public.users"] {
        assert!(sentence.contains(said), "{said}: {sentence}");
    }
    assert_eq!(all_rows(&target).await, all_rows(&server.database).await);

    // Of all indexes only that one is left off; joined, the rows take it again, by the sentence's own statement.
    let names = "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public'";
    let missing = format!("SELECT array_agg(indexname::text) FROM ({names}) i WHERE indexname = 'index_users_on_email'");
    let gone: Option<Vec<String>> = target.owner.query_one(&missing, &[]).await.unwrap().get(0);
    assert_eq!(gone, None);
    let (_, statement) = sentence.split_once("then: ").unwrap();
    target.owner(&format!("DELETE FROM users WHERE id = 9; {statement}")).await;
    let whole = TestDatabase::schema_only().await;
    let count = format!("SELECT count(*) FROM ({names}) i");
    let [of_target, of_schema] = [&target, &whole].map(|it| it.owner.query_one(&count, &[]));
    assert_eq!(of_target.await.unwrap().get::<_, i64>(0), of_schema.await.unwrap().get::<_, i64>(0));
}
