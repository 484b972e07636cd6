//! A server's state as a word and a colour.

use howdah_app::App;
use howdah_app::instances::InstanceView;
use howdah_domain::Phase;

use crate::pages::components::{Status, Tone, steps};

pub const fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::AwaitingPayment => "Waiting for payment",
        Phase::AwaitingApproval => "Waiting for approval",
        Phase::Launching => "Launching",
        Phase::Rehearsing => "Waiting for your decision",
        Phase::CuttingOver => "Cutting over",
        Phase::LaunchHeldUp => "Launch held up",
        Phase::WaitingForAddress => "Waiting for its address",
        Phase::Running => "Running",
        Phase::Unwell => "Not all is well",
        Phase::ReadOnly => "Read-only",
        Phase::Suspended => "Suspended",
        Phase::MovingOut => "Moving out",
        Phase::MovedOut => "Moved",
        Phase::Closing => "Closing",
        Phase::Removing => "Being removed",
        Phase::MakingFinalBundle => "Making the final bundle",
        Phase::FinalBundleHeldUp => "Final bundle held up",
        Phase::SayingFarewell => "Saying farewell",
        Phase::FarewellHeldUp => "Farewell held up",
        Phase::TearingDown => "Being deleted",
        Phase::Gone => "Gone",
    }
}

pub const fn tone(phase: Phase) -> Tone {
    match phase {
        Phase::Running => Tone::Well,
        Phase::LaunchHeldUp | Phase::FinalBundleHeldUp | Phase::FarewellHeldUp | Phase::Unwell => Tone::Wrong,
        Phase::Rehearsing
        | Phase::WaitingForAddress
        | Phase::ReadOnly
        | Phase::Suspended
        | Phase::AwaitingPayment
        | Phase::MovingOut
        | Phase::Closing
        | Phase::Removing => Tone::Warn,
        Phase::AwaitingApproval
        | Phase::Launching
        | Phase::CuttingOver
        | Phase::MovedOut
        | Phase::MakingFinalBundle
        | Phase::SayingFarewell
        | Phase::TearingDown
        | Phase::Gone => Tone::Wait,
    }
}

/// What its people can do where no button does it.
pub const fn way_out(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::AwaitingPayment => {
            Some("Write to the support to have it granted. If you want it no more, close it: nothing of it is there yet.")
        }
        Phase::ReadOnly | Phase::Suspended => Some("Write to the support to have it granted. You can take everything along meanwhile."),
        Phase::Unwell => Some("You need to do nothing. If it lasts for more than half an hour, write to the support."),
        Phase::Removing => Some("If that is a mistake, write to the support before the grace period ends: none of you can undo it here."),
        _ => None,
    }
}

/// `Launching 5 of 9`, while steps are counted.
pub fn status(server: &InstanceView) -> Status {
    let counted = server.operation.as_ref().filter(|_| matches!(server.phase, Phase::Launching | Phase::LaunchHeldUp | Phase::TearingDown));
    let words = match counted.map(steps::done) {
        Some((done, all)) if all > 0 => format!("{} {done} of {all}", word(server.phase)),
        _ => word(server.phase).to_owned(),
    };
    Status::new(tone(server.phase), words)
}

/// To whoever sends a form that was made before the server was changed.
pub fn changed_meanwhile(server: &InstanceView) -> String {
    format!(
        "This server was changed after the page was opened: it is “{}” now, and its activity tells who did what. Nothing of yours was done.",
        status(server).word
    )
}

/// The plan's name.
pub fn plan(app: &App, server: &InstanceView) -> String {
    app.plans.get(&server.plan).map_or_else(|| server.plan.clone(), |it| it.name.clone())
}

/// Whose accounts go with it.
pub fn people(server: &InstanceView) -> String {
    match server.usage.map(|it| it.users) {
        None => "everybody on it".to_owned(),
        Some(1) => "1 person".to_owned(),
        Some(users) => format!("{users} people"),
    }
}

/// Nothing of it changes by itself for now: its page need not be kept up to date.
pub const fn is_at_rest(server: &InstanceView) -> bool {
    server.operation.is_none()
        && matches!(server.phase, Phase::Running | Phase::ReadOnly | Phase::Suspended | Phase::AwaitingPayment | Phase::Gone)
}

/// `12.4 GB`, in the units of the plans' limits and of Mastodon's own pages, where 1 GB is 1024 MB.
pub fn bytes(it: i64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KB", "MB", "GB", "TB"];
    let mut size = it.max(0);
    let mut unit = 0;
    let mut tenths = 0;
    while size >= 1024 && unit + 1 < UNITS.len() {
        tenths = size % 1024 * 10 / 1024;
        size /= 1024;
        unit += 1;
    }
    let unit = UNITS.get(unit).copied().unwrap_or_default();
    if tenths == 0 { format!("{size} {unit}") } else { format!("{size}.{tenths} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_can_be_read() {
        let table = [
            (0, "0 bytes"),
            (1_023, "1023 bytes"),
            (1_024, "1 KB"),
            (10 << 30, "10 GB"),
            ((12 << 30) + (461 << 20), "12.4 GB"),
            (2_000 << 40, "2000 TB"),
            (-1, "0 bytes"),
        ];
        for (size, words) in table {
            assert_eq!(bytes(size), words);
        }
    }
}
