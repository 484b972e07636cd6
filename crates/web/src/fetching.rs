//! Links to the files of an export, as curl takes them: everybody has it, and it fetches by the hundred thousand.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use futures::{StreamExt, stream};
use howdah_app::exports::{Link, Links};

/// `birds.example.curl`, written while it is sent. One that breaks off ends the connection, so that nobody takes it for whole.
pub fn answer(links: Links) -> HttpResponse {
    let Links { domain, made_at, until, all } = links;
    let folder = format!("{domain}-{}", made_at.format("%Y-%m-%d"));
    let head = format!(
        "# {domain}, taken along on {}. These links end on {}.\n# Fetch all of it into the folder {folder}:  curl --config {domain}.curl\n\
         # Then see that it is whole:  howdah bundle verify {folder}\ncreate-dirs\nfail\nparallel\nretry = 5\n",
        made_at.format("%-d %B %Y, %H:%M UTC"),
        until.format("%-d %B %Y, %H:%M UTC"),
    );
    let blocks = all.map(move |link| link.map(|link| Bytes::from(block(&folder, &link))));
    let whole = stream::once(async { Ok(Bytes::from(head)) }).chain(blocks).chain(stream::once(async { Ok(Bytes::from_static(END)) }));
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{domain}.curl\"")))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(whole)
}

const END: &[u8] = b"# The end.\n";

fn block(folder: &str, link: &Link) -> String {
    match link {
        // A URL has neither quote nor backslash, and a path of a bundle none either.
        Link::To { path, url } => format!("url = \"{url}\"\noutput = \"{folder}/{}\"\n", path.as_str()),
        Link::LeftOut => "# A file whose name can't be written on every disk was left out.\n".to_owned(),
    }
}
