//! What can go wrong with a tenant's database, and whether trying again is worth it.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::error::SqlState;

#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("failed to connect to the database server {server} as `{user}`")]
    Connect {
        server: String,
        user: String,
        #[source]
        source: tokio_postgres::Error,
    },
    #[error("the work on `{name}` took longer than {} s", limit.as_secs())]
    Timeout { name: String, limit: Duration },
    #[error("failed to {action} `{name}`")]
    Query {
        action: &'static str,
        name: String,
        #[source]
        source: tokio_postgres::Error,
    },
    #[error("the database `{name}` belongs to `{owner}`, not to the role of its name")]
    ForeignOwner { name: String, owner: String },
    #[error("the role `{name}` has rights that no tenant may have (superuser, replication or BYPASSRLS)")]
    PrivilegedRole { name: String },
    #[error("failed to read the certificate authorities in `{}`", path.display())]
    Authorities {
        path: PathBuf,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error("failed to prepare TLS")]
    Tls(#[source] rustls::Error),
    #[error("verified TLS to the database server {server} needs a file of certificate authorities")]
    NoAuthorities { server: String },
}

impl DatabaseError {
    /// True where the server is away, busy or starting: the same call may work later. False for a refusal.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            Self::Connect { source, .. } => source.code().map_or_else(|| !is_tls_refusal(source), is_transient),
            Self::Query { source, .. } => source.code().map_or_else(|| source.is_closed() || is_io(source), is_transient),
            Self::ForeignOwner { .. } | Self::PrivilegedRole { .. } => false,
            Self::Authorities { .. } | Self::Tls(_) | Self::NoAuthorities { .. } => false,
        }
    }
}

/// Without a code there was no answer: nobody there, or a peer that isn't who it should be.
fn is_tls_refusal(error: &tokio_postgres::Error) -> bool {
    sources(error).any(|it| it.is::<rustls::Error>())
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    sources(error).any(|it| it.is::<std::io::Error>())
}

fn sources<'a>(error: &'a (dyn std::error::Error + 'static)) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |it| it.source())
}

/// Connection (08), resources (53), object state (55006, 55P03), operator intervention and time limits (57), conflicts (40).
fn is_transient(code: &SqlState) -> bool {
    let code = code.code();
    ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)) || code == "55006" || code == "55P03"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worth_another_try() {
        for code in ["08006", "40001", "53300", "55006", "55P03", "57014", "57P01", "57P03"] {
            assert!(is_transient(&SqlState::from_code(code)), "{code}");
        }
        for code in ["28P01", "3D000", "42501", "42704", "55000", "23505"] {
            assert!(!is_transient(&SqlState::from_code(code)), "{code}");
        }
    }
}
