//! By what lists of servers, operations and places are filtered and sorted.

use crate::lifecycle::words;

words! {
    /// Coarser than the phase, which is computed: what the record alone can tell of many servers at once.
    ServerFilter {
        /// For payment or an operator.
        Waiting = "waiting",
        Launching = "launching",
        /// A step of its operation fails.
        HeldUp = "held_up",
        AwaitingAddress = "awaiting_address",
        Running = "running",
        Leaving = "leaving",
        Gone = "gone",
    }
}

impl ServerFilter {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting for payment or approval",
            Self::Launching => "Launching",
            Self::HeldUp => "Held up",
            Self::AwaitingAddress => "Waiting for its address",
            Self::Running => "Running",
            Self::Leaving => "Closing or being removed",
            Self::Gone => "Gone",
        }
    }
}

words! {
    ServerSort {
        Newest = "newest",
        Oldest = "oldest",
        Domain = "domain",
        DomainDown = "domain_down",
    }
}

words! {
    OperationFilter {
        Live = "live",
        HeldUp = "held_up",
        Failed = "failed",
        Ended = "ended",
        All = "all",
    }
}

words! {
    PlaceKind {
        Cluster = "cluster",
        DatabaseServer = "database_server",
        ObjectStore = "object_store",
    }
}

words! {
    /// What a new server's owner does first in Mastodon's own settings.
    ToDoKind {
        Rules = "rules",
        Privacy = "privacy",
        Registrations = "registrations",
    }
}

impl PlaceKind {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::DatabaseServer => "Database server",
            Self::ObjectStore => "Object store",
        }
    }
}

impl ToDoKind {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rules => "Write the server’s rules",
            Self::Privacy => "Write the privacy policy",
            Self::Registrations => "Decide who may join",
        }
    }

    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Rules => "People agree to them when they join, and reports are judged by them.",
            Self::Privacy => "Mastodon shows a general text until you write your own.",
            Self::Registrations => "Nobody can join until you open registrations, to everybody or by approval. Invitations work meanwhile.",
        }
    }

    /// Where in Mastodon's settings (UP:config/routes/admin.rb, UP:config/navigation.rb).
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Rules => "/admin/rules",
            Self::Privacy => "/admin/settings/about",
            Self::Registrations => "/admin/settings/registrations",
        }
    }
}
