//! Headers as they are written.

use super::{BLOCK, Block};
use crate::format::BundlePath;

/// Eleven octal digits.
const OCTAL_LIMIT: u64 = 1 << 33;

/// All that stands before a member's bytes: one block, or three where the name needs a pax header.
pub(in crate::place) fn header(path: &BundlePath, bytes: u64, modified: i64) -> Vec<u8> {
    let name = path.as_str();
    let modified = u64::try_from(modified).unwrap_or(0);
    match split(name) {
        Some((prefix, name)) => block(prefix, name, b'0', bytes, modified).to_vec(),
        None => {
            let record = record("path", name);
            let mut blocks = block("", "PaxHeader", b'x', record.len() as u64, modified).to_vec();
            blocks.extend_from_slice(record.as_bytes());
            blocks.resize(blocks.len() + padding(record.len() as u64), 0);
            blocks.extend_from_slice(&block("", "in the header before", b'0', bytes, modified));
            blocks
        }
    }
}

/// How many zeros follow so many bytes.
pub(in crate::place) const fn padding(bytes: u64) -> usize {
    (BLOCK - (bytes % BLOCK as u64) as usize) % BLOCK
}

/// Into ustar's two fields. What is not ASCII goes into a pax header, which alone says that it is UTF-8.
fn split(path: &str) -> Option<(&str, &str)> {
    const NAME: usize = 100;
    const PREFIX: usize = 155;
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= NAME {
        return Some(("", path));
    }
    let slash = path.match_indices('/').map(|it| it.0).find(|at| path.len() - at - 1 <= NAME)?;
    (slash <= PREFIX).then(|| (&path[..slash], &path[slash + 1..]))
}

/// `<length> <key>=<value>\n`, where the length counts its own digits.
fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + " =\n".len();
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

fn block(prefix: &str, name: &str, kind: u8, bytes: u64, modified: u64) -> Block {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    octal(&mut block[100..108], 0o600);
    octal(&mut block[108..116], 0);
    octal(&mut block[116..124], 0);
    size(&mut block[124..136], bytes);
    octal(&mut block[136..148], modified.min(OCTAL_LIMIT - 1));
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[345..345 + prefix.len()].copy_from_slice(prefix.as_bytes());
    let sum = checksum(&block);
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// The sum of all bytes, those of the checksum itself taken as spaces.
pub(super) fn checksum(block: &Block) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|it| u32::from(*it)).sum::<u32>();
    sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..])
}

fn octal(field: &mut [u8], number: u64) {
    let digits = field.len() - 1;
    field[..digits].copy_from_slice(format!("{number:0digits$o}").as_bytes());
}

fn size(field: &mut [u8], bytes: u64) {
    if bytes < OCTAL_LIMIT {
        octal(field, bytes);
    } else {
        field[0] = 0x80;
        field[4..].copy_from_slice(&bytes.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_digits() {
        for length in [1, 10, 88, 89, 90, 91, 92, 988, 989, 990, 991, 1000] {
            let record = record("path", &"a".repeat(length));
            let said = record.split_once(' ').unwrap().0.parse::<usize>().unwrap();
            assert_eq!(said, record.len());
        }
    }

    #[test]
    fn names_are_split_where_they_fit() {
        let (long, longer) = ("a".repeat(100), "b".repeat(155));
        assert_eq!(split("env/.env"), Some(("", "env/.env")));
        assert_eq!(split(&long), Some(("", long.as_str())));
        assert_eq!(split(&format!("{longer}/{long}")), Some((longer.as_str(), long.as_str())));
        assert_eq!(split(&format!("{longer}b/{long}")), None);
        assert_eq!(split(&format!("{long}a")), None);
        assert_eq!(split("media/é"), None);
    }
}
