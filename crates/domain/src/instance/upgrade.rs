//! Which releases an upgrade passes through: at least one of every minor line on the way (DOC:admin/upgrading.md).

use crate::names::MastodonVersion;
use crate::releases::Releases;

/// Why there is no way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpgradeError {
    #[error("Mastodon {to} is not in the catalogue of releases.")]
    Unknown { to: MastodonVersion },
    #[error("Mastodon {to} is not newer than {from}: a server can't go back, its database was migrated.")]
    NotNewer { from: MastodonVersion, to: MastodonVersion },
    #[error("There is no release of Mastodon {major}.{minor} in the catalogue, and an upgrade must pass through one.")]
    MissingLine { major: u16, minor: u16 },
}

/// The releases to be deployed one after the other, `to` last; the newest of each line on the way.
///
/// # Errors
/// [`UpgradeError`], where the catalogue has no way.
pub fn hops(from: MastodonVersion, to: MastodonVersion, releases: &Releases) -> Result<Vec<MastodonVersion>, UpgradeError> {
    if to <= from {
        return Err(UpgradeError::NotNewer { from, to });
    }
    if releases.get(to).is_none() {
        return Err(UpgradeError::Unknown { to });
    }
    let mut hops = Vec::new();
    for (major, minor) in lines_between(from.line(), to.line(), releases) {
        let newest = releases.newest_of_line((major, minor)).ok_or(UpgradeError::MissingLine { major, minor })?;
        hops.push(newest.version);
    }
    hops.push(to);
    Ok(hops)
}

/// The lines strictly between two, in order. How many minors a major had, only the catalogue knows.
fn lines_between(from: (u16, u16), to: (u16, u16), releases: &Releases) -> Vec<(u16, u16)> {
    if from.0 == to.0 {
        return (from.1.saturating_add(1)..to.1).map(|minor| (from.0, minor)).collect();
    }
    let last_minor = |major| releases.lines().into_iter().filter(|line| line.0 == major).map(|line| line.1).max().unwrap_or_default();
    let rest_of_first = (from.1.saturating_add(1)..=last_minor(from.0)).map(|minor| (from.0, minor));
    let whole = (from.0.saturating_add(1)..to.0).flat_map(|major| (0..=last_minor(major)).map(move |minor| (major, minor)));
    let start_of_last = (0..to.1).map(|minor| (to.0, minor));
    rest_of_first.chain(whole).chain(start_of_last).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> MastodonVersion {
        text.parse().unwrap()
    }

    fn catalogue(versions: &[MastodonVersion]) -> Releases {
        Releases::for_tests(versions)
    }

    #[test]
    fn every_minor_on_the_way_is_deployed() {
        let releases = catalogue(&["4.3.0", "4.3.23", "4.4.0", "4.4.8", "4.5.11", "4.6.5"].map(version));
        let hops_of = |from, to| hops(version(from), version(to), &releases);
        assert_eq!(hops_of("4.3.0", "4.6.5"), Ok(["4.4.8", "4.5.11", "4.6.5"].map(version).to_vec()));
        assert_eq!(hops_of("4.3.0", "4.3.23"), Ok(vec![version("4.3.23")]));
        assert_eq!(hops_of("4.3.5", "4.4.0"), Ok(vec![version("4.4.0")]));
        assert_eq!(hops_of("4.5.11", "4.4.8").unwrap_err(), UpgradeError::NotNewer { from: version("4.5.11"), to: version("4.4.8") });
        assert_eq!(hops_of("4.3.0", "4.7.0").unwrap_err(), UpgradeError::Unknown { to: version("4.7.0") });
        assert_eq!(
            hops(version("4.3.0"), version("4.5.11"), &catalogue(&[version("4.5.11")])).unwrap_err(),
            UpgradeError::MissingLine { major: 4, minor: 4 }
        );
    }

    fn any_version() -> impl Strategy<Value = MastodonVersion> {
        (4_u16..6, 0_u16..6, 0_u16..4).prop_map(|(major, minor, patch)| MastodonVersion::new(major, minor, patch))
    }

    proptest! {
        #[test]
        fn a_plan_climbs_by_one_line_at_a_time(versions in prop::collection::btree_set(any_version(), 1..30), from in any_version(), to in any_version()) {
            let versions: Vec<MastodonVersion> = versions.into_iter().collect();
            let releases = catalogue(&versions);
            let Ok(plan) = hops(from, to, &releases) else { return Ok(()) };
            prop_assert_eq!(*plan.last().unwrap(), to);
            let mut at = from;
            for hop in plan {
                prop_assert!(at < hop, "{} is not above {}", hop, at);
                prop_assert!(versions.contains(&hop));
                let is_next = if at.major == hop.major { hop.minor - at.minor <= 1 } else { hop.line() == (at.major + 1, 0) };
                prop_assert!(is_next, "{} to {} skips a line", at, hop);
                let skipped = versions.iter().filter(|it| at.line() < it.line() && it.line() < hop.line()).count();
                prop_assert_eq!(skipped, 0);
                at = hop;
            }
        }

        #[test]
        fn where_every_line_is_known_there_is_a_way(from in 0_u16..8, to in 0_u16..8, patch in 0_u16..4) {
            let versions: Vec<MastodonVersion> = (0..8).map(|minor| MastodonVersion::new(4, minor, 3)).collect();
            let plan = hops(MastodonVersion::new(4, from, patch), MastodonVersion::new(4, to, 3), &catalogue(&versions));
            prop_assert_eq!(plan.is_ok(), MastodonVersion::new(4, from, patch) < MastodonVersion::new(4, to, 3));
        }
    }
}
