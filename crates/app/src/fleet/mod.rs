//! What operators see and do: one server with all that is known, operations and jobs, places with their room, and whatever a
//! reference is of. Refused to everybody else.

mod adoption;
mod census;
mod diverged;
mod find;
mod job_list;
mod jobs;
mod operations;
mod places;
mod server;

pub use census::{Census, ClusterName, census, counts};
pub(crate) use diverged::{DIVERGED, Divergence};
pub use diverged::{Difference, DivergenceView, adopt, overwrite};
pub use find::{Found, find};
pub use job_list::{JobList, JobQuery, ListedJob, jobs};
pub use jobs::{JobView, job_page, retry_job};
pub use operations::{FleetOperation, operations, retry};
pub use places::{PlaceView, places};
pub use server::{OperatorServer, PersonView, SyncView, server};
