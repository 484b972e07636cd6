//! What happened, said on the next page: a word in a cookie that names one of these sentences. Nobody can make it say anything else.

use actix_web::cookie::{Cookie, SameSite, time::Duration};

use super::components::Tone;

pub const COOKIE: &str = "__Host-flash";

macro_rules! flashes {
    ($($name:ident = $word:literal, $sentence:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Flash { $($name),* }

        impl Flash {
            const ALL: &[Self] = &[$(Self::$name),*];

            const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),* }
            }
        }
    };
}

flashes! {
    SignedOut = "signed_out", "You are signed out.";
    SignInAgain = "sign_in_again", "Please sign in again: your session has ended. What you sent was not done.";
    Confirmed = "confirmed", "Your e-mail address is confirmed, and you are signed in.";
    PasswordSet = "password_set", "Your new password is set; every session and API token was ended. Sign in with it.";
    PasswordChanged = "password_changed", "Your password is changed, and your other sessions are ended.";
    SignInOver = "sign_in_over", "Please sign in again: the code was not given within ten minutes, or your password was changed meanwhile.";
    SecondFactorOff = "second_factor_off", "The second factor is off: your password alone is enough to sign in.";
    AppOn = "app_on", "The app's codes are on. Your recovery codes stay as they are.";
    AppOff = "app_off", "The app's codes are off: signing in takes a passkey or a recovery code.";
    PasskeyAdded = "passkey_added", "The passkey is added: you can sign in with it from now on.";
    PasskeyRenamed = "passkey_renamed", "The passkey has its new name.";
    PasskeyRemoved = "passkey_removed", "The passkey is removed: nobody signs in with it any more.";
    RecoveryCodesShown = "recovery_codes_shown", "This form was sent twice. The recovery codes were shown the first time; you can make new ones here.";
    NameChanged = "name_changed", "Your name is changed.";
    EmailLinkSent = "email_link_sent", "We sent a link to the new e-mail address. Yours changes once you have opened it.";
    EmailChanged = "email_changed", "Your e-mail address is changed.";
    SessionEnded = "session_ended", "That session is ended.";
    SessionsEnded = "sessions_ended", "Every other session is ended.";
    TokenRevoked = "token_revoked", "The token is revoked: it opens nothing any more.";
    TokenShownBefore = "token_shown_before", "This form was sent twice. The token was made once, and shown the first time.";
    Invited = "invited", "The invitation is on its way.";
    InvitationWithdrawn = "invitation_withdrawn", "The invitation is withdrawn: its link opens nothing any more.";
    InvitationAccepted = "invitation_accepted", "You belong to the account now.";
    RoleChanged = "role_changed", "The role is changed.";
    MemberRemoved = "member_removed", "That person no longer belongs to the account, and their tokens for it are revoked.";
    LooksAgain = "looks_again", "The records are being looked at again.";
    LinkOnItsWay = "link_on_its_way", "A new link is being made. It is shown here within a minute or two, and mailed to you.";
    LinkSentBefore = "link_sent_before", "This form was sent before, so no other link was made. For another one, open its page again.";
    ExportBegun = "export_begun", "It has begun. You can close this page: a run goes on by itself.";
    ExportBegunBefore = "export_begun_before", "This form was sent twice. One run has begun; if a key was made, it was shown the first time.";
    ScheduleSaved = "schedule_saved", "Saved.";
    ExportCancelled = "export_cancelled", "Cancelled: what was written so far is no bundle.";
    CutOver = "cut_over", "Decided: the bundle is loaded anew, and the server takes its old one's place.";
    PullBegun = "pull_begun", "It has begun. You can close this page: it goes on by itself, and is looked into once all is there.";
    PullStopped = "pull_stopped", "Stopped: what has arrived stays.";
    ImportDiscarded = "import_discarded", "It is thrown away.";
    MovingOut = "moving_out", "It stops, and its final bundle is made. Until another host serves its address any owner can take it back.";
    MediaLed = "media_led", "Saved: that is where its media leads, once its data here is deleted.";
    HandedOver = "handed_over", "Handed over: nothing of it runs here any more.";
    Closing = "closing", "It closes when the grace period is over. Until then any owner can take it back.";
    GraceEnded = "grace_ended", "The grace period is over: what comes after it begins within moments.";
    TakenBack = "taken_back", "Taken back: the server goes on as before.";
    AccountChosen = "account_chosen", "You work for another account now.";
    Approved = "approved", "Approved: the server starts.";
    Removing = "removing", "It is removed when the grace period is over. Until then an operator can undo it.";
    Adopted = "adopted", "Adopted: the record has the cluster's state, and syncs go on.";
    Overwritten = "overwritten", "The record is written over the cluster's state.";
    TriedAgain = "tried_again", "It is tried again now.";
    JobTriedAgain = "job_tried_again", "The job runs again now.";
    JobUnderWay = "job_under_way", "That job is under way, or done by now.";
    SignUpApproved = "sign_up_approved", "Approved: a mail tells them to sign in.";
    SignUpRefused = "sign_up_refused", "Refused: a mail tells them.";
    EventReplayed = "event_replayed", "It is handled again within moments.";
    Granted = "granted", "Granted: it runs free of charge.";
    GrantEnded = "grant_ended", "The grant is ended: from now on its bill decides.";
    PaidFor = "paid_for", "It is paid for, or on trial: the server runs within minutes. An invoice is on its bill.";
    PaymentUnderWay = "payment_under_way", "Stripe has not said yet that it is paid. There is nothing to do: the server starts when it says so, and a bank may take days.";
    OrderedByInvoice = "ordered_by_invoice", "Ordered: the server starts, and the invoice comes by mail.";
    PlanChanged = "plan_changed", "The plan is changed.";
    LimitSet = "limit_set", "The limit is set.";
    LimitLifted = "limit_lifted", "The limit is lifted.";
    SubscriptionCancelled = "subscription_cancelled", "It is cancelled, and ends with what is paid. Until then it can be taken back.";
    SubscriptionGoesOn = "subscription_goes_on", "It goes on as before.";
    SettingsSaved = "settings_saved", "The settings are saved, and apply from now on.";
}

impl Flash {
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.word() == word)
    }

    /// What was not done is not said as if it were.
    pub const fn tone(self) -> Tone {
        match self {
            Self::SignInAgain
            | Self::SignInOver
            | Self::RecoveryCodesShown
            | Self::TokenShownBefore
            | Self::LinkSentBefore
            | Self::ExportBegunBefore
            | Self::PaymentUnderWay
            | Self::JobUnderWay => Tone::Warn,
            _ => Tone::Well,
        }
    }

    pub fn cookie(self) -> Cookie<'static> {
        cookie(self.word(), Duration::minutes(5))
    }

    pub fn read() -> Cookie<'static> {
        cookie("", Duration::ZERO)
    }
}

fn cookie(value: &'static str, age: Duration) -> Cookie<'static> {
    Cookie::build(COOKIE, value).path("/").secure(true).http_only(true).same_site(SameSite::Lax).max_age(age).finish()
}
