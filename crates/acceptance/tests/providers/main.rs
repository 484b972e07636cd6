//! The providers against the tenants' PostgreSQL and the object store of the stack, and who may reach what there: tenant A
//! with all that it holds against all of tenant B's.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod database;
mod media;
mod object_store;
mod parts;
