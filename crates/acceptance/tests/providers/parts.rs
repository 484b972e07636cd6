//! The stack's two servers as the operator is given them.

use howdah_acceptance::Stack;
use howdah_acceptance::stack::TEMPLATE;
use howdah_domain::InstanceId;
use howdah_operator::provider::{DatabaseServer, DatabaseServerSettings, ObjectStore, ObjectStoreSettings, SslMode};
use secrecy::SecretString;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};

pub fn new_id() -> InstanceId {
    InstanceId::from_uuid(uuid::Builder::from_random_bytes(rand::random()).into_uuid())
}

pub fn store(stack: &Stack) -> ObjectStore {
    let s3 = stack.s3.clone();
    ObjectStore::new(ObjectStoreSettings {
        endpoint: s3.endpoint,
        region: s3.region,
        access_key: s3.access_key,
        secret_key: SecretString::from(s3.secret_key),
    })
    .unwrap()
}

pub fn provisioner(stack: &Stack) -> Config {
    stack.tenant_database_url.parse().unwrap()
}

pub fn databases(stack: &Stack) -> DatabaseServer {
    let config = provisioner(stack);
    let Some(Host::Tcp(host)) = config.get_hosts().first().cloned() else { panic!("the URL names no TCP host") };
    DatabaseServer::new(DatabaseServerSettings {
        host,
        port: config.get_ports().first().copied().unwrap_or(5432),
        user: config.get_user().unwrap().to_owned(),
        password: SecretString::from(String::from_utf8(config.get_password().unwrap().to_vec()).unwrap()),
        sslmode: SslMode::Disable,
        ca_file: None,
        database: config.get_dbname().unwrap().to_owned(),
        template: TEMPLATE.to_owned(),
    })
}

pub async fn connect(stack: &Stack, user: &str, password: &str, database: &str) -> Result<Client, tokio_postgres::Error> {
    let mut config = provisioner(stack);
    let (client, connection) = config.user(user).password(password).dbname(database).connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
