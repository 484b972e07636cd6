//! The rows of one attachment that are the server's own, held so that two million of them take 40 MB.
//!
//! A row is 20 bytes: its id, 48 bits of a digest of its file's stem with 16 of the whole name, and a bit for each style that was not seen
//! yet. Names themselves are asked for again where they are needed: for the few that are missing.

use sha2::{Digest, Sha256};

use super::{
    attachment::{Attachment, Styles},
    layout::{Place, stem},
};

/// A row that names a file of the server's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnRow {
    pub id: i64,
    pub file_name: String,
    pub styles: Styles,
}

pub(super) struct Own {
    attachment: Attachment,
    ids: Vec<i64>,
    names: Vec<u64>,
    unseen: Vec<u32>,
}

/// Of a name's 64 bits: those of the whole name; the others are of its stem.
const WHOLE: u64 = 0xffff;

impl Own {
    pub(super) const fn new(attachment: Attachment) -> Self {
        Self { attachment, ids: Vec::new(), names: Vec::new(), unseen: Vec::new() }
    }

    /// Rows come in the order of their ids. Whether this one did.
    pub(super) fn push(&mut self, row: &OwnRow) -> bool {
        if self.ids.last().is_some_and(|last| *last > row.id) {
            return false;
        }
        self.ids.push(row.id);
        self.names.push(digest(&row.file_name));
        self.unseen.push(row.styles.0);
        true
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether a listed file is of one of the rows; then it has been seen. A style's file has its row's stem; only for the original the
    /// whole name tells that it is there.
    pub(super) fn claims(&mut self, place: &Place<'_>) -> bool {
        if place.attachment != self.attachment {
            return false;
        }
        let name = digest(place.file);
        let mut claimed = false;
        for ids in place.ids() {
            let from = self.ids.partition_point(|id| id < ids.start());
            let rows = self.ids[from..].iter().take_while(|id| **id <= *ids.end()).count();
            for row in from..from + rows {
                if (self.names[row] ^ name) & !WHOLE == 0 {
                    claimed = true;
                    self.see(row, place.style, name);
                }
            }
        }
        claimed
    }

    fn see(&mut self, row: usize, style: &str, name: u64) {
        if style != "original" || self.names[row] == name {
            self.unseen[row] &= !Styles::bit(style).unwrap_or(0);
        }
    }

    /// Rows from place `from` on of which a style was not seen, up to `most` of them, and the place after them.
    pub(super) fn missing(&self, from: usize, most: usize) -> (Vec<(i64, Styles)>, usize) {
        let mut found = Vec::new();
        let mut next = from;
        while next < self.ids.len() && found.len() < most {
            if self.unseen[next] != 0 {
                found.push((self.ids[next], Styles(self.unseen[next])));
            }
            next += 1;
        }
        (found, next)
    }
}

fn digest(name: &str) -> u64 {
    let eight = |text: &str| Sha256::digest(text.as_bytes()).iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    eight(stem(name)) & !WHOLE | eight(name) & WHOLE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{format::MediaKey, media::layout};

    fn own(rows: &[(i64, &str)]) -> Own {
        let mut own = Own::new(Attachment::Files);
        for (id, file_name) in rows {
            assert!(own.push(&OwnRow { id: *id, file_name: (*file_name).to_owned(), styles: Styles::of(&["original", "small"]) }));
        }
        own
    }

    fn claims(own: &mut Own, key: &str) -> bool {
        own.claims(&Place::of(&MediaKey::parse(key).unwrap()).unwrap())
    }

    #[test]
    fn a_style_may_have_another_extension_and_the_stem_decides() {
        let mut own = own(&[(7, "aa.mp4"), (112_233_445_566_778_899, "bb.jpg")]);
        assert!(claims(&mut own, "media_attachments/files/000/000/007/original/aa.mp4"));
        assert!(claims(&mut own, "media_attachments/files/000/000/007/small/aa.png"));
        assert!(!claims(&mut own, "media_attachments/files/000/000/007/small/ab.png"), "another file's");
        assert!(!claims(&mut own, "media_attachments/files/000/000/008/original/aa.mp4"), "another row's");
        assert!(!claims(&mut own, "media_attachments/thumbnails/000/000/007/original/aa.mp4"), "another attachment's");
        assert!(claims(&mut own, "media_attachments/files/112/233/445/566/778/899/original/bb.jpg"));
        assert_eq!(own.missing(0, 10), (vec![(112_233_445_566_778_899, Styles::of(&["small"]))], 2));
    }

    #[test]
    fn an_original_is_there_only_by_its_whole_name() {
        let mut own = own(&[(7, "aa.mp4")]);
        assert!(claims(&mut own, "media_attachments/files/000/000/007/original/aa.webm"), "it is the row's all the same");
        assert!(claims(&mut own, "media_attachments/files/000/000/007/small/aa.png"));
        assert_eq!(own.missing(0, 10).0, [(7, Styles::of(&["original"]))]);
    }

    #[test]
    fn ids_whose_last_digits_the_partition_leaves_out_share_a_folder() {
        let (one, other) = (98_765_432_101_234_501, 98_765_432_101_234_599);
        let mut own = own(&[(one, "aa.jpg"), (other, "bb.jpg")]);
        let key = layout::key(Attachment::Files, other, "original", "bb.jpg").unwrap();
        assert!(claims(&mut own, key.as_str()));
        assert_eq!(own.missing(0, 10).0.iter().map(|it| it.0).collect::<Vec<_>>(), [one, other]);
        assert_eq!(own.missing(0, 10).0[1].1, Styles::of(&["small"]));
    }

    #[test]
    fn missing_rows_come_in_portions() {
        let own = own(&[(1, "a.png"), (2, "b.png"), (3, "c.png")]);
        let (first, next) = own.missing(0, 2);
        assert_eq!(first.iter().map(|it| it.0).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(own.missing(next, 2).0.iter().map(|it| it.0).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn rows_out_of_order_are_refused() {
        let mut own = own(&[(2, "a.png"), (2, "b.png")]);
        assert!(!own.push(&OwnRow { id: 1, file_name: "c.png".to_owned(), styles: Styles::default() }));
    }

    #[test]
    fn a_row_takes_twenty_bytes() {
        let bytes = size_of::<i64>() + size_of::<u64>() + size_of::<u32>();
        assert!(bytes * 2_000_000 <= 40_000_000);
    }
}
