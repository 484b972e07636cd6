//! Mails about who belongs to an account: to every owner, so that nothing of it goes unseen, and to the one whom it is about.

use chrono::{DateTime, Utc};
use howdah_db::models::account::{Account, Membership};
use howdah_db::models::person::Person;
use howdah_db::{Conn, QueryResult};

use super::letter::Mail;
use super::outbox::{To, put};
use super::words::{at, may, page};
use crate::{App, Config, Role};

/// To the owners, as they are now. Whoever is invited has a mail of their own.
pub(crate) async fn member_invited(
    app: &App,
    conn: &mut Conn,
    account: &Account,
    by: &Person,
    email: &str,
    (role, until): (Role, DateTime<Utc>),
) -> QueryResult<()> {
    tell(app, conn, account, None, &invited(&app.config, &account.name, &called(by), email, (role, until))).await
}

pub(crate) async fn member_joined(app: &App, conn: &mut Conn, account: &Account, by: &Person, who: &Person, role: Role) -> QueryResult<()> {
    tell(app, conn, account, Some(who), &joined(&app.config, &account.name, &called(by), &called(who), role)).await
}

pub(crate) async fn member_role_changed(
    app: &App,
    conn: &mut Conn,
    account: &Account,
    by: &Person,
    who: &Person,
    roles: (Role, Role),
) -> QueryResult<()> {
    tell(app, conn, account, Some(who), &role_changed(&app.config, &account.name, &called(by), &called(who), roles)).await
}

/// By another, or by themselves.
pub(crate) async fn member_removed(app: &App, conn: &mut Conn, account: &Account, by: &Person, who: &Person) -> QueryResult<()> {
    tell(app, conn, account, Some(who), &removed(&app.config, &account.name, &called(by), &called(who))).await
}

async fn tell(app: &App, conn: &mut Conn, account: &Account, about: Option<&Person>, mail: &Mail) -> QueryResult<()> {
    let owners = Membership::owners(conn, account.id).await?;
    let other = about.filter(|it| owners.iter().all(|owner| owner.id != it.id));
    for person in owners.iter().chain(other) {
        put(app, conn, mail, &To { email: &person.email, person: Some(person.id), ..To::default() }).await?;
    }
    Ok(())
}

/// As owners know them.
fn called(person: &Person) -> String {
    if person.name.is_empty() { person.email.clone() } else { format!("{} ({})", person.name, person.email) }
}

fn ended(config: &Config, mail: Mail) -> Mail {
    mail.link("Who belongs to the account", page(config, "/account/people"))
        .text("If none of you wanted this, an owner can change it there. Then set a new password, and answer this mail.")
}

pub(super) fn invited(config: &Config, account: &str, by: &str, email: &str, (role, until): (Role, DateTime<Utc>)) -> Mail {
    let mail = Mail::new("member_invited", format!("{email} was invited to {account}"))
        .text(format!("{by} invited {email} to the account “{account}” at Howdah. They could {}.", may(role)))
        .text(format!("Until {} the invitation can be accepted by whoever reads the mails to that e-mail address.", at(until)));
    ended(config, mail)
}

pub(super) fn joined(config: &Config, account: &str, by: &str, who: &str, role: Role) -> Mail {
    let mail = Mail::new("member_joined", format!("{who} belongs to {account} now"))
        .text(format!("{who} was invited by {by} and belongs to the account “{account}” at Howdah from now on. They can {}.", may(role)));
    ended(config, mail)
}

pub(super) fn role_changed(config: &Config, account: &str, by: &str, who: &str, (before, after): (Role, Role)) -> Mail {
    let mail = Mail::new("member_role_changed", format!("{who} has another role in {account}")).text(format!(
        "{by} changed the role of {who} in the account “{account}” at Howdah: it was “{}” and is “{}”. They can {}.",
        before.as_str(),
        after.as_str(),
        may(after)
    ));
    ended(config, mail)
}

pub(super) fn removed(config: &Config, account: &str, by: &str, who: &str) -> Mail {
    let what = if by == who { format!("{who} has left") } else { format!("{by} removed {who} from") };
    let mail = Mail::new("member_removed", format!("{who} belongs to {account} no more"))
        .text(format!("{what} the account “{account}” at Howdah. Their API tokens for it and their sessions in it have ended."));
    ended(config, mail)
}
