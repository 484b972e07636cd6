//! From Stripe's objects to what is said of them in our words: pure, and total or an error.

mod invoice;
mod subscription;
#[cfg(test)]
mod tests;

pub(crate) use invoice::invoice;
pub(crate) use subscription::subscription;
