//! What the acceptance tests share: they run against a stack that is up, inside its network namespace.
