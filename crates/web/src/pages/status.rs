//! `/status`: which parts of the platform answer right now, as this process sees it.

use actix_web::web;
use askama::Template;
use howdah_app::App;

use super::components::exact;
use super::components::{Status, Tone};
use super::frame::{Answer, Frame};

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage<'a> {
    frame: &'a Frame,
    all: Status,
    record: Status,
    looked_at: String,
}

pub async fn show(frame: Frame, app: web::Data<App>) -> Answer {
    let answers = app.database.conn().await.is_ok();
    let record = if answers { Status::new(Tone::Well, "Answers") } else { Status::new(Tone::Wrong, "Does not answer") };
    let all = if answers { Status::new(Tone::Well, "All well") } else { Status::new(Tone::Wrong, "Partly away") };
    frame.page(&StatusPage { frame: &frame, all, record, looked_at: exact(frame.now) })
}
