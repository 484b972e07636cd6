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
    /// Another operator is at work on it, or was stopped while it was.
    #[error("another operator holds the lock of `{name}`")]
    Locked { name: String },
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
    #[error(
        "nobody is known who may have signed the certificate of the database server {server}: it has no `caFile`, and the system trusts no authority"
    )]
    NoAuthorities { server: String },
}

impl DatabaseError {
    /// True where the same call may work later: the server is away, or something is in the way. False for a refusal.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Locked { .. } => true,
            Self::Query { source, .. } if source.code().is_some_and(is_in_the_way) => true,
            _ => self.is_away(),
        }
    }

    /// True where the server is away, full or starting, so that no other tenant's call would fare better now.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            Self::Connect { source, .. } => source.code().map_or_else(|| !is_tls_refusal(source), is_of_the_server),
            Self::Query { source, .. } => source.code().map_or_else(|| source.is_closed() || is_io(source), is_of_the_server),
            Self::Locked { .. } | Self::ForeignOwner { .. } | Self::PrivilegedRole { .. } => false,
            Self::Authorities { .. } | Self::Tls(_) | Self::NoAuthorities { .. } => false,
        }
    }
}

/// Without a code there was no answer: nobody there, or a peer that isn't who it should be, or that speaks no TLS. tokio-postgres tells
/// the handshake from the rest in words alone.
fn is_tls_refusal(error: &tokio_postgres::Error) -> bool {
    let is_of_the_line = |it: &(dyn std::error::Error + 'static)| {
        // What rustls says is wrapped in one of these, and is not its source but within.
        it.downcast_ref::<std::io::Error>().is_some_and(|it| !it.get_ref().is_some_and(|it| it.is::<rustls::Error>()))
    };
    error.to_string().starts_with("error performing TLS handshake") && !sources(error).any(is_of_the_line)
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    sources(error).any(|it| it.is::<std::io::Error>())
}

fn sources<'a>(error: &'a (dyn std::error::Error + 'static)) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |it| it.source())
}

/// Connection (08), resources (53), operator intervention (57P0x).
fn is_of_the_server(code: &SqlState) -> bool {
    ["08", "53", "57P0"].iter().any(|class| code.code().starts_with(class))
}

/// Conflicts (40), objects in use (55006), locks (55P03) and statements that took too long (57014).
fn is_in_the_way(code: &SqlState) -> bool {
    let code = code.code();
    code.starts_with("40") || ["55006", "55P03", "57014"].contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worth_another_try() {
        for (code, server, in_the_way) in [
            ("08006", true, false),
            ("53300", true, false),
            ("57P01", true, false),
            ("57P03", true, false),
            ("40001", false, true),
            ("55006", false, true),
            ("55P03", false, true),
            ("57014", false, true),
            ("28P01", false, false),
            ("3D000", false, false),
            ("42501", false, false),
            ("42704", false, false),
            ("55000", false, false),
            ("23505", false, false),
        ] {
            let state = SqlState::from_code(code);
            assert_eq!((is_of_the_server(&state), is_in_the_way(&state)), (server, in_the_way), "{code}");
        }
    }

    #[test]
    fn a_held_lock_is_one_tenants_own() {
        let locked = DatabaseError::Locked { name: "mi-a".to_owned() };
        assert!(locked.is_unavailable() && !locked.is_away());
    }
}
