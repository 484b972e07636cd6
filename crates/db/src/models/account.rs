//! Accounts own and pay; a membership gives a person a role in one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::instance::Page;
use super::person::Person;
use crate::Conn;
use crate::schema::{accounts, memberships, people};

#[derive(Queryable, Selectable, Identifiable, Clone, Debug)]
#[diesel(table_name = accounts, check_for_backend(diesel::pg::Pg))]
pub struct Account {
    pub id: Uuid,
    /// `person` or `organisation`.
    pub kind: String,
    pub name: String,
    /// Absent: as the settings say.
    pub servers_allowed: Option<i32>,
    pub created_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
}

#[derive(Insertable)]
#[diesel(table_name = accounts)]
pub struct NewAccount<'a> {
    pub id: Uuid,
    pub kind: &'a str,
    pub name: &'a str,
    pub servers_allowed: Option<i32>,
    pub created_at: DateTime<Utc>,
}

impl NewAccount<'_> {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<Account> {
        diesel::insert_into(accounts::table).values(self).returning(Account::as_returning()).get_result(conn).await
    }
}

impl Account {
    pub async fn by_id(mut conn: &Conn, id: Uuid) -> QueryResult<Option<Self>> {
        accounts::table.find(id).select(Self::as_select()).first(&mut conn).await.optional()
    }

    /// The row, locked until the transaction ends: what is counted of an account stays true until then.
    pub async fn lock(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        accounts::table.find(id).for_update().select(Self::as_select()).first(conn).await.optional()
    }

    /// Nobody works for it any more. Its name may be somebody's: this one takes its place.
    pub async fn close(conn: &mut Conn, id: Uuid, name: &str, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(accounts::table.find(id)).set((accounts::name.eq(name), accounts::closed_at.eq(now))).execute(conn).await
    }

    pub async fn allow_servers(conn: &mut Conn, id: Uuid, servers: Option<i32>) -> QueryResult<bool> {
        diesel::update(accounts::table.find(id)).set(accounts::servers_allowed.eq(servers)).execute(conn).await.map(|rows| rows == 1)
    }
}

#[derive(Queryable, Selectable, Identifiable, Insertable, Clone, Debug)]
#[diesel(table_name = memberships, primary_key(account_id, person_id), check_for_backend(diesel::pg::Pg))]
pub struct Membership {
    pub account_id: Uuid,
    pub person_id: Uuid,
    /// `owner`, `technical` or `billing`.
    pub role: String,
    pub created_at: DateTime<Utc>,
}

impl Membership {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(memberships::table).values(self).execute(conn).await
    }

    pub async fn of(conn: &mut Conn, account_id: Uuid, person_id: Uuid) -> QueryResult<Option<Self>> {
        memberships::table.find((account_id, person_id)).select(Self::as_select()).first(conn).await.optional()
    }

    /// And whose it is. Neither changes until the transaction ends; several may hold them at once.
    pub async fn hold(conn: &mut Conn, account_id: Uuid, person_id: Uuid) -> QueryResult<Option<(Self, Person)>> {
        // The account first, as whoever changes its people does.
        accounts::table.find(account_id).for_key_share().select(accounts::id).first::<Uuid>(conn).await.optional()?;
        memberships::table
            .inner_join(people::table)
            .filter(memberships::account_id.eq(account_id))
            .filter(memberships::person_id.eq(person_id))
            .filter(people::erased_at.is_null())
            .for_share()
            .select((Self::as_select(), Person::as_select()))
            .first(conn)
            .await
            .optional()
    }

    /// Who owns an account, the oldest first.
    pub async fn owners(conn: &mut Conn, account_id: Uuid) -> QueryResult<Vec<Person>> {
        memberships::table
            .inner_join(people::table.on(people::id.eq(memberships::person_id)))
            .filter(memberships::account_id.eq(account_id))
            .filter(memberships::role.eq("owner"))
            .filter(people::erased_at.is_null())
            .order((memberships::created_at, memberships::person_id))
            .select(Person::as_select())
            .load(conn)
            .await
    }

    /// A person's accounts with their role in each, the oldest first.
    pub async fn of_person(conn: &mut Conn, person_id: Uuid) -> QueryResult<Vec<(Self, Account)>> {
        memberships::table
            .inner_join(accounts::table)
            .filter(memberships::person_id.eq(person_id))
            .order((memberships::created_at, memberships::account_id))
            .select((Self::as_select(), Account::as_select()))
            .load(conn)
            .await
    }

    /// An account's people with their role in it, the first first.
    pub async fn of_account(conn: &mut Conn, account_id: Uuid) -> QueryResult<Vec<(Self, Person)>> {
        memberships::table
            .inner_join(people::table)
            .filter(memberships::account_id.eq(account_id))
            .filter(people::erased_at.is_null())
            .order((memberships::created_at, memberships::person_id))
            .select((Self::as_select(), Person::as_select()))
            .load(conn)
            .await
    }

    /// The same people, the newest first by when they came to the platform.
    pub async fn page_of_account(conn: &mut Conn, account_id: Uuid, page: Page) -> QueryResult<Vec<(Self, Person)>> {
        let mut query = memberships::table
            .inner_join(people::table)
            .filter(memberships::account_id.eq(account_id))
            .filter(people::erased_at.is_null())
            .into_boxed();
        if let Some(before) = page.before {
            query = query.filter(memberships::person_id.lt(before));
        }
        query.order(memberships::person_id.desc()).limit(page.limit).select((Self::as_select(), Person::as_select())).load(conn).await
    }

    pub async fn set_role(conn: &mut Conn, account_id: Uuid, person_id: Uuid, role: &str) -> QueryResult<bool> {
        diesel::update(memberships::table.find((account_id, person_id)))
            .set(memberships::role.eq(role))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }

    /// With it go the person's tokens for the account and sessions in it.
    pub async fn remove(conn: &mut Conn, account_id: Uuid, person_id: Uuid) -> QueryResult<bool> {
        diesel::delete(memberships::table.find((account_id, person_id))).execute(conn).await.map(|rows| rows == 1)
    }
}
