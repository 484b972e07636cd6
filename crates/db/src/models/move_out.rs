//! What is left here of a server that moves to another host, and until when. There is a row from when that is asked for, until it is taken back.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Conn;
use crate::schema::{instances, moves_out};

#[derive(Queryable, Selectable, Insertable, Identifiable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = moves_out, primary_key(instance_id), check_for_backend(diesel::pg::Pg))]
pub struct MoveOut {
    pub instance_id: Uuid,
    /// Where its media is at the new host; `None`: under its old name, or nobody has said.
    pub media_redirect: Option<String>,
    /// Its final bundle was found whole once more.
    pub bundle_verified_at: Option<DateTime<Utc>>,
    /// Its database and bucket are destroyed, or about to be.
    pub moved_out_at: Option<DateTime<Utc>>,
    /// From the handover on.
    pub moved_out_until: Option<DateTime<Utc>>,
    /// Its final bundle was looked into last, whatever was found.
    pub bundle_looked_at: Option<DateTime<Utc>>,
}

impl MoveOut {
    pub async fn of(conn: &mut Conn, instance_id: Uuid) -> QueryResult<Option<Self>> {
        moves_out::table.find(instance_id).select(Self::as_select()).first(conn).await.optional()
    }

    pub async fn of_all(mut conn: &Conn, instance_ids: &[Uuid]) -> QueryResult<Vec<Self>> {
        moves_out::table.filter(moves_out::instance_id.eq_any(instance_ids)).select(Self::as_select()).load(&mut conn).await
    }

    const fn of_nothing(instance_id: Uuid) -> Self {
        Self {
            instance_id,
            media_redirect: None,
            bundle_verified_at: None,
            moved_out_at: None,
            moved_out_until: None,
            bundle_looked_at: None,
        }
    }

    /// Servers that were handed over before this time, whose data is still here and whose final bundle nobody has verified: those
    /// that nobody has looked into yet, and then those whose last look is the longest ago.
    pub async fn to_verify(conn: &mut Conn, handed_over_before: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Uuid>> {
        moves_out::table
            .inner_join(instances::table)
            .filter(moves_out::bundle_verified_at.is_null())
            .filter(instances::handed_over_at.le(handed_over_before))
            .filter(instances::tombstoned_at.is_null())
            .order((moves_out::bundle_looked_at.asc().nulls_first(), instances::handed_over_at))
            .limit(limit)
            .select(moves_out::instance_id)
            .load(conn)
            .await
    }

    /// Its final bundle is about to be looked into.
    pub async fn looked(conn: &mut Conn, instance_id: Uuid, now: DateTime<Utc>) -> QueryResult<()> {
        diesel::update(moves_out::table.find(instance_id)).set(moves_out::bundle_looked_at.eq(now)).execute(conn).await.map(drop)
    }

    /// Its final bundle is whole.
    pub async fn verified(conn: &mut Conn, instance_id: Uuid, now: DateTime<Utc>) -> QueryResult<()> {
        diesel::update(moves_out::table.find(instance_id)).set(moves_out::bundle_verified_at.eq(now)).execute(conn).await.map(drop)
    }

    /// Asked for, or asked for again, or its media is elsewhere than was said. Under the lock of the server's row.
    pub async fn lead_to(conn: &mut Conn, instance_id: Uuid, media_redirect: Option<&str>) -> QueryResult<()> {
        let row = Self { media_redirect: media_redirect.map(str::to_owned), ..Self::of_nothing(instance_id) };
        diesel::insert_into(moves_out::table)
            .values(&row)
            .on_conflict(moves_out::instance_id)
            .do_update()
            .set(moves_out::media_redirect.eq(media_redirect))
            .execute(conn)
            .await
            .map(drop)
    }

    /// It stays after all.
    pub async fn take_back(conn: &mut Conn, instance_id: Uuid) -> QueryResult<()> {
        diesel::delete(moves_out::table.find(instance_id)).execute(conn).await.map(drop)
    }

    /// Its data is destroyed already, which the record didn't know; `until`: as long as its media host leads there, where nobody has said.
    pub async fn found(
        conn: &mut Conn,
        instance_id: Uuid,
        media_redirect: Option<&str>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> QueryResult<()> {
        let before = Self::of(conn, instance_id).await?.unwrap_or_else(|| Self::of_nothing(instance_id));
        let row = Self {
            instance_id,
            media_redirect: media_redirect.map(str::to_owned),
            bundle_verified_at: before.bundle_verified_at.or(Some(now)),
            moved_out_at: before.moved_out_at.or(Some(now)),
            moved_out_until: before.moved_out_until.or(Some(until)),
            ..before
        };
        Self::take_back(conn, instance_id).await?;
        diesel::insert_into(moves_out::table).values(&row).execute(conn).await.map(drop)
    }

    /// Another host serves it: until then its media host leads there.
    pub async fn hand_over(conn: &mut Conn, instance_id: Uuid, until: DateTime<Utc>) -> QueryResult<()> {
        let row = Self { moved_out_until: Some(until), ..Self::of_nothing(instance_id) };
        diesel::insert_into(moves_out::table)
            .values(&row)
            .on_conflict(moves_out::instance_id)
            .do_update()
            .set(moves_out::moved_out_until.eq(until))
            .execute(conn)
            .await
            .map(drop)
    }

    /// From here on nothing of its data is here. False the second time.
    pub async fn begin(conn: &mut Conn, instance_id: Uuid, now: DateTime<Utc>) -> QueryResult<bool> {
        diesel::update(moves_out::table.find(instance_id).filter(moves_out::moved_out_at.is_null()))
            .set(moves_out::moved_out_at.eq(now))
            .execute(conn)
            .await
            .map(|rows| rows == 1)
    }
}
