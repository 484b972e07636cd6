//! Paperclip's layout: `<class>/<attachment>/<id partition>/<style>/<file>`.

use std::ops::RangeInclusive;

use super::attachment::Attachment;
use crate::format::{MediaKey, PathError};

/// What a key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    pub attachment: Attachment,
    /// The digits of the partition, as a number, and how many there are.
    partition: (u64, u32),
    pub style: &'a str,
    pub file: &'a str,
}

/// The key of a style's file.
///
/// # Errors
/// [`PathError`] where the database names a file that can't be one.
pub fn key(attachment: Attachment, id: i64, style: &str, file: &str) -> Result<MediaKey, PathError> {
    MediaKey::parse(&format!("{}/{}/{style}/{file}", attachment.folder(), partition(id)))
}

/// Paperclip's `:id_partition`: nine digits, or twelve and more, in threes; digits that fill no group of three are left out, as Paperclip does.
#[must_use]
pub fn partition(id: i64) -> String {
    let digits = digits(id);
    let groups: Vec<&str> = digits.as_bytes().chunks_exact(3).filter_map(|it| std::str::from_utf8(it).ok()).collect();
    groups.join("/")
}

fn digits(id: i64) -> String {
    if id < 1_000_000_000 { format!("{id:09}") } else { format!("{id:012}") }
}

/// What of a file's name is the same in all styles: Ruby's `File.basename(name, ".*")`.
#[must_use]
pub fn stem(file: &str) -> &str {
    match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    }
}

impl<'a> Place<'a> {
    /// None for a key that Paperclip would not make.
    #[must_use]
    pub fn of(key: &'a MediaKey) -> Option<Self> {
        let key = key.as_str();
        let attachment = Attachment::ALL.into_iter().find(|it| key.strip_prefix(it.folder()).is_some_and(|rest| rest.starts_with('/')))?;
        let mut parts = key.get(attachment.folder().len() + 1..)?.rsplit('/');
        let (file, style) = (parts.next()?, parts.next()?);
        let (mut number, mut count, mut weight) = (0_u64, 0, 1_u64);
        for part in parts {
            // Eighteen digits at most, which no number here exceeds.
            if part.len() != 3 || count == 18 || !part.bytes().all(|it| it.is_ascii_digit()) {
                return None;
            }
            number += weight * part.parse::<u64>().ok()?;
            (weight, count) = (weight * 1000, count + 3);
        }
        (count >= 9).then_some(Self { attachment, partition: (number, count), style, file })
    }

    /// The ids whose files lie here, in ascending order: one, but for long ids whose last digits the partition leaves out.
    pub fn ids(&self) -> impl Iterator<Item = RangeInclusive<i64>> {
        let (number, count) = self.partition;
        let span = move |left_out: u32| {
            let power = 10_u64.pow(left_out);
            let first = i64::try_from(number.checked_mul(power)?).ok()?;
            let last = first.saturating_add(i64::try_from(power).ok()? - 1);
            let whole = usize::try_from(count + left_out).ok()?;
            (digits(first).len() == whole && digits(last).len() == whole).then_some(first..=last)
        };
        (0..3).filter_map(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn partitions_are_paperclips() {
        for (id, text) in [
            (1, "000/000/001"),
            (123_456_789, "123/456/789"),
            (1_234_567_890, "001/234/567/890"),
            (1_234_567_890_123, "123/456/789/012"),
            (112_233_445_566_778_899, "112/233/445/566/778/899"),
            (98_765_432_101_234_567, "987/654/321/012/345"),
        ] {
            assert_eq!(partition(id), text);
        }
    }

    #[test]
    fn what_paperclip_would_not_make_has_no_place() {
        for odd in [
            "accounts/avatars/000/001/original/a.png",
            "accounts/avatars/000/000/001/a.png",
            "accounts/avatars/000/000/0001/original/a.png",
            "accounts/avatars/000/000/+01/original/a.png",
            "accounts/avatars/000/000/001/original/deep/a.png",
            "accounts/avatars/000/000/000/000/000/000/000/original/a.png",
            "accounts/avatarsx/000/000/001/original/a.png",
            "accounts/others/000/000/001/original/a.png",
            "accounts/avatars",
        ] {
            let key = MediaKey::parse(odd).unwrap();
            assert_eq!(Place::of(&key), None, "{odd}");
        }
    }

    #[test]
    fn a_stem_ends_at_the_last_dot() {
        for (name, want) in [("a.png", "a"), ("a.tar.gz", "a.tar"), ("a", "a"), (".png", ".png"), ("a.", "a"), ("é.ü.jpg", "é.ü")] {
            assert_eq!(stem(name), want);
        }
    }

    proptest! {
        #[test]
        fn a_key_tells_the_id_that_made_it(id in 0..=i64::MAX, short in 0..2_000_000_000_i64, file in "[a-z0-9]{1,16}\\.[a-z]{3}") {
            for id in [id, short] {
                let key = key(Attachment::Files, id, "small", &file).unwrap();
                let place = Place::of(&key).unwrap();
                prop_assert_eq!((place.attachment, place.style, place.file), (Attachment::Files, "small", file.as_str()));
                let ids: Vec<_> = place.ids().collect();
                prop_assert!(ids.iter().any(|it| it.contains(&id)), "{} of {}", id, key);
                prop_assert!(ids.iter().all(|it| partition(*it.start()) == partition(id) && partition(*it.end()) == partition(id)));
                prop_assert!(ids.is_sorted_by_key(|it| *it.start()));
            }
        }
    }
}
