//! The parts that pages are made of: a struct, a template of `templates/components/` and a place in the stylesheet each. In a
//! template, `{{ part }}` writes one.

mod activity;
mod bars;
mod field;
mod marks;
mod page;
mod qr;
pub mod steps;
mod time;

pub use activity::Activity;
pub use bars::{Bar, Bars};
pub use field::{Field, Kind, Summary};
pub use marks::{ByApi, Copyable, Empty, Help, Icon, Meter, Status, Tone};
pub use page::{Crumbs, Pager, Tabs};
pub use qr::Qr;
pub use steps::Steps;
pub use time::{When, exact, machine, span};

/// A component's template is HTML already.
macro_rules! is_html {
    ($($name:ty),*) => { $(impl askama::filters::HtmlSafe for $name {})* };
}
pub(in crate::pages) use is_html;
