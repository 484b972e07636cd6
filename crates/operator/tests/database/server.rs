//! The server under test: a provisioner and a template of this run's own on it.

use howdah_domain::InstanceId;
use howdah_operator::provider::{DatabaseServer, DatabaseServerSettings, SslMode};
use secrecy::SecretString;
use tokio::sync::OnceCell;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};

pub struct TestServer {
    pub host: String,
    pub port: u16,
    pub server: DatabaseServer,
    /// The provisioner's own.
    pub template: String,
    /// A superuser's.
    pub maintenance: String,
}

static PREPARED: OnceCell<(String, String)> = OnceCell::const_new();

/// A superuser's connection, to look at what came out.
pub async fn superuser() -> Client {
    connect(&superuser_config()).await.unwrap()
}

pub async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn superuser_config() -> Config {
    let url = std::env::var("HOWDAH_TEST_DATABASE_URL").expect("HOWDAH_TEST_DATABASE_URL: a superuser's URL of a PostgreSQL for tests");
    url.parse().unwrap()
}

pub fn new_id() -> InstanceId {
    InstanceId::from_uuid(uuid::Builder::from_random_bytes(rand::random()).into_uuid())
}

pub fn password(text: &str) -> SecretString {
    SecretString::from(text)
}

/// As the tenant, if it gets in. Where the server trusts every login the password says nothing.
pub async fn tenant(test: &TestServer, role: &str, database: &str, password: &str) -> Result<Client, tokio_postgres::Error> {
    let mut config = Config::new();
    config.host(&test.host).port(test.port).user(role).dbname(database).password(password);
    connect(&config).await
}

impl TestServer {
    pub async fn get() -> Self {
        let config = superuser_config();
        let Some(Host::Tcp(host)) = config.get_hosts().first().cloned() else { panic!("the URL names no TCP host") };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let (user, template) = PREPARED.get_or_init(prepare).await.clone();
        let server = DatabaseServer::new(DatabaseServerSettings {
            host: host.clone(),
            port,
            user: user.clone(),
            password: password("provisioner"),
            sslmode: SslMode::Disable,
            ca_file: None,
            database: user.clone(),
            template: template.clone(),
        });
        Self { host, port, server, template, maintenance: user }
    }
}

/// A provisioner, its database and a template under names that no other run has.
async fn prepare() -> (String, String) {
    let superuser = superuser().await;
    let (user, template) = (format!("provisioner_{}", std::process::id()), format!("template_{}", std::process::id()));
    for sql in [
        format!("CREATE ROLE {user} LOGIN CREATEDB CREATEROLE PASSWORD 'provisioner'"),
        format!("CREATE DATABASE {template} OWNER {user} TEMPLATE template0 ENCODING 'UTF8'"),
        format!("CREATE DATABASE {user} TEMPLATE template0"),
        format!("REVOKE CONNECT ON DATABASE {user} FROM PUBLIC"),
        format!("GRANT CONNECT ON DATABASE {user} TO {user}"),
    ] {
        superuser.batch_execute(&sql).await.unwrap();
    }
    (user, template)
}
