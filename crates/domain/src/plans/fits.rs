//! Whether what a server holds fits into a plan: a downgrade that would not is refused, with what stands in its way.

use super::{Allowance, Class, Plan};
use crate::lifecycle::Usage;

/// One thing of which the server has more than it would be allowed. `Display` is the sentence for whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    #[error("{} takes {}, and {plan} has room for {would_have} GB. {}", class.label(), gib(*has), way_out(*class))]
    Bytes { plan: String, class: Class, has: u64, would_have: u64 },
    #[error("There are {has} accounts, and {plan} is for {would_have}. Delete some, or add more people.")]
    Users { plan: String, has: u64, would_have: u64 },
}

impl TooMuch {
    /// The machine reason.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Bytes { class: Class::OwnMedia, .. } => "too_much_own_media",
            Self::Bytes { class: Class::CachedMedia, .. } => "too_much_cached_media",
            Self::Bytes { class: Class::Database, .. } => "too_much_database",
            Self::Users { .. } => "too_many_users",
        }
    }
}

const fn way_out(class: Class) -> &'static str {
    match class {
        Class::OwnMedia => "Delete some, or add more room.",
        Class::CachedMedia => "Have it kept for fewer days, or add more room.",
        Class::Database => "Have old posts deleted by the server's settings, or stay with the larger plan.",
    }
}

/// In tenths, rounded up: what is too much by little is not shown as if it fitted.
fn gib(bytes: u64) -> String {
    let tenths = u128::from(bytes) * 10;
    let tenths = tenths.div_ceil(super::add_on::GIB);
    format!("{}.{} GB", tenths / 10, tenths % 10)
}

impl Plan {
    /// What speaks against this plan for a server that uses so much; nothing where it fits. The cache is pruned to what fits.
    #[must_use]
    pub fn fits(&self, allowance: &Allowance, usage: &Usage) -> Vec<TooMuch> {
        let unsigned = |measured: i64| u64::try_from(measured).unwrap_or_default();
        let plan = || self.name.clone();
        let of_bytes = |class, measured, would_have| {
            let has = unsigned(measured);
            (u128::from(has) > allowance.bytes(class)).then(|| TooMuch::Bytes { plan: plan(), class, has, would_have })
        };
        let users = unsigned(usage.users);
        let of_users = (users > allowance.users).then(|| TooMuch::Users { plan: plan(), has: users, would_have: allowance.users });
        let reasons = [
            of_bytes(Class::OwnMedia, usage.own_media_bytes, allowance.own_media_gib),
            of_bytes(Class::Database, usage.database_bytes, allowance.database_gib),
            of_users,
        ];
        reasons.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::plans::Plans;

    const GIB: i64 = 1 << 30;

    #[test]
    fn a_plan_that_is_too_small_says_why() {
        let plans = Plans::built_in().unwrap();
        let small = plans.get("small").unwrap();
        let alone = Allowance::of(small, []);
        let usage = |own, cached, database, users| Usage {
            database_bytes: database,
            own_media_bytes: own,
            cached_media_bytes: cached,
            users,
            measured_at: DateTime::UNIX_EPOCH,
        };
        assert_eq!(small.fits(&alone, &usage(10 * GIB, 900 * GIB, 5 * GIB, 50)), []);
        let reasons = small.fits(&alone, &usage(10 * GIB + 1, 0, 6 * GIB, 51));
        assert_eq!(
            reasons.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "Own media takes 10.1 GB, and Small has room for 10 GB. Delete some, or add more room.",
                "Database takes 6.0 GB, and Small has room for 5 GB. Have old posts deleted by the server's settings, or stay with the larger plan.",
                "There are 51 accounts, and Small is for 50. Delete some, or add more people.",
            ]
        );
        assert_eq!(reasons.iter().map(TooMuch::reason).collect::<Vec<_>>(), ["too_much_own_media", "too_much_database", "too_many_users"]);
        let with_room = Allowance::of(small, [(plans.add_on("media-100").unwrap(), 1), (plans.add_on("people-250").unwrap(), 1)]);
        assert_eq!(small.fits(&with_room, &usage(10 * GIB + 1, 0, 5 * GIB, 51)), []);
    }
}
