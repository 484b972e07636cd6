//! Where PostgreSQL is.

use super::reader::Reader;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseConfig {
    pub host: String,
    pub port: u16,
    pub name: String,
    pub user: String,
    pub password: String,
    pub ssl_mode: SslMode,
    /// `DB_POOL`: connections that one process may hold.
    pub pool: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    Disable,
    /// Rails' default: TLS where the server has it. The stand-in brings none, so this is the same as `Disable`.
    Prefer,
}

pub fn read(reader: &mut Reader<'_>) -> DatabaseConfig {
    let pool = reader.number("DB_POOL", 5);
    let ssl_mode = match reader.env.get("DB_SSLMODE") {
        Some("disable") => SslMode::Disable,
        None | Some("prefer" | "allow") => SslMode::Prefer,
        Some("require" | "verify-ca" | "verify-full") => {
            reader.malformed("DB_SSLMODE", "the stand-in speaks no TLS to PostgreSQL: disable or prefer");
            SslMode::Disable
        }
        Some(_) => {
            reader.malformed("DB_SSLMODE", "one of libpq's modes is wanted");
            SslMode::Disable
        }
    };
    if let Some(prepared) = reader.env.get("PREPARED_STATEMENTS")
        && !["true", "false"].contains(&prepared)
    {
        reader.malformed("PREPARED_STATEMENTS", "true or false is wanted");
    }
    if let Some(url) = reader.env.get("DATABASE_URL") {
        let parsed = from_url(url, ssl_mode, pool);
        if parsed.is_none() {
            reader.malformed("DATABASE_URL", "postgresql://user:password@host:port/name is wanted");
        }
        return parsed.unwrap_or(DatabaseConfig { ssl_mode, pool, ..empty() });
    }
    reader.checked("DB_PORT", "a port is wanted", |port| port.parse::<u16>().is_ok());
    DatabaseConfig {
        host: reader.required("DB_HOST"),
        port: reader.env.get("DB_PORT").and_then(|port| port.parse().ok()).unwrap_or(5432),
        name: reader.required("DB_NAME"),
        user: reader.required("DB_USER"),
        password: reader.required("DB_PASS"),
        ssl_mode,
        pool,
    }
}

fn from_url(url: &str, ssl_mode: SslMode, pool: usize) -> Option<DatabaseConfig> {
    let parsed: tokio_postgres::Config = url.parse().ok()?;
    let host = match parsed.get_hosts().first()? {
        tokio_postgres::config::Host::Tcp(host) => host.clone(),
        tokio_postgres::config::Host::Unix(path) => path.to_str()?.to_owned(),
    };
    Some(DatabaseConfig {
        host,
        port: parsed.get_ports().first().copied().unwrap_or(5432),
        name: parsed.get_dbname()?.to_owned(),
        user: parsed.get_user()?.to_owned(),
        password: String::from_utf8(parsed.get_password().unwrap_or_default().to_vec()).ok()?,
        ssl_mode,
        pool,
    })
}

fn empty() -> DatabaseConfig {
    DatabaseConfig {
        host: String::new(),
        port: 0,
        name: String::new(),
        user: String::new(),
        password: String::new(),
        ssl_mode: SslMode::Disable,
        pool: 0,
    }
}
