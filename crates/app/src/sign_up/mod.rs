//! Signing up: asked for, confirmed by a link, and, where the settings say so, approved by an operator. Only then is there a
//! person, and an account of theirs.
//!
//! Anybody can ask with anybody's e-mail address. So the password is chosen where the link leads, by whoever reads the mails to it.
//!
//! An e-mail address that is known already is answered as one that is not, after the same work: what is different is the mail.

mod confirm;
mod decide;

use howdah_db::Conn;
use howdah_db::models::person::Person;
use howdah_db::models::sign_up::SignUp as Row;
use howdah_domain::{NewServers, SignUpId};

pub use confirm::{Confirmed, SignUpLook, confirm, look};
pub use decide::{WaitingSignUp, approve, one_waiting, refuse, waiting};

use crate::limits::{MAIL_FROM, Place, SIGN_UP_OF};
use crate::mails::{self, To};
use crate::sessions::Client;
use crate::{App, Error, links, people, settings};

const LINK: links::Kind = links::Kind { anew: "Sign up again to get a new one.", used: "Sign in with the password that you chose." };

/// As it was typed.
#[derive(Debug)]
pub struct SignUpRequest {
    pub name: String,
    pub email: String,
    /// Empty: the person's name.
    pub account_name: String,
}

struct Checked {
    name: String,
    email: String,
    account_name: String,
}

fn check(request: &SignUpRequest) -> Result<Checked, Error> {
    let mut fields = Vec::new();
    let name = people::name("name", &request.name).map_err(|it| fields.push(it));
    let email = people::email("email", &request.email).map_err(|it| fields.push(it));
    let account_name = match request.account_name.trim() {
        "" => name.clone(),
        typed => people::name("account_name", typed).map_err(|it| fields.push(it)),
    };
    match (name, email, account_name) {
        (Ok(name), Ok(email), Ok(account_name)) if fields.is_empty() => Ok(Checked { name, email, account_name }),
        _ => Err(Error::Invalid { fields }),
    }
}

/// Has a link mailed that makes an account, or, to an e-mail address that has one, a mail that says so.
///
/// # Errors
/// [`Error::Invalid`] with every field that is wrong; [`Error::Forbidden`] where sign-ups are closed; [`Error::RateLimited`].
pub async fn ask(app: &App, request: &SignUpRequest, client: &Client<'_>) -> Result<(), Error> {
    let checked = check(request)?;
    let mut conn = app.conn().await?;
    if settings::read(&conn).await?.sign_ups == NewServers::Closed {
        return Err(Error::Forbidden { reason: "sign_ups_closed", sentence: "New accounts are not taken at the moment." });
    }
    let place = Place::of_client(client.address);
    MAIL_FROM.take_from(app, &mut conn, &place).await?;
    SIGN_UP_OF.take(app, &mut conn, &checked.email, &place).await?;
    howdah_db::transaction(&mut conn, async |conn| put(app, conn, &checked).await).await
}

async fn put(app: &App, conn: &mut Conn, checked: &Checked) -> Result<(), Error> {
    let Checked { name, email, account_name } = checked;
    let person = Person::by_email(conn, email).await?;
    let waiting = Row::waiting_of(conn, email).await?;
    let token = links::new_token(&*app.randomness);
    let row = Row {
        id: SignUpId::generate(app.now(), &*app.randomness).as_uuid(),
        email: email.clone(),
        name: name.clone(),
        account_name: account_name.clone(),
        password_hash: None,
        token_digest: links::digest(&token),
        created_at: app.now(),
        expires_at: app.now() + links::CONFIRM,
        confirmed_at: None,
        decision: None,
        decided_at: None,
        decided_by: None,
    };
    row.insert(conn).await?;
    let link = mails::confirm_url(&app.config, &token);
    let (mail, link) = match (&person, &waiting) {
        (Some(_), _) => (mails::account_exists(&app.config), None),
        (None, Some(_)) => (mails::sign_up_waits(), None),
        (None, None) => (mails::confirm_sign_up(name, row.expires_at), Some(link.as_str())),
    };
    let to = To { email, person: person.map(|it| it.id), link, ..To::default() };
    mails::put(app, conn, &mail, &to).await?;
    Ok(())
}
