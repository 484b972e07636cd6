//! Made, changed, fenced, destroyed.

use std::time::{Duration, Instant};

use howdah_operator::provider::{DatabaseError, DatabaseServer, DatabaseServerSettings, SslMode};
use tokio::net::TcpListener;
use tokio_postgres::Client;

use crate::server::{TestServer, new_id, password, superuser, tenant};

async fn role_facts(superuser: &Client, name: &str) -> Option<(i32, String, bool)> {
    let sql = "SELECT rolconnlimit, rolpassword, rolcreatedb OR rolcreaterole OR rolsuper FROM pg_authid WHERE rolname = $1";
    superuser.query_opt(sql, &[&name]).await.unwrap().map(|row| (row.get(0), row.get(1), row.get(2)))
}

async fn exists(superuser: &Client, name: &str) -> (bool, bool) {
    let sql = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1), EXISTS (SELECT FROM pg_database WHERE datname = $1)";
    let row = superuser.query_one(sql, &[&name]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn a_tenant_owns_its_database_and_nothing_else() {
    let test = TestServer::get().await;
    let (id, other) = (new_id(), new_id());
    let (name, neighbour) = (id.resource_name().to_string(), other.resource_name().to_string());
    test.server.ensure(id, &password("first"), 7).await.unwrap();
    test.server.ensure(other, &password("other"), 7).await.unwrap();

    let client = tenant(&test, &name, &name, "first").await.unwrap();
    client.batch_execute("CREATE TABLE public.kept (id int); INSERT INTO public.kept VALUES (1)").await.unwrap();
    for sql in ["CREATE DATABASE more", "CREATE ROLE more", &format!("DROP DATABASE \"{neighbour}\"")] {
        assert_eq!(client.batch_execute(sql).await.unwrap_err().code().unwrap().code(), "42501", "{sql}");
    }
    let refused = tenant(&test, &neighbour, &name, "other").await.err().unwrap();
    assert_eq!(refused.code().unwrap().code(), "42501", "no CONNECT for a neighbour: {refused}");

    let superuser = superuser().await;
    let (limit, verifier, privileged) = role_facts(&superuser, &name).await.unwrap();
    assert_eq!((limit, privileged), (7, false));
    assert!(verifier.starts_with("SCRAM-SHA-256$"));

    test.server.ensure(id, &password("second"), 9).await.unwrap();
    let (limit, changed, _) = role_facts(&superuser, &name).await.unwrap();
    assert_eq!(limit, 9);
    assert_ne!(verifier, changed, "the password was brought to what was asked");
    let kept: i64 = client.query_one("SELECT count(*) FROM public.kept", &[]).await.unwrap().get(0);
    assert_eq!(kept, 1, "data stays");
    test.server.destroy(id).await.unwrap();
    test.server.destroy(other).await.unwrap();
}

#[tokio::test]
async fn everybody_is_kept_out_of_what_is_no_tenants() {
    let test = TestServer::get().await;
    let superuser = superuser().await;
    let (ours, theirs) = (test.template.as_str(), test.maintenance.as_str());
    let is_open = async |name: &str| -> bool {
        superuser.query_one("SELECT has_database_privilege('public', $1, 'CONNECT, TEMPORARY')", &[&name]).await.unwrap().get(0)
    };
    superuser.batch_execute(&format!("GRANT TEMPORARY ON DATABASE {ours}, {theirs} TO PUBLIC")).await.unwrap();
    let left = test.server.keep_public_out().await.unwrap();
    assert!(left.iter().any(|it| it == theirs) && !left.iter().any(|it| it == ours), "{left:?}");
    assert!(!is_open(ours).await && is_open(theirs).await, "only its own");

    superuser.batch_execute(&format!("REVOKE CONNECT, TEMPORARY ON DATABASE {theirs} FROM PUBLIC")).await.unwrap();
    assert!(!test.server.keep_public_out().await.unwrap().iter().any(|it| it == theirs));
}

#[tokio::test]
async fn destroyed_with_whoever_is_connected_and_again() {
    let test = TestServer::get().await;
    let id = new_id();
    let name = id.resource_name().to_string();
    test.server.destroy(id).await.unwrap();
    test.server.ensure(id, &password("p"), 5).await.unwrap();
    let client = tenant(&test, &name, &name, "p").await.unwrap();
    client.batch_execute(&format!("ALTER DATABASE \"{name}\" IS_TEMPLATE true")).await.unwrap();
    client.batch_execute("BEGIN; CREATE TABLE public.t (id int)").await.unwrap();

    test.server.destroy(id).await.unwrap();
    assert!(client.batch_execute("SELECT 1").await.is_err(), "thrown out");
    let superuser = superuser().await;
    assert_eq!(exists(&superuser, &name).await, (false, false));
    test.server.destroy(id).await.unwrap();

    test.server.ensure(id, &password("p"), 5).await.unwrap();
    assert_eq!(exists(&superuser, &name).await, (true, true), "and made anew");
    superuser.batch_execute(&format!("DROP DATABASE \"{name}\"")).await.unwrap();
    test.server.destroy(id).await.unwrap();
    assert_eq!(exists(&superuser, &name).await, (false, false), "a destruction that was cut short is taken up");
}

#[tokio::test]
async fn taken_up_wherever_it_was_cut_short() {
    let test = TestServer::get().await;
    let superuser = superuser().await;
    for (cut, wreck) in [
        ("before the grants", "ALTER DATABASE {} ALLOW_CONNECTIONS false; GRANT ALL ON DATABASE {} TO PUBLIC"),
        ("before the database", "DROP DATABASE {}"),
        ("inside a destruction", "ALTER ROLE {} NOLOGIN"),
    ] {
        let id = new_id();
        let name = id.resource_name().to_string();
        test.server.ensure(id, &password("p"), 5).await.unwrap();
        for statement in wreck.replace("{}", &format!("\"{name}\"")).split("; ") {
            superuser.batch_execute(statement).await.unwrap();
        }
        test.server.ensure(id, &password("p"), 5).await.unwrap();
        tenant(&test, &name, &name, "p").await.unwrap_or_else(|error| panic!("{cut}: {error}"));
        let public: bool = superuser.query_one("SELECT has_database_privilege('public', $1, 'CONNECT')", &[&name]).await.unwrap().get(0);
        assert!(!public, "{cut}");
        test.server.destroy(id).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_not_a_tenants_is_refused() {
    let test = TestServer::get().await;
    let superuser = superuser().await;
    let id = new_id();
    let name = id.resource_name().to_string();
    superuser.batch_execute(&format!("CREATE ROLE \"{name}\" SUPERUSER")).await.unwrap();
    let error = test.server.ensure(id, &password("p"), 5).await.unwrap_err();
    assert!(matches!(error, DatabaseError::PrivilegedRole { .. }), "{error}");
    superuser.batch_execute(&format!("DROP ROLE \"{name}\"")).await.unwrap();

    test.server.ensure(id, &password("p"), 5).await.unwrap();
    superuser.batch_execute(&format!("ALTER DATABASE \"{name}\" OWNER TO CURRENT_USER")).await.unwrap();
    let error = test.server.ensure(id, &password("p"), 5).await.unwrap_err();
    assert!(matches!(error, DatabaseError::ForeignOwner { .. }) && !error.is_unavailable(), "{error}");
    superuser.batch_execute(&format!("DROP DATABASE \"{name}\"")).await.unwrap();
    test.server.destroy(id).await.unwrap();
}

/// At least one did it, and the others did too or were kept out.
fn one_at_a_time(results: Vec<Result<(), DatabaseError>>) {
    assert!(results.iter().any(Result::is_ok));
    for error in results.into_iter().filter_map(Result::err) {
        assert!(matches!(error, DatabaseError::Locked { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn two_operators_at_once() {
    let test = TestServer::get().await;
    let id = new_id();
    let (one, many) = (password("p"), (0..3).map(|_| new_id()).collect::<Vec<_>>());
    let same = futures::future::join_all((0..4).map(|_| test.server.ensure(id, &one, 5)));
    let others = futures::future::join_all(many.iter().map(|id| test.server.ensure(*id, &one, 5)));
    let (same, others) = futures::future::join(same, others).await;
    others.into_iter().for_each(|it| it.unwrap());
    one_at_a_time(same);
    one_at_a_time(futures::future::join_all((0..4).map(|_| test.server.destroy(id))).await);
    futures::future::join_all(many.iter().map(|id| test.server.destroy(*id))).await.into_iter().for_each(|it| it.unwrap());
}

#[tokio::test]
async fn one_that_holds_the_lock_keeps_the_other_out() {
    let test = TestServer::get().await;
    let superuser = superuser().await;
    let id = new_id();
    let lock = test.server.lock(id).await.unwrap();
    assert!(lock.is_held());
    for error in [test.server.ensure(id, &password("p"), 5).await.unwrap_err(), test.server.destroy(id).await.unwrap_err()] {
        assert!(matches!(error, DatabaseError::Locked { .. }) && error.is_unavailable() && !error.is_away(), "{error:?}");
    }
    assert!(matches!(test.server.lock(id).await, Err(DatabaseError::Locked { .. })));
    let other = new_id();
    test.server.ensure(other, &password("p"), 5).await.unwrap();
    test.server.destroy(other).await.unwrap();
    assert_eq!(exists(&superuser, &id.resource_name().to_string()).await, (false, false));
    drop(lock);
    test.server.ensure(id, &password("p"), 5).await.unwrap();
    test.server.destroy(id).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_away_and_one_that_says_no() {
    let test = TestServer::get().await;
    let settings = |host: &str, port: u16, user: &str| DatabaseServerSettings {
        host: host.to_owned(),
        port,
        user: user.to_owned(),
        password: password("wrong"),
        sslmode: SslMode::Disable,
        ca_file: None,
        database: "postgres".to_owned(),
        template: "template0".to_owned(),
    };
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    for (settings, expected) in [
        (settings("127.0.0.1", closed, "p"), true),
        (settings("127.0.0.1", silent.local_addr().unwrap().port(), "p"), true),
        (settings("no-such-host.invalid", 5432, "p"), true),
        (settings(&test.host, test.port, "no_such_role"), false),
        (DatabaseServerSettings { sslmode: SslMode::VerifyFull, ..settings(&test.host, test.port, "p") }, false),
    ] {
        let begun = Instant::now();
        let error = DatabaseServer::new(settings).ensure(new_id(), &password("p"), 5).await.unwrap_err();
        assert_eq!(error.is_unavailable(), expected, "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
