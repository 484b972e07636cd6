//! What happens to a server next by itself, and what somebody can do with it: once for pages, mails and the API.

use crate::instance::phase::Phase;
use crate::lifecycle::{Deletion, words};

words! {
    Action {
        SetRecords = "set_records",
        Rehearse = "rehearse",
        OpenServer = "open_server",
        ShowOwnerLink = "show_owner_link",
        SendOwnerLink = "send_owner_link",
        Retry = "retry",
        Approve = "approve",
        Undo = "undo",
        EndGrace = "end_grace",
        MoveOut = "move_out",
        Close = "close",
        Remove = "remove",
    }
}

impl Action {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SetRecords => "Set the records of your domain",
            Self::Rehearse => "Look at the rehearsal and decide",
            Self::OpenServer => "Open the server",
            Self::ShowOwnerLink => "Show the owner's set-password link",
            Self::SendOwnerLink => "Send a new link",
            Self::Retry => "Try again",
            Self::Approve => "Approve",
            Self::Undo => "Undo",
            Self::EndGrace => "End the grace period now",
            Self::MoveOut => "Move to another host",
            Self::Close => "Close this server",
            Self::Remove => "Remove this server",
        }
    }

    /// What it does, for whom it matters.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::SetRecords => "The address leads here once your domain's records are set. The address page shows each.",
            Self::Rehearse => "Look at what was imported before it takes its old server's place. Until then the old one serves.",
            Self::OpenServer => "It opens at its own address.",
            Self::ShowOwnerLink => "Whoever has the link sets the password of the owner's account.",
            Self::SendOwnerLink => {
                "Whoever has the link sets the password of the owner's account. The link before it opens nothing any more."
            }
            Self::Retry => "What failed is tried at once; what was done stays.",
            Self::Approve => "The server starts.",
            Self::Undo => "The server goes on as before.",
            Self::EndGrace => "What comes after the grace period begins within moments, and nobody can take it back.",
            Self::MoveOut => {
                "The server stops, a final bundle is made for the new host, and our copy goes once that host serves its address."
            }
            Self::Close => "After a grace period every server that it knows is told to delete its accounts, and then its data is deleted.",
            Self::Remove => "After a grace period our copy is deleted. Nobody is told.",
        }
    }

    /// The call of the API that does the same; `None` for what only leads somewhere.
    #[must_use]
    pub const fn call(self) -> Option<&'static str> {
        match self {
            Self::SetRecords | Self::Rehearse | Self::OpenServer => None,
            Self::ShowOwnerLink => Some("POST /api/v1/instances/{id}/owner-link"),
            Self::SendOwnerLink => Some("POST /api/v1/instances/{id}/owner-link/new"),
            Self::Retry => Some("POST /api/v1/operations/{id}/retry"),
            Self::Approve => Some("POST /api/v1/instances/{id}/approve"),
            Self::Undo => Some("POST /api/v1/instances/{id}/undo"),
            Self::EndGrace => Some("POST /api/v1/instances/{id}/close/now"),
            Self::MoveOut => Some("POST /api/v1/instances/{id}/move-out"),
            Self::Close => Some("POST /api/v1/instances/{id}/close"),
            Self::Remove => Some("DELETE /api/v1/instances/{id}"),
        }
    }
}

/// What decides over what can be done.
#[derive(Debug, Clone, Copy)]
pub struct ActionFacts {
    pub phase: Phase,
    /// Being closed or removed, and whether that can be taken back.
    pub leaving: Option<(Deletion, bool)>,
    /// And its grace period is not over.
    pub has_grace: bool,
    /// The customer's own domain, whose records are not all right.
    pub lacks_records: bool,
    /// It has answered at its address.
    pub has_answered: bool,
    pub owner_link_is_ready: bool,
    /// It runs, and no other link is on its way.
    pub owner_link_can_be_sent: bool,
    /// There is something of it, and its address is the customer's own: another host can serve it.
    pub can_move_out: bool,
    /// Its newest operation failed, or is held up.
    pub is_in_trouble: bool,
    /// Of whoever asks: may decide what can't be taken back.
    pub is_owner: bool,
    pub is_operator: bool,
}

/// In the order in which they are offered: what is to be done first, what ends it last.
#[must_use]
pub fn actions(facts: &ActionFacts) -> Vec<Action> {
    let is_gone = facts.phase == Phase::Gone;
    let is_held = matches!(facts.phase, Phase::AwaitingApproval | Phase::AwaitingPayment | Phase::Suspended);
    let may_undo = match facts.leaving {
        Some((Deletion::MoveOut | Deletion::Close, can_be_undone)) => can_be_undone && facts.is_owner,
        Some((Deletion::Remove, can_be_undone)) => can_be_undone && facts.is_operator,
        None => false,
    };
    let stays = facts.leaving.is_none() && !is_gone;
    let offered = |action: Action| match action {
        Action::SetRecords => facts.lacks_records && stays,
        Action::Rehearse => facts.phase == Phase::Rehearsing,
        Action::OpenServer => {
            facts.has_answered && !is_gone && !matches!(facts.phase, Phase::Suspended | Phase::MovingOut | Phase::TearingDown)
        }
        Action::ShowOwnerLink => facts.owner_link_is_ready && facts.is_owner && stays,
        Action::SendOwnerLink => facts.owner_link_can_be_sent && facts.is_owner && stays,
        Action::Retry => facts.is_in_trouble && facts.is_operator && !is_gone,
        Action::Approve => is_held && facts.is_operator,
        Action::Undo => may_undo && !is_gone,
        Action::EndGrace => may_undo && facts.has_grace && !is_gone,
        Action::MoveOut => stays && facts.is_owner && facts.can_move_out,
        Action::Close => stays && facts.is_owner,
        Action::Remove => stays && facts.is_operator,
    };
    Action::ALL.iter().copied().filter(|it| offered(*it)).collect()
}

impl Phase {
    /// What happens next by itself. One that never answered at its address is known to nobody, and says no farewell.
    #[must_use]
    pub const fn next(self, says_farewell: bool) -> &'static str {
        match self {
            Self::AwaitingPayment => "It starts by itself once it is paid for or granted.",
            Self::AwaitingApproval => "It starts by itself once an operator has approved it.",
            Self::Launching => "Its steps go on by themselves. A mail goes to the owner when the server is ready.",
            Self::Rehearsing => "It waits for your decision. Until then your old server goes on serving.",
            Self::CuttingOver => "When it is loaded, it runs. A mail says so.",
            Self::LaunchHeldUp => "The step is tried again with growing pauses. What was done stays.",
            Self::WaitingForAddress => "Your domain's records are looked at again and again. It opens by itself once they lead here.",
            Self::Running => "It runs on by itself.",
            Self::Unwell => "What stopped is started again by itself, again and again.",
            Self::ReadOnly => "It takes posts again by itself once it is paid for or granted.",
            Self::Suspended => "It starts again by itself once it is paid for or granted. Nothing is deleted meanwhile.",
            Self::MovingOut => "Its final bundle is made. Then its address is looked at every minute, until another host serves it.",
            Self::MovedOut => {
                "Its data here is deleted after a while, so that nothing is lost by a mistake. For a year its media host can lead to the new one. Nobody is told."
            }
            Self::Closing if says_farewell => {
                "When the grace period is over, every server that it knows is told to delete its accounts. Then its data is deleted."
            }
            Self::Closing | Self::Removing => "When the grace period is over, its data is deleted. Nobody is told.",
            Self::MakingFinalBundle | Self::FinalBundleHeldUp if says_farewell => {
                "When it is whole, every server that it knows is told to delete its accounts. Then its data is deleted."
            }
            Self::MakingFinalBundle | Self::FinalBundleHeldUp => "When it is whole, the server's data is deleted. Nobody is told.",
            Self::SayingFarewell => "When every server has been told, its data is deleted.",
            Self::FarewellHeldUp => "It goes on by itself once its address leads here again.",
            Self::TearingDown => "When everything is deleted, only an entry without personal data stays.",
            Self::Gone => "Only this entry is left of it, without personal data.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUSTOMER: ActionFacts = ActionFacts {
        phase: Phase::Running,
        leaving: None,
        has_grace: false,
        lacks_records: false,
        has_answered: true,
        owner_link_is_ready: false,
        owner_link_can_be_sent: false,
        can_move_out: false,
        is_in_trouble: false,
        is_owner: true,
        is_operator: false,
    };
    const OPERATOR: ActionFacts = ActionFacts { is_operator: true, ..CUSTOMER };

    #[test]
    fn who_can_do_what() {
        use Action::{
            Approve, Close, EndGrace, MoveOut, OpenServer, Rehearse, Remove, Retry, SendOwnerLink, SetRecords, ShowOwnerLink, Undo,
        };
        let closing = |can_be_undone| Some((Deletion::Close, can_be_undone));
        let removing = Some((Deletion::Remove, true));
        let launching = ActionFacts { phase: Phase::Launching, has_answered: false, ..CUSTOMER };
        let closing_now = ActionFacts { phase: Phase::Closing, leaving: closing(true), has_grace: true, ..CUSTOMER };
        let moving = ActionFacts { phase: Phase::MovingOut, leaving: Some((Deletion::MoveOut, true)), can_move_out: true, ..CUSTOMER };
        let table: [(ActionFacts, &[Action]); 22] = [
            (ActionFacts { phase: Phase::Rehearsing, lacks_records: true, ..launching }, &[SetRecords, Rehearse, Close]),
            (CUSTOMER, &[OpenServer, Close]),
            (ActionFacts { is_owner: false, ..CUSTOMER }, &[OpenServer]),
            (ActionFacts { owner_link_is_ready: true, ..CUSTOMER }, &[OpenServer, ShowOwnerLink, Close]),
            (ActionFacts { owner_link_can_be_sent: true, ..CUSTOMER }, &[OpenServer, SendOwnerLink, Close]),
            (ActionFacts { owner_link_can_be_sent: true, is_owner: false, ..CUSTOMER }, &[OpenServer]),
            (ActionFacts { lacks_records: true, ..launching }, &[SetRecords, Close]),
            (ActionFacts { phase: Phase::LaunchHeldUp, is_in_trouble: true, ..launching }, &[Close]),
            (ActionFacts { phase: Phase::LaunchHeldUp, is_in_trouble: true, has_answered: false, ..OPERATOR }, &[Retry, Close, Remove]),
            (ActionFacts { phase: Phase::AwaitingApproval, has_answered: false, ..OPERATOR }, &[Approve, Close, Remove]),
            (ActionFacts { phase: Phase::Closing, leaving: closing(true), ..CUSTOMER }, &[OpenServer, Undo]),
            (closing_now, &[OpenServer, Undo, EndGrace]),
            (ActionFacts { is_owner: false, ..closing_now }, &[OpenServer]),
            (ActionFacts { phase: Phase::Removing, leaving: removing, ..closing_now }, &[OpenServer]),
            (ActionFacts { phase: Phase::SayingFarewell, leaving: closing(false), ..CUSTOMER }, &[OpenServer]),
            (ActionFacts { phase: Phase::Removing, leaving: removing, ..CUSTOMER }, &[OpenServer]),
            (ActionFacts { phase: Phase::Removing, leaving: removing, ..OPERATOR }, &[OpenServer, Undo]),
            (ActionFacts { can_move_out: true, ..CUSTOMER }, &[OpenServer, MoveOut, Close]),
            (ActionFacts { can_move_out: true, is_owner: false, ..CUSTOMER }, &[OpenServer]),
            (moving, &[Undo]),
            (ActionFacts { phase: Phase::MovedOut, leaving: Some((Deletion::MoveOut, false)), ..moving }, &[OpenServer]),
            (ActionFacts { phase: Phase::Gone, leaving: closing(true), is_in_trouble: true, ..OPERATOR }, &[]),
        ];
        for (facts, expected) in table {
            assert_eq!(actions(&facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn every_word_is_there() {
        for phase in Phase::ALL {
            assert!([true, false].iter().all(|it| phase.next(*it).ends_with('.')) && phase.sentence().ends_with('.'), "{phase}");
        }
        for action in Action::ALL {
            assert!(!action.label().ends_with('.') && action.sentence().ends_with('.'), "{action}");
        }
    }
}
