//! The rows of one attachment, held so that two million of them take 40 MB.
//!
//! A row is 20 bytes: its id, 48 bits of a digest of its file's stem with 16 of the whole name, and a bit for each style that was not seen
//! yet. Names themselves are read again where they are needed: for the few that are missing.

use sha2::{Digest, Sha256};

use super::{
    attachment::Styles,
    layout::{Place, stem},
    survey::Whose,
};

/// Other servers' rows whose files lie among own ones: so many are remembered.
const REMOTES: usize = 1_000_000;

#[derive(Default)]
pub(super) struct Own {
    rows: Vec<Row>,
    remotes: Vec<i64>,
}

/// In halves, as an eight-byte number in it would make it 24 bytes.
#[derive(Clone, Copy)]
struct Row {
    id: [u32; 2],
    name: [u32; 2],
    unseen: u32,
}

impl Row {
    fn id(&self) -> i64 {
        join(self.id).cast_signed()
    }

    fn name(&self) -> u64 {
        join(self.name)
    }
}

/// Of a name's 64 bits: those of the whole name; the others are of its stem.
const WHOLE: u64 = 0xffff;

impl Own {
    pub(super) fn add(&mut self, id: i64, file_name: &str, styles: Styles) {
        self.rows.push(Row { id: halves(id.cast_unsigned()), name: halves(digest(file_name)), unseen: styles.0 });
    }

    pub(super) fn add_remote(&mut self, id: i64) {
        if self.remotes.len() < REMOTES {
            self.remotes.push(id);
        }
    }

    /// All rows are there.
    pub(super) fn sort(&mut self) {
        self.rows.sort_unstable_by_key(Row::id);
        self.remotes.sort_unstable();
    }

    /// Whose a listed file is; none where it is the server's own, and then it has been seen. A style's file has its row's stem; only for the
    /// original the whole name tells that it is there.
    pub(super) fn whose(&mut self, place: &Place<'_>) -> Option<Whose> {
        let name = digest(place.file);
        let (mut claimed, mut whose) = (false, Whose::Nobody);
        for ids in place.ids() {
            let from = self.rows.partition_point(|row| row.id() < *ids.start());
            for row in self.rows[from..].iter_mut().take_while(|row| row.id() <= *ids.end()) {
                whose = Whose::Replaced;
                if (row.name() ^ name) & !WHOLE == 0 {
                    claimed = true;
                    row.see(place.style, name);
                }
            }
            let from = self.remotes.partition_point(|id| id < ids.start());
            if whose == Whose::Nobody && self.remotes.get(from).is_some_and(|id| id <= ids.end()) {
                whose = Whose::Remote;
            }
        }
        if whose == Whose::Nobody && self.remotes.len() == REMOTES {
            whose = Whose::Remote;
        }
        (!claimed).then_some(whose)
    }

    pub(super) fn misses_any(&self) -> bool {
        self.rows.iter().any(|row| row.unseen != 0)
    }

    /// The styles that were not seen of a row.
    pub(super) fn missing(&self, id: i64, file_name: &str) -> Styles {
        let (from, name) = (self.rows.partition_point(|row| row.id() < id), digest(file_name));
        let row = self.rows[from..].iter().take_while(|row| row.id() == id).find(|row| row.name() == name);
        row.map_or(Styles::default(), |row| Styles(row.unseen))
    }
}

impl Row {
    fn see(&mut self, style: &str, name: u64) {
        if style != "original" || self.name() == name {
            self.unseen &= !Styles::bit(style).unwrap_or(0);
        }
    }
}

fn digest(name: &str) -> u64 {
    let eight = |text: &str| Sha256::digest(text.as_bytes()).iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    eight(stem(name)) & !WHOLE | eight(name) & WHOLE
}

#[expect(clippy::cast_possible_truncation, reason = "it is cut in two")]
const fn halves(number: u64) -> [u32; 2] {
    [(number >> 32) as u32, number as u32]
}

fn join([high, low]: [u32; 2]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        format::MediaKey,
        media::{Attachment, layout},
    };

    fn own(rows: &[(i64, &str)]) -> Own {
        let mut own = Own::default();
        rows.iter().for_each(|(id, file_name)| own.add(*id, file_name, Styles::of(&["original", "small"])));
        own.sort();
        own
    }

    fn whose(own: &mut Own, key: &str) -> Option<Whose> {
        own.whose(&Place::of(&MediaKey::parse(key).unwrap()).unwrap())
    }

    #[test]
    fn a_style_may_have_another_extension_and_the_stem_decides() {
        let mut own = own(&[(112_233_445_566_778_899, "bb.jpg"), (7, "aa.mp4")]);
        assert_eq!(whose(&mut own, "media_attachments/files/000/000/007/original/aa.mp4"), None);
        assert_eq!(whose(&mut own, "media_attachments/files/000/000/007/small/aa.png"), None);
        assert_eq!(whose(&mut own, "media_attachments/files/000/000/007/small/ab.png"), Some(Whose::Replaced));
        assert_eq!(whose(&mut own, "media_attachments/files/000/000/008/original/aa.mp4"), Some(Whose::Nobody));
        assert_eq!(whose(&mut own, "media_attachments/files/112/233/445/566/778/899/original/bb.jpg"), None);
        assert_eq!(own.missing(7, "aa.mp4"), Styles::default());
        assert!(own.misses_any());
        assert_eq!(own.missing(112_233_445_566_778_899, "bb.jpg"), Styles::of(&["small"]));
    }

    #[test]
    fn an_original_is_there_only_by_its_whole_name() {
        let mut own = own(&[(7, "aa.mp4")]);
        assert_eq!(whose(&mut own, "media_attachments/files/000/000/007/original/aa.webm"), None, "it is the row's all the same");
        assert_eq!(whose(&mut own, "media_attachments/files/000/000/007/small/aa.png"), None);
        assert_eq!(own.missing(7, "aa.mp4"), Styles::of(&["original"]));
    }

    #[test]
    fn ids_whose_last_digits_the_partition_leaves_out_share_a_folder() {
        let (one, other) = (98_765_432_101_234_501, 98_765_432_101_234_599);
        let mut own = own(&[(one, "aa.jpg"), (other, "bb.jpg")]);
        let key = layout::key(Attachment::Files, other, "original", "bb.jpg").unwrap();
        assert_eq!(whose(&mut own, key.as_str()), None);
        assert_eq!(own.missing(one, "aa.jpg"), Styles::of(&["original", "small"]));
        assert_eq!(own.missing(other, "bb.jpg"), Styles::of(&["small"]));
    }

    #[test]
    fn other_servers_are_remembered_so_far() {
        let mut own = own(&[(7, "aa.mp4")]);
        own.add_remote(9);
        own.sort();
        assert_eq!(whose(&mut own, "media_attachments/files/000/000/009/original/a.png"), Some(Whose::Remote));
        assert_eq!(whose(&mut own, "media_attachments/files/000/000/010/original/a.png"), Some(Whose::Nobody));
        (10..).take(REMOTES).for_each(|id| own.add_remote(id));
        assert_eq!(own.remotes.len(), REMOTES);
        assert_eq!(whose(&mut own, "media_attachments/files/900/000/000/original/a.png"), Some(Whose::Remote));
    }

    #[test]
    fn a_row_takes_twenty_bytes() {
        assert_eq!(size_of::<Row>(), 20);
    }
}
