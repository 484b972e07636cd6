//! What a server costs: its bill, and all that its account can change about it.

pub mod cancel;
pub mod cap;
pub mod events;
pub mod grant;
pub mod money;
pub mod order;
pub mod pay;
pub mod plan;
pub mod show;
pub mod wire;
