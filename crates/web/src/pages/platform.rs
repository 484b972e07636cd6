//! What pages say of the platform: whom to write to, whether there is room, how many servers there are. Read from the record at most every few seconds, and kept while that is
//! away: an error's page has to say it then above all.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use howdah_app::fleet::Census;
use howdah_app::settings::{self, PlatformSettings};
use howdah_app::{App, Error, fleet, instances};

use super::visitor::Operator;

const FRESH: Duration = Duration::from_secs(2);
/// Who finds the record away does not wait for it again at once: a page has to answer within a second.
const AWAY: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Platform(Mutex<State>);

#[derive(Default)]
struct State {
    known: Option<(Instant, PlatformSettings)>,
    away_since: Option<Instant>,
    has_room: Option<(Instant, bool)>,
    census: Option<(Instant, Census)>,
}

impl Platform {
    /// As they are now, or were a moment ago.
    pub async fn settings(&self, app: &App) -> Result<PlatformSettings, Error> {
        if let Some(answer) = self.remembered() {
            return answer;
        }
        let found = settings::current(app).await;
        let mut state = self.state();
        match &found {
            Ok(settings) => {
                state.known = Some((Instant::now(), settings.clone()));
                state.away_since = None;
            }
            Err(_) => state.away_since = Some(Instant::now()),
        }
        found
    }

    fn remembered(&self) -> Option<Result<PlatformSettings, Error>> {
        let state = self.state();
        if state.away_since.is_some_and(|it| it.elapsed() < AWAY) {
            return Some(Err(Error::Unavailable { source: "it was away a moment ago".into() }));
        }
        state.known.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, it)| Ok(it.clone()))
    }

    /// Whether a launch would find room, now or a moment ago; the launch itself looks anew.
    pub async fn has_room(&self, app: &App) -> Result<bool, Error> {
        let remembered = self.state().has_room.filter(|(at, _)| at.elapsed() < FRESH);
        if let Some((_, has_room)) = remembered {
            return Ok(has_room);
        }
        let has_room = instances::has_room(app).await?;
        self.state().has_room = Some((Instant::now(), has_room));
        Ok(has_room)
    }

    /// Everybody's servers, counted now or a moment ago.
    pub async fn census(&self, app: &App, operator: &Operator) -> Result<Census, Error> {
        let remembered = self.state().census.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, it)| it.clone());
        if let Some(census) = remembered {
            return Ok(census);
        }
        let census = fleet::census(app, &operator.actor).await?;
        self.state().census = Some((Instant::now(), census.clone()));
        Ok(census)
    }

    /// As they were when they could last be read.
    pub fn support_address(&self) -> Option<String> {
        self.state().known.as_ref().and_then(|(_, it)| it.support_address.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
