//! The peer of the pages' bench: actix, diesel and the control plane's own pool, one query of one row by its id, one plain answer, and
//! nothing else. What a page costs beyond this is our own doing.

use std::net::SocketAddr;

use actix_web::error::{ErrorInternalServerError, ErrorNotFound};
use actix_web::web::{Data, Path, get};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::Context;
use clap::Parser;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use howdah_db::Database;
use howdah_db::schema::instances;
use tokio::runtime::Handle;
use uuid::Uuid;

#[derive(Parser)]
struct Args {
    #[arg(long)]
    database_url: String,
    #[arg(long)]
    database_connections: usize,
    #[arg(long)]
    listen: SocketAddr,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another TLS provider was installed first"))?;
    // As in the real server: connections are driven by this runtime, not by the worker that answers.
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime does not start")?.block_on(serve(args))
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let database = Data::new(Database::open(&args.database_url, args.database_connections, Handle::current())?);
    let app = move || App::new().app_data(database.clone()).route("/{id}", get().to(domain));
    Ok(HttpServer::new(app).workers(1).bind(args.listen)?.run().await?)
}

async fn domain(database: Data<Database>, id: Path<Uuid>) -> actix_web::Result<HttpResponse> {
    let mut conn = database.conn().await.map_err(ErrorInternalServerError)?;
    let found: Option<String> =
        instances::table.find(*id).select(instances::domain).first(&mut conn).await.optional().map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().body(found.ok_or_else(|| ErrorNotFound("no such server"))?))
}
