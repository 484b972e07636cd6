//! The pool on bad days: the database away, and a caller that is busy.

use std::time::{Duration, Instant};

use diesel_async::RunQueryDsl;
use howdah_db::{Conn, Database};
use howdah_testkit::TestDatabase;
use howdah_testkit::proxy::{Mood, Proxy};
use howdah_testkit::wait::wait_for;
use tokio::runtime::Handle;

async fn answers(conn: &mut Conn) -> bool {
    diesel::sql_query("SELECT 1").execute(conn).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_is_told_within_a_second_and_the_pool_heals() {
    let database = TestDatabase::new().await;
    let (proxy, url) = Proxy::before(database.url()).await;
    let pool = Database::open(&url, 3, Handle::current()).unwrap();
    for mood in [Mood::Frozen, Mood::Gone] {
        assert!(answers(&mut pool.conn().await.unwrap()).await);
        proxy.set(mood);
        for _ in 0..4 {
            let asked = Instant::now();
            assert!(pool.conn().await.is_err(), "{mood:?}");
            assert!(asked.elapsed() < Duration::from_secs(1), "{mood:?}: {:?}", asked.elapsed());
        }
        proxy.set(Mood::Well);
        let healed = Instant::now();
        wait_for("a healed pool", Duration::from_secs(5), async || pool.conn().await.ok().map(drop)).await;
        println!("after {mood:?} the pool was well again in {:?}", healed.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_connections_are_replaced() {
    let database = TestDatabase::new().await;
    let pool = Database::open(database.url(), 3, Handle::current()).unwrap();
    drop(pool.conn().await.unwrap());
    let conn = &mut database.conn().await;
    diesel::sql_query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(conn)
    .await
    .unwrap();
    assert!(answers(&mut pool.conn().await.unwrap()).await);
}

/// actix' workers are single-threaded runtimes: what one of them opens must not stand still when it is busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_opener_holds_nobody_up() {
    const BUSY: Duration = Duration::from_secs(2);
    let database = TestDatabase::new().await;
    let pool = Database::open(database.url(), 1, Handle::current()).unwrap();
    let (opened, is_open) = tokio::sync::oneshot::channel();
    let opener = {
        let pool = pool.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                drop(pool.conn().await.unwrap());
                opened.send(()).unwrap();
                std::thread::sleep(BUSY);
            });
        })
    };
    is_open.await.unwrap();
    let asked = Instant::now();
    assert!(answers(&mut pool.conn().await.unwrap()).await);
    assert!(asked.elapsed() < BUSY / 4, "{:?}", asked.elapsed());
    opener.join().unwrap();
}
