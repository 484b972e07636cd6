//! Mails to be sent: written in the transaction that they tell of, sent by a job afterwards, or dropped where what they tell of is no
//! longer so.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::mail_outbox;

#[derive(Queryable, Selectable, Identifiable, Clone)]
#[diesel(table_name = mail_outbox, check_for_backend(diesel::pg::Pg))]
pub struct Mail {
    pub id: Uuid,
    pub purpose: String,
    pub person_id: Option<Uuid>,
    pub recipient: String,
    pub subject: String,
    pub text_body: String,
    pub html_body: Option<String>,
    pub attempts: i32,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    /// Opens something to whoever has it: kept until the mail is sent.
    pub link: Option<String>,
    /// The server that it is about.
    pub instance_id: Option<Uuid>,
    /// Of the owner's link that it is about: [`super::owner_bootstrap::OwnerBootstrap::version`].
    pub link_version: Option<i32>,
    /// It is not sent any more, and why.
    pub dropped_at: Option<DateTime<Utc>>,
    pub dropped_reason: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = mail_outbox)]
pub struct NewMail<'a> {
    pub id: Uuid,
    pub purpose: &'a str,
    pub person_id: Option<Uuid>,
    pub recipient: &'a str,
    pub subject: &'a str,
    pub text_body: &'a str,
    pub html_body: Option<&'a str>,
    pub link: Option<&'a str>,
    pub instance_id: Option<Uuid>,
    pub link_version: Option<i32>,
    pub created_at: DateTime<Utc>,
}

/// Neither sent nor dropped.
#[diesel::dsl::auto_type(no_type_alias)]
fn waits() -> _ {
    mail_outbox::sent_at.is_null().and(mail_outbox::dropped_at.is_null())
}

impl NewMail<'_> {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(mail_outbox::table).values((self, mail_outbox::attempts.eq(0))).execute(conn).await
    }
}

impl Mail {
    pub async fn by_id(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        mail_outbox::table.find(id).select(Self::as_select()).first(conn).await.optional()
    }

    /// As it is now, locked until the transaction ends; `None` where another sender holds it, or it has ended.
    pub async fn lock_unsent(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        mail_outbox::table.find(id).filter(waits()).for_update().skip_locked().select(Self::as_select()).first(conn).await.optional()
    }

    /// What is still to be sent, the oldest first.
    pub async fn waiting(conn: &mut Conn, limit: i64) -> QueryResult<Vec<Self>> {
        mail_outbox::table.filter(waits()).order(mail_outbox::created_at).limit(limit).select(Self::as_select()).load(conn).await
    }

    /// Its link is the recipient's alone from here on.
    pub async fn sent(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(mail_outbox::table.find(id))
            .set((mail_outbox::sent_at.eq(now), mail_outbox::attempts.eq(mail_outbox::attempts + 1), mail_outbox::link.eq(None::<String>)))
            .execute(conn)
            .await
    }

    /// It is not sent any more. What opened something is forgotten.
    pub async fn dropped(conn: &mut Conn, id: Uuid, reason: &str, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(mail_outbox::table.find(id).filter(waits()))
            .set((mail_outbox::dropped_at.eq(now), mail_outbox::dropped_reason.eq(reason), mail_outbox::link.eq(None::<String>)))
            .execute(conn)
            .await
    }

    pub async fn refused(conn: &mut Conn, id: Uuid, error: &str) -> QueryResult<usize> {
        let error: String = error.chars().take(2000).collect();
        diesel::update(mail_outbox::table.find(id))
            .set((mail_outbox::last_error.eq(error), mail_outbox::attempts.eq(mail_outbox::attempts + 1)))
            .execute(conn)
            .await
    }

    /// Deletes those to a person, sent or not.
    pub async fn erase(conn: &mut Conn, person_id: Uuid, email: &str) -> QueryResult<usize> {
        let theirs = mail_outbox::person_id.eq(person_id).assume_not_null().or(mail_outbox::recipient.eq(email));
        diesel::delete(mail_outbox::table.filter(theirs)).execute(conn).await
    }

    /// Deletes what was sent or dropped before `before`: it says who was written to, and about what.
    pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> QueryResult<usize> {
        diesel::sql_query("DELETE FROM mail_outbox WHERE coalesce(sent_at, dropped_at) < $1")
            .bind::<diesel::sql_types::Timestamptz, _>(before)
            .execute(conn)
            .await
    }
}
