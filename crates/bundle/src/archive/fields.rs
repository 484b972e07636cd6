//! The columns of one row of `COPY`'s text format, whose escapes were looked at when the row was read.

use std::borrow::Cow;

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
    let mut rest = raw.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'b') => 0x08,
                Some(b'f') => 0x0c,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 0x0b,
                Some(other) => *other,
                None => b'\\',
            },
            other => *other,
        });
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
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
