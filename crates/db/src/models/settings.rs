//! What the operator decides for the whole platform: one row.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::schema::settings;

#[derive(Queryable, Selectable, Clone, Debug)]
#[diesel(table_name = settings, check_for_backend(diesel::pg::Pg))]
pub struct Settings {
    /// `open`, `by_approval` or `closed`.
    pub new_servers: String,
    pub new_servers_sentence: String,
    pub servers_per_account: i32,
    pub support_address: Option<String>,
    pub grant_every_launch: bool,
    pub revision: i64,
    pub updated_at: DateTime<Utc>,
    /// As `new_servers`; absent: `open`.
    pub sign_ups: Option<String>,
}

/// All that can be set.
#[derive(Insertable, AsChangeset, Clone, Debug)]
#[diesel(table_name = settings, treat_none_as_null = true)]
pub struct SettingsValues<'a> {
    pub new_servers: &'a str,
    pub new_servers_sentence: &'a str,
    pub servers_per_account: i32,
    pub support_address: Option<&'a str>,
    pub grant_every_launch: bool,
    pub sign_ups: Option<&'a str>,
}

impl Settings {
    /// `None` before the platform was set up.
    pub async fn get(mut conn: &Conn) -> QueryResult<Option<Self>> {
        settings::table.select(Self::as_select()).first(&mut conn).await.optional()
    }

    /// Writes the row's first revision; an existing row stays as it is.
    pub async fn found(conn: &mut Conn, values: &SettingsValues<'_>, now: DateTime<Utc>) -> QueryResult<bool> {
        diesel::insert_into(settings::table)
            .values((settings::id.eq(true), values, settings::revision.eq(1), settings::updated_at.eq(now)))
            .on_conflict_do_nothing()
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }

    /// `None` where `revision` is no longer the row's.
    pub async fn change(conn: &mut Conn, revision: i64, values: &SettingsValues<'_>, now: DateTime<Utc>) -> QueryResult<Option<Self>> {
        diesel::update(settings::table.filter(settings::revision.eq(revision)))
            .set((values, settings::revision.eq(revision + 1), settings::updated_at.eq(now)))
            .returning(Self::as_returning())
            .get_result(conn)
            .await
            .optional()
    }
}
