//! What Howdah knows of its business: ids, names, money, plans, releases, the lifecycle of a server and the policies over it.
//!
//! Everything here is a value or a pure function. Time and randomness are arguments; there is no I/O, no async, and no word of
//! PostgreSQL, Kubernetes or HTTP. What comes from outside becomes one of these types or an error with a machine reason.

pub mod address;
pub mod billing;
pub mod clock;
pub mod failure;
pub mod ids;
pub mod instance;
pub mod lifecycle;
pub mod listing;
pub mod money;
pub mod names;
pub mod plans;
pub mod records;
pub mod releases;

pub use address::{AddressKind, ServerAddress};
pub use clock::{Clock, ManualClock, Randomness, SystemClock};
pub use failure::Failure;
pub use ids::{
    AccountId, ApiTokenId, ClusterId, DatabaseServerId, DomainId, ExportId, ImportId, InstanceId, InvitationId, MailId, ObjectStoreId,
    OperationId, ParseIdError, PasskeyId, PersonId, PersonLinkId, SessionId, SignUpId,
};
pub use instance::actions::Action;
pub use instance::launch::NewServers;
pub use instance::phase::{AddressFacts, Phase, PhaseFacts, phase};
pub use lifecycle::{
    Cause, Condition, Deletion, Desired, Endpoints, FarewellProgress, FarewellStage, Hold, Lane, LaunchStep, Observation, Operation,
    OperationKind, OperationState, Refusal, Standing, Step, StepFact, StepName, StepState, Usage,
};
pub use money::{Currency, Money, Rate};
pub use names::{DisplayName, EmailAddress, FediverseDomain, MastodonVersion, MediaRedirect, NameError, NameRules, Slug, Username};
pub use plans::{AddOn, Allowance, Plan, Plans, Rates};
pub use releases::{Release, Releases};
