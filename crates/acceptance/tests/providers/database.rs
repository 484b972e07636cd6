//! Tenants' databases on the stack's PostgreSQL 17, by its own template.

use howdah_acceptance::Stack;
use secrecy::SecretString;

use crate::parts::{connect, databases, new_id, provisioner};

fn code(error: &tokio_postgres::Error) -> &str {
    error.code().map_or("", |code| code.code())
}

#[tokio::test]
async fn a_database_from_the_template_and_its_end() {
    let stack = Stack::attach().unwrap();
    let server = databases(&stack);
    let id = new_id();
    let name = id.resource_name().to_string();
    server.ensure(id, &SecretString::from("first"), 6).await.unwrap();
    server.ensure(id, &SecretString::from("second"), 6).await.unwrap();
    assert_eq!(code(&connect(&stack, &name, "first", &name).await.err().unwrap()), "28P01", "the old password is no good");

    let client = connect(&stack, &name, "second", &name).await.unwrap();
    let row = client
        .query_one(
            "SELECT pg_get_userbyid(datdba)::text, datlocprovider::text, pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = $1",
            &[&name],
        )
        .await
        .unwrap();
    let facts: (String, String, String) = (row.get(0), row.get(1), row.get(2));
    assert_eq!(facts, (name.clone(), "b".to_owned(), "UTF8".to_owned()));
    client.batch_execute("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t VALUES (1)").await.unwrap();
    client.batch_execute("SELECT howdah_check.bt_index_check('public.t_pkey'::regclass)").await.unwrap();
    let fold: bool = client.query_one("SELECT lower('ÄÖÜ') = 'äöü'", &[]).await.unwrap().get(0);
    assert!(fold, "hashtags are compared case-insensitively");

    server.destroy(id).await.unwrap();
    server.destroy(id).await.unwrap();
    assert!(connect(&stack, &name, "second", &name).await.is_err());
    let admin = connect_provisioner(&stack).await;
    let left: i64 = admin
        .query_one(
            "SELECT (SELECT count(*) FROM pg_roles WHERE rolname = $1) + (SELECT count(*) FROM pg_database WHERE datname = $1)",
            &[&name],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, 0);
}

async fn connect_provisioner(stack: &Stack) -> tokio_postgres::Client {
    let config = provisioner(stack);
    let password = String::from_utf8(config.get_password().unwrap().to_vec()).unwrap();
    connect(stack, config.get_user().unwrap(), &password, config.get_dbname().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_tenants_role_against_another_tenants_database() {
    let stack = Stack::attach().unwrap();
    let server = databases(&stack);
    let (a, b) = (new_id(), new_id());
    let (name_a, name_b) = (a.resource_name().to_string(), b.resource_name().to_string());
    server.ensure(a, &SecretString::from("a"), 6).await.unwrap();
    server.ensure(b, &SecretString::from("b"), 6).await.unwrap();
    let config = provisioner(&stack);

    for database in [name_b.as_str(), config.get_dbname().unwrap(), "template1", howdah_acceptance::stack::TEMPLATE] {
        assert_eq!(code(&connect(&stack, &name_a, "a", database).await.err().unwrap()), "42501", "CONNECT to {database}");
    }
    assert_eq!(code(&connect(&stack, &name_b, "a", &name_b).await.err().unwrap()), "28P01", "A's password is not B's");

    let client = connect(&stack, &name_a, "a", &name_a).await.unwrap();
    let provisioner = config.get_user().unwrap();
    for sql in [
        format!("SET ROLE \"{name_b}\""),
        format!("SET ROLE \"{provisioner}\""),
        format!("ALTER ROLE \"{name_b}\" PASSWORD 'a'"),
        format!("ALTER ROLE \"{name_a}\" CREATEDB"),
        format!("ALTER ROLE \"{name_a}\" CONNECTION LIMIT 100"),
        format!("GRANT \"{name_b}\" TO \"{name_a}\""),
        format!("DROP DATABASE \"{name_b}\""),
        format!("ALTER DATABASE \"{name_b}\" CONNECTION LIMIT 0"),
        format!("GRANT CONNECT ON DATABASE \"{name_b}\" TO \"{name_a}\""),
        format!("CREATE DATABASE mine TEMPLATE \"{name_b}\""),
        "SELECT rolpassword FROM pg_authid".to_owned(),
        "SELECT pg_read_file('/etc/passwd')".to_owned(),
        "COPY (SELECT 1) TO PROGRAM 'true'".to_owned(),
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x', 'y'".to_owned(),
        "CREATE EXTENSION dblink".to_owned(),
    ] {
        let error = client.batch_execute(&sql).await.err().unwrap_or_else(|| panic!("allowed: {sql}"));
        assert!(["42501", "0A000", "58P01"].contains(&code(&error)), "{sql}: {error:?}");
    }
    // Seen, but not touched: the process list names others' databases, never their statements.
    let other = connect(&stack, &name_b, "b", &name_b).await.unwrap();
    other.batch_execute("SELECT 'a secret of B'").await.unwrap();
    let seen: i64 = client
        .query_one("SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query LIKE '%secret%'", &[&name_b])
        .await
        .unwrap()
        .get(0);
    assert_eq!(seen, 0);
    let killed = client.query_one("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1", &[&name_b]).await;
    assert_eq!(code(&killed.err().unwrap()), "42501");
    server.destroy(a).await.unwrap();
    server.destroy(b).await.unwrap();
}
