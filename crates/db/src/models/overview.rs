//! One server with all that belongs to it, in one query: for the pages that show it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::account::Account;
use super::address_look::AddressLook;
use super::instance::Instance;
use super::move_out::MoveOut;
use super::observation::Glance;
use super::owner_bootstrap::OwnerBootstrap;
use super::place::Cluster;
use super::probe::Probe;
use super::public_face::PublicFace;
use crate::Conn;
use crate::schema::{
    accounts, address_looks, clusters, instance_observations, instances, moves_out, owner_bootstrap, probes, public_faces,
};

pub struct Overview {
    pub instance: Instance,
    pub account: Account,
    pub cluster: Cluster,
    pub glance: Option<Glance>,
    pub probe: Option<Probe>,
    pub look: Option<AddressLook>,
    pub face: Option<PublicFace>,
    pub owner: Option<OwnerBootstrap>,
    pub move_out: Option<MoveOut>,
}

type Row = (
    Instance,
    Account,
    Cluster,
    Option<Glance>,
    Option<Probe>,
    Option<AddressLook>,
    Option<PublicFace>,
    Option<OwnerBootstrap>,
    Option<MoveOut>,
);

/// The same columns of the same tables: a function would have to write their type out.
macro_rules! joined {
    () => {
        instances::table
            .inner_join(accounts::table)
            .inner_join(clusters::table)
            .left_join(instance_observations::table)
            .left_join(probes::table)
            .left_join(address_looks::table)
            .left_join(public_faces::table)
            .left_join(owner_bootstrap::table)
            .left_join(moves_out::table)
            .select((
                Instance::as_select(),
                Account::as_select(),
                Cluster::as_select(),
                Option::<Glance>::as_select(),
                Option::<Probe>::as_select(),
                Option::<AddressLook>::as_select(),
                Option::<PublicFace>::as_select(),
                Option::<OwnerBootstrap>::as_select(),
                Option::<MoveOut>::as_select(),
            ))
    };
}

impl Overview {
    pub async fn by_id(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Self>> {
        let row: Option<Row> = joined!().filter(instances::id.eq(id)).first(conn).await.optional()?;
        Ok(row.map(Into::into))
    }

    /// The live server of that slug; where there is none, the newest of those that are gone.
    pub async fn by_slug(conn: &mut Conn, slug: &str) -> QueryResult<Option<Self>> {
        let row: Option<Row> = joined!()
            .filter(instances::slug.eq(slug))
            .order((instances::tombstoned_at.is_null().desc(), instances::id.desc()))
            .first(conn)
            .await
            .optional()?;
        Ok(row.map(Into::into))
    }
}

impl From<Row> for Overview {
    fn from((instance, account, cluster, glance, probe, look, face, owner, move_out): Row) -> Self {
        Self { instance, account, cluster, glance, probe, look, face, owner, move_out }
    }
}
