//! `/operator/places`: clusters, database servers and object stores, each with its room.

use actix_web::web;
use askama::Template;
use howdah_app::App;
use howdah_app::fleet::{self, PlaceView};
use howdah_domain::listing::PlaceKind;

use super::counts::with_commas;
use super::head::Head;
use crate::pages::components::{Copyable, Empty, Meter, Status, Tone, When};
use crate::pages::frame::{Answer, Frame};
use crate::pages::visitor::Operator;

pub const HERE: &str = "/operator/places";

#[derive(Template)]
#[template(path = "operator/places.html")]
struct PlacesPage<'a> {
    frame: &'a Frame,
    head: Head,
    kinds: Vec<(&'static str, Vec<PlaceView>)>,
    empty: Empty,
    /// How one is added.
    add: Copyable,
}

impl PlacesPage<'_> {
    fn status(&self, place: &PlaceView) -> Status {
        match (place.is_retired, place.unreachable_since.is_some(), place.room()) {
            (true, ..) => Status::new(Tone::Wait, "Retired"),
            (false, true, _) => Status::new(Tone::Wrong, "Unreachable"),
            (false, false, 0) => Status::new(Tone::Warn, "Full"),
            (false, false, _) => Status::new(Tone::Well, if place.is_default { "Takes new servers" } else { "Has room" }),
        }
    }

    fn room(&self, place: &PlaceView) -> Meter {
        Meter {
            label: "Servers".to_owned(),
            used: u64::try_from(place.servers).unwrap_or_default(),
            limit: u64::try_from(place.capacity).unwrap_or_default().max(1),
            words: format!("{} of {}", with_commas(place.servers), with_commas(place.capacity.into())),
            hint: match place.room() {
                0 => "No room for another.".to_owned(),
                1 => "Room for one more.".to_owned(),
                room => format!("Room for {} more.", with_commas(room)),
            },
        }
    }

    fn unreachable(&self, place: &PlaceView) -> Option<When> {
        place.unreachable_since.map(|it| When::new(it, self.frame.now))
    }

    fn seen(&self, place: &PlaceView) -> Option<When> {
        place.seen_at.map(|it| When::new(it, self.frame.now))
    }
}

pub async fn show(frame: Frame, operator: Operator, app: web::Data<App>) -> Answer {
    let places = fleet::places(&app, &operator.actor).await?;
    let of = |kind: PlaceKind| -> Vec<PlaceView> { places.iter().filter(|it| it.kind == kind).cloned().collect() };
    let kinds = [
        ("Clusters", of(PlaceKind::Cluster)),
        ("Database servers", of(PlaceKind::DatabaseServer)),
        ("Object stores", of(PlaceKind::ObjectStore)),
    ];
    frame.page(&PlacesPage {
        frame: &frame,
        head: Head::of(&app, HERE),
        kinds: kinds.into_iter().collect(),
        empty: Empty {
            title: "None yet".into(),
            sentence: "Without one no server can be launched. Where Howdah itself runs, this command adds it, and tells what it needs.",
            action: None,
        },
        add: Copyable::new("the command", "howdah admin add-place --help"),
    })
}
