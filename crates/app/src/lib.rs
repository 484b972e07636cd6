//! What Howdah does: use cases, jobs, the observer, and who may do what.
//!
//! A use case is one function: it asks [`authz`] first, changes the record in one transaction with its audit entry and its
//! jobs, and answers with values. Jobs and the observer are the worker's half: they alone know both the record and the clusters.
//! This crate must not know HTTP or pages.

// DIVISION OF WORK (to be deleted by whoever is last): two people write this crate at the same time.
// - "domain, then app use cases": error.rs, authz.rs, context.rs (struct `App`: db, clock, randomness, key ring, settings,
//   plans, releases), use_cases/**.
// - "worker": jobs/** (each job: NAME, serde payload struct, `enqueue(&self, conn)`; used by use cases inside their
//   transactions), observer/**, ports/**, adapters/**, worker.rs (`run_worker`), deploy/worker/**. It does not wait for use
//   cases: it works from `howdah_db::models` and `howdah_domain`.
// Each adds its own `pub mod` lines here.
