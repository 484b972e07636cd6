//! Lists: the newest first, in pages that are turned by `starting_after` or `ending_before`.

use serde_json::{Value, json};

use super::Answer;
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;

/// `objects` come the oldest first.
pub fn page<'a>(form: &Form, path: &str, objects: impl DoubleEndedIterator<Item = &'a Value>) -> Answer {
    let limit = form.integer("limit")?.unwrap_or(10);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::invalid("This value must be between 1 and 100.").code("parameter_invalid_integer").named("limit"));
    }
    let limit = usize::try_from(limit).unwrap_or(10);
    let span = Span::of(form)?;
    let all: Vec<&Value> = objects.rev().filter(|it| span.holds(it.int("created"))).collect();
    let place = |param: &str| -> Result<Option<usize>, ApiError> {
        let Some(id) = form.text(param) else { return Ok(None) };
        let found = all.iter().position(|it| it.id() == id);
        found.map(Some).ok_or_else(|| ApiError::no_such("object", id, param))
    };
    let (data, has_more) = match (place("starting_after")?, place("ending_before")?) {
        (Some(_), Some(_)) => return Err(ApiError::invalid("You cannot parameterize both starting_after and ending_before.")),
        (None, Some(end)) => (&all[end.saturating_sub(limit)..end], end > limit),
        (start, None) => {
            let rest = &all[start.map_or(0, |it| it + 1)..];
            (&rest[..rest.len().min(limit)], rest.len() > limit)
        }
    };
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": path}))
}

/// `created[gte]` and its like.
struct Span {
    from: i64,
    until: i64,
}

impl Span {
    fn of(form: &Form) -> Result<Self, ApiError> {
        let after = form.integer("created.gt")?.map(|it| it.saturating_add(1));
        let before = form.integer("created.lt")?.map(|it| it.saturating_sub(1));
        Ok(Self {
            from: form.integer("created.gte")?.or(after).unwrap_or(i64::MIN),
            until: form.integer("created.lte")?.or(before).unwrap_or(i64::MAX),
        })
    }

    fn holds(&self, created: i64) -> bool {
        (self.from..=self.until).contains(&created)
    }
}
