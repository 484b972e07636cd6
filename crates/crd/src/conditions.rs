//! Condition types and machine reasons of the kinds. Sentences are made from these elsewhere.

use std::fmt;

macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name as it stands in `status.conditions`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }

            /// The reverse of [`Self::as_str`]; `None` for what a newer operator may have written.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

names! {
    /// What is known of a server, in the order in which a new one comes up.
    ConditionType {
        /// The spec refers to things that exist and agree with each other.
        Accepted,
        NamespaceReady,
        SecretsReady,
        DatabaseReady,
        BucketReady,
        CacheReady,
        /// Of an import: rows and media of the bundle are there, of the pass that the spec names.
        DataLoaded,
        /// `db:prepare` has loaded the schema of `spec.version`.
        SchemaReady,
        /// The owner's account exists, confirmed, approved, with the role Owner.
        OwnerReady,
        /// Media cache retention, registrations and contact were set once.
        Configured,
        WorkloadsReady,
        /// No pod of the workloads is left (power state `Suspended`). Absent in others.
        Stopped,
        RouteReady,
        /// Mastodon takes the token of `spec.ownerLink`. Absent where none is asked for.
        OwnerLinkReady,
        /// Every deletion notice was sent (power state `SelfDestruct`).
        FarewellComplete,
        /// Nothing of its database, role, bucket and S3 user is left (power state `MovedOut`). Absent in others.
        DataDestroyed,
        /// All of the above that the power state asks for.
        Ready,
        /// Deletion of the outside resources was confirmed in `spec.teardown` and seen before the deletion.
        TeardownConfirmed,
    }
}

names! {
    /// What is known of an export, in the order of its steps.
    ExportConditionType {
        /// The server is there and set up, and the spec refers to things that exist.
        Accepted,
        /// The bundle may be written to its destination: the keys for it are there.
        DestinationReady,
        /// The bundle is whole. False for good where `status.finishedAt` is set: `status.failure` says why.
        Complete,
    }
}

names! {
    /// Why there is no bundle.
    FailureReason {
        /// The server's settings can't be used.
        Environment,
        /// The server's secrets are missing, or not those that its rows were encrypted with.
        Secrets,
        Database,
        /// No `pg_dump` of the database server's version, or it failed.
        PgDump,
        /// The server's own media can't be read.
        Media,
        /// The bundle can't be written where it is to go.
        Destination,
        /// It was ended from outside again and again.
        Interrupted,
        /// It took longer than an export may.
        Deadline,
        Other,
    }
}

names! {
    /// Why a condition is what it is.
    Reason {
        /// It is as the spec wants it.
        Ready,
        /// Work is under way, nothing is wrong.
        Progressing,
        /// An earlier step is not done.
        Waiting,
        /// Not asked for in this power state, or of this kind of server.
        NotWanted,
        /// Of data that is loaded: it was opened to be looked at, so it may no longer be what the bundle has. A greater pass loads it anew.
        Rehearsed,
        // What is wrong with the spec or what it refers to.
        SecretNotFound,
        SecretIncomplete,
        UnknownDatabaseServer,
        UnknownObjectStore,
        UnknownPlacement,
        IdConflict,
        DomainConflict,
        NamespaceTerminating,
        // What keeps an export from being begun.
        InstanceNotFound,
        InstanceNotReady,
        /// The operator's configuration lacks what it needs: a place for bundles, a wildcard that covers the preview host.
        NotConfigured,
        // What is wrong outside.
        DatabaseServerUnavailable,
        ObjectStoreUnavailable,
        CertificatePending,
        QuotaExceeded,
        // What is wrong with a pod or Job of the server's.
        ImagePullFailed,
        JobFailed,
        CrashLooping,
        Unschedulable,
        NotReady,
        /// The owner's account is no longer there under the name that it was given.
        AccountNotFound,
        // Farewell.
        Announcing,
        Paused,
        // Anything else that the API server, database or object store said no to.
        Error,
    }
}

impl ConditionType {
    /// The steps of a launch, in their order.
    pub const LAUNCH: [Self; 10] = [
        Self::NamespaceReady,
        Self::SecretsReady,
        Self::DatabaseReady,
        Self::BucketReady,
        Self::CacheReady,
        Self::DataLoaded,
        Self::SchemaReady,
        Self::OwnerReady,
        Self::Configured,
        Self::WorkloadsReady,
    ];
}

#[cfg(test)]
mod tests {
    use howdah_domain::LaunchStep;

    use super::*;

    #[test]
    fn a_launch_takes_its_steps_in_one_order() {
        let steps: Vec<&str> = LaunchStep::ALL.iter().map(|it| it.condition()).collect();
        assert_eq!(ConditionType::LAUNCH.map(ConditionType::as_str).as_slice(), steps);
        let all: Vec<ConditionType> = ConditionType::ALL.iter().copied().filter(|it| ConditionType::LAUNCH.contains(it)).collect();
        assert_eq!(ConditionType::LAUNCH.as_slice(), all);
    }
}
