//! Wrong codes after the right password: few a day, wherever they are given, and the person is told of them: whoever gives them may know
//! the password.

use howdah_db::Conn;
use howdah_db::models::audit::Actor as AuditActor;
use serde_json::json;
use uuid::Uuid;

use crate::limits::{WRONG_CODES_OF, WRONG_CODES_TOLD};
use crate::mails::{self, To};
use crate::people::{chain_of, record};
use crate::{App, Error};

/// Fewer are anybody's mistakes.
const TOLD_FROM: i32 = 5;

/// One code of a person's, counted before it is looked at.
pub(crate) struct Guess<'a> {
    person: Uuid,
    email: &'a str,
    nth: i32,
}

impl<'a> Guess<'a> {
    /// # Errors
    /// [`Error::RateLimited`].
    pub(crate) async fn count(app: &App, conn: &mut Conn, person: Uuid, email: &'a str) -> Result<Self, Error> {
        let nth = WRONG_CODES_OF.count(app, conn, &person.to_string()).await?;
        Ok(Self { person, email, nth })
    }

    /// What came of it, after its transaction: only wrong ones stay counted.
    pub(crate) async fn settle<T>(self, app: &App, conn: &mut Conn, result: &Result<T, Error>) -> Result<(), Error> {
        match result {
            Err(Error::Invalid { .. }) if self.nth >= TOLD_FROM => {
                howdah_db::transaction(conn, async |conn| self.tell(app, conn).await).await
            }
            Err(Error::Invalid { .. }) => Ok(()),
            _ => WRONG_CODES_OF.give_back(conn, &self.person.to_string()).await,
        }
    }

    /// Once in a window.
    async fn tell(&self, app: &App, conn: &mut Conn) -> Result<(), Error> {
        match WRONG_CODES_TOLD.take(app, conn, &self.person.to_string()).await {
            Err(Error::RateLimited { .. }) => return Ok(()),
            taken => taken?,
        }
        let mail = mails::codes_refused(&app.config, self.nth, app.now());
        mails::put(app, conn, &mail, &To { email: self.email, person: Some(self.person), ..To::default() }).await?;
        let (chain, subject) = (chain_of(conn, self.person).await?, ("person", self.person));
        // Nobody knows who it was.
        record(app, conn, chain, AuditActor::Platform, "sign_in.code_refused", subject, json!({"wrong": self.nth})).await
    }
}
