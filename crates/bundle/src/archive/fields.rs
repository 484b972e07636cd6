//! The columns of one row of `COPY`'s text format, whose escapes were looked at when the row was read.

use std::borrow::Cow;

use memchr::memchr;

/// A row's columns, without its newline; `None` is a NULL.
pub(crate) fn fields(line: &[u8]) -> impl Iterator<Item = Option<Cow<'_, str>>> {
    line.split(|it| *it == b'\t').map(|raw| if raw == br"\N" { None } else { Some(text(raw)) })
}

/// What is no UTF-8 is no value that anything here compares with.
fn text(raw: &[u8]) -> Cow<'_, str> {
    if !raw.contains(&b'\\') {
        return String::from_utf8_lossy(raw);
    }
    let mut bytes = Vec::with_capacity(raw.len());
    unescape(raw, &mut bytes);
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// A column as it stands in its row, which is no NULL; its value is appended.
pub(crate) fn unescape(mut raw: &[u8], into: &mut Vec<u8>) {
    while let Some(at) = memchr(b'\\', raw) {
        into.extend_from_slice(&raw[..at]);
        into.push(match raw.get(at + 1) {
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 0x0b,
            Some(other) => *other,
            None => b'\\',
        });
        raw = raw.get(at + 2..).unwrap_or_default();
    }
    into.extend_from_slice(raw);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_what_copy_meant() {
        let read = |line: &'static [u8]| fields(line).map(|it| it.map(Cow::into_owned)).collect::<Vec<_>>();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read(br"1	\N		a\tb\\n\n"), [some("1"), None, some(""), some("a\tb\\n\n")]);
        assert_eq!(read("größe\t\\\\N".as_bytes()), [some("größe"), some("\\N")]);
        assert_eq!(read(b""), [some("")]);
    }
}
