//! A Mastodon server's database, of a tenant's own role.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, Config, NoTls};

/// The development stand-in's, which has Mastodon's tables and columns.
const SCHEMA: &str = include_str!("../../../standin/src/schema/sql/4_3.sql");

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub struct Database {
    name: String,
    superuser: Client,
    /// The owner's, as an application has it.
    pub owner: Client,
}

impl Database {
    pub async fn create() -> Self {
        let url = std::env::var("HOWDAH_TEST_DATABASE_URL").expect("HOWDAH_TEST_DATABASE_URL: a superuser's URL of a PostgreSQL for tests");
        let config: Config = url.parse().unwrap();
        let superuser = connect(&config).await;
        let name = format!("media_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        superuser.batch_execute(&format!("CREATE ROLE {name} LOGIN PASSWORD '{name}'")).await.unwrap();
        superuser.batch_execute(&format!("CREATE DATABASE {name} OWNER {name} TEMPLATE template0 ENCODING 'UTF8'")).await.unwrap();
        let mut own = config.clone();
        own.dbname(&name);
        connect(&own).await.batch_execute(&format!("ALTER SCHEMA public OWNER TO {name}")).await.unwrap();
        own.user(&name).password(&name);
        let owner = connect(&own).await;
        owner.batch_execute(&SCHEMA.replace("{salt}", &"0".repeat(32))).await.unwrap();
        Self { name, superuser, owner }
    }

    pub async fn run(&self, sql: &str) {
        self.owner.batch_execute(sql).await.unwrap();
    }

    pub async fn drop(self) {
        let Self { name, superuser, owner } = self;
        drop(owner);
        superuser.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        superuser.batch_execute(&format!("DROP ROLE {name}")).await.unwrap();
    }
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
