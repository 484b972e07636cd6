//! Rows as PostgreSQL's binary `COPY` takes them: it stores them in half the time that it needs to parse their text.
//!
//! What a value's text means is said here only for the few types of which nearly all of Mastodon's columns are, and of those only for what a dump
//! writes. Whatever else there is, a date before Christ or an array of arrays, goes to the server as text, for it to judge.
//!
//! Source: PostgreSQL's documentation of `COPY`, *Binary Format*, and the `…_recv` functions of `src/backend/utils/adt`.

use bytes::Bytes;
use chrono::NaiveDate;
use memchr::memchr_iter;
use tokio_postgres::types::{Kind, Type};

use crate::archive::unescape;

/// Signature, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
pub(super) const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

const NULL: &[u8] = br"\N";
/// A NULL's length.
const ABSENT: &[u8] = &(-1_i32).to_be_bytes();
/// A timestamp is a number of microseconds since 2000.
const EPOCH: i64 = 946_684_800_000_000;

/// What the columns of one table are made of.
pub(super) struct Binary {
    columns: Vec<Value>,
    /// How many, as it stands before each row.
    count: [u8; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Scalar(Scalar),
    /// One dimension, counted from 1.
    Array(Scalar),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalar {
    Bool,
    Int2,
    Int4,
    Int8,
    /// `text`, `varchar` and `json`, whose bytes are their text.
    Text(u32),
    Jsonb,
    Timestamp,
}

impl Binary {
    /// None where one of the columns is of another type.
    pub fn of<'t>(types: impl IntoIterator<Item = Option<&'t Type>>) -> Option<Self> {
        let columns = types.into_iter().map(|it| Value::of(it?)).collect::<Option<Vec<_>>>()?;
        let count = i16::try_from(columns.len()).ok().filter(|it| *it > 0)?.to_be_bytes();
        Some(Self { columns, count })
    }

    /// Of whole lines of `COPY`'s text format. None where one has a value that is the server's to judge.
    pub fn rows(&self, lines: &[u8]) -> Option<Bytes> {
        // Numbers get longer or shorter, and each column has its length.
        let mut into = Vec::with_capacity(lines.len() + lines.len() / 2);
        // One for all that is no text, without its escapes.
        let mut value = Vec::new();
        let mut start = 0;
        for end in memchr_iter(b'\n', lines) {
            self.row(&lines[start..end], &mut into, &mut value)?;
            start = end + 1;
        }
        (start == lines.len()).then(|| into.into())
    }

    fn row(&self, line: &[u8], into: &mut Vec<u8>, value: &mut Vec<u8>) -> Option<()> {
        into.extend_from_slice(&self.count);
        let mut raw = line.split(|it| *it == b'\t');
        for column in &self.columns {
            match raw.next()? {
                NULL => into.extend_from_slice(ABSENT),
                raw => with_length(into, |into| match column {
                    Value::Scalar(Scalar::Text(_)) => {
                        unescape(raw, into);
                        Some(())
                    }
                    column if !raw.contains(&b'\\') => column.write(raw, into),
                    column => {
                        value.clear();
                        unescape(raw, value);
                        column.write(value, into)
                    }
                })?,
            }
        }
        raw.next().is_none().then_some(())
    }
}

impl Value {
    fn of(of: &Type) -> Option<Self> {
        match of.kind() {
            Kind::Array(element) => Scalar::of(element).map(Self::Array),
            _ => Scalar::of(of).map(Self::Scalar),
        }
    }

    fn write(self, text: &[u8], into: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Scalar(of) => of.write(text, into),
            Self::Array(of) => array(of, text, into),
        }
    }
}

impl Scalar {
    fn of(of: &Type) -> Option<Self> {
        Some(match *of {
            Type::BOOL => Self::Bool,
            Type::INT2 => Self::Int2,
            Type::INT4 => Self::Int4,
            Type::INT8 => Self::Int8,
            Type::TEXT | Type::VARCHAR | Type::JSON => Self::Text(of.oid()),
            Type::JSONB => Self::Jsonb,
            Type::TIMESTAMP => Self::Timestamp,
            _ => return None,
        })
    }

    const fn oid(self) -> u32 {
        match self {
            Self::Bool => 16,
            Self::Int8 => 20,
            Self::Int2 => 21,
            Self::Int4 => 23,
            Self::Text(oid) => oid,
            Self::Timestamp => 1114,
            Self::Jsonb => 3802,
        }
    }

    fn write(self, text: &[u8], into: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Bool => into.push(match text {
                b"t" => 1,
                b"f" => 0,
                _ => return None,
            }),
            Self::Int2 => into.extend_from_slice(&number::<i16>(text)?.to_be_bytes()),
            Self::Int4 => into.extend_from_slice(&number::<i32>(text)?.to_be_bytes()),
            Self::Int8 => into.extend_from_slice(&number::<i64>(text)?.to_be_bytes()),
            Self::Text(_) => into.extend_from_slice(text),
            Self::Jsonb => {
                // The version of its format.
                into.push(1);
                into.extend_from_slice(text);
            }
            Self::Timestamp => into.extend_from_slice(&timestamp(text)?.to_be_bytes()),
        }
        Some(())
    }
}

/// What is written, after its length.
fn with_length(into: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<()> {
    let at = into.len();
    into.extend_from_slice(&[0; 4]);
    write(into)?;
    let length = i32::try_from(into.len() - at - 4).ok()?;
    into[at..at + 4].copy_from_slice(&length.to_be_bytes());
    Some(())
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Such as `2024-10-08 13:37:00.123456`.
fn timestamp(text: &[u8]) -> Option<i64> {
    let (whole, fraction) = text.split_at_checked(19)?;
    let [y @ .., b'-', m1, m2, b'-', d1, d2, b' ', h1, h2, b':', i1, i2, b':', s1, s2] = whole else { return None };
    let year = i32::try_from(digits(y)?).ok().filter(|it| *it > 0)?;
    let day = NaiveDate::from_ymd_opt(year, digits(&[*m1, *m2])?, digits(&[*d1, *d2])?)?;
    let microseconds = match fraction {
        [] => 0,
        [b'.', some @ ..] if (1..=6).contains(&some.len()) => digits(some)? * 10_u32.pow(6 - some.len() as u32),
        _ => return None,
    };
    let at = day.and_hms_micro_opt(digits(&[*h1, *h2])?, digits(&[*i1, *i2])?, digits(&[*s1, *s2])?, microseconds)?;
    Some(at.and_utc().timestamp_micros() - EPOCH)
}

/// At most nine.
fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |sum, it| it.is_ascii_digit().then(|| sum * 10 + u32::from(it - b'0')))
}

fn array(of: Scalar, text: &[u8], into: &mut Vec<u8>) -> Option<()> {
    let mut rest = text.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let head = into.len();
    // Dimensions, whether there are NULLs, the type of the elements, how many, and from where they count.
    into.extend_from_slice(&[0; 8]);
    into.extend_from_slice(&of.oid().to_be_bytes());
    if rest.is_empty() {
        return Some(());
    }
    into.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
    let (mut count, mut nulls) = (0_i32, 0_i32);
    let mut value = Vec::new();
    loop {
        let quoted = element(&mut rest, &mut value)?;
        if !quoted && value.eq_ignore_ascii_case(b"NULL") {
            into.extend_from_slice(ABSENT);
            nulls = 1;
        } else {
            with_length(into, |into| of.write(&value, into))?;
        }
        count = count.checked_add(1)?;
        match rest.split_first() {
            None => break,
            Some((b',', more)) => rest = more,
            Some(_) => return None,
        }
    }
    for (place, number) in [(0, 1), (4, nulls), (12, count)] {
        into[head + place..head + place + 4].copy_from_slice(&number.to_be_bytes());
    }
    Some(())
}

/// The next element as the server writes it, and whether it stands in quotes.
fn element(rest: &mut &[u8], value: &mut Vec<u8>) -> Option<bool> {
    value.clear();
    let Some(mut quoted) = rest.strip_prefix(b"\"") else {
        let end = memchr::memchr(b',', rest).unwrap_or(rest.len());
        let (bare, more) = rest.split_at(end);
        let odd = |it: &u8| it.is_ascii_whitespace() || *it == 0x0b || b"\"{}\\".contains(it);
        if bare.is_empty() || bare.iter().any(odd) {
            return None;
        }
        value.extend_from_slice(bare);
        *rest = more;
        return Some(false);
    };
    loop {
        let at = memchr::memchr2(b'"', b'\\', quoted)?;
        value.extend_from_slice(&quoted[..at]);
        if quoted[at] == b'"' {
            *rest = &quoted[at + 1..];
            return Some(true);
        }
        value.push(*quoted.get(at + 1)?);
        quoted = &quoted[at + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(of: Type, text: &str) -> Option<Vec<u8>> {
        let mut into = Vec::new();
        Value::of(&of)?.write(text.as_bytes(), &mut into).map(|()| into)
    }

    #[test]
    fn a_row_has_its_columns_each_with_its_length() {
        let of = Binary::of([Some(&Type::INT8), Some(&Type::BOOL), Some(&Type::TEXT), Some(&Type::VARCHAR)]).unwrap();
        let rows = of.rows(b"-2\tt\ta\\tb\\\\\t\\N\n").unwrap();
        let expected = [
            &4_i16.to_be_bytes()[..],
            &8_i32.to_be_bytes(),
            &(-2_i64).to_be_bytes(),
            &[0, 0, 0, 1, 1],
            &[0, 0, 0, 4],
            b"a\tb\\",
            &(-1_i32).to_be_bytes(),
        ];
        assert_eq!(rows, expected.concat());
        for odd in ["1\tt\ta\n", "1\tt\ta\tb\tc\n", "1\tyes\ta\tb\n", "x\tt\ta\tb\n", "1\tt\ta\tb"] {
            assert_eq!(of.rows(odd.as_bytes()), None, "{odd:?}");
        }
        assert!(Binary::of([Some(&Type::INT8), Some(&Type::INET)]).is_none() && Binary::of([None]).is_none() && Binary::of([]).is_none());
    }

    #[test]
    fn a_timestamp_is_a_number_or_the_servers_to_judge() {
        for (text, expected) in [
            ("2000-01-01 00:00:00", 0),
            ("2000-01-01 00:00:01.5", 1_500_000),
            ("1999-12-31 23:59:59.999999", -1),
            ("2024-02-29 12:00:00", 762_523_200_000_000),
        ] {
            assert_eq!(written(Type::TIMESTAMP, text), Some(i64::to_be_bytes(expected).to_vec()), "{text}");
        }
        for odd in [
            "infinity",
            "2023-02-29 00:00:00",
            "0044-03-15 00:00:00 BC",
            "10000-01-01 00:00:00",
            "2024-01-01 24:00:00",
            "2024-01-01 00:00:60",
            "2024-01-01 00:00:00.",
            "2024-01-01 00:00:00.1234567",
            "2024-01-01T00:00:00",
            "2024-01-01",
            "+024-01-01 00:00:00",
        ] {
            assert_eq!(written(Type::TIMESTAMP, odd), None, "{odd}");
        }
    }

    #[test]
    fn an_array_has_one_dimension_or_is_the_servers_to_judge() {
        let head = |nulls: i32, oid: u32, count: i32| [1, nulls, oid.cast_signed(), count, 1].map(i32::to_be_bytes).concat();
        let numbers = [head(0, 20, 2), vec![0, 0, 0, 8], 1_i64.to_be_bytes().to_vec(), vec![0, 0, 0, 8], 2_i64.to_be_bytes().to_vec()];
        assert_eq!(written(Type::INT8_ARRAY, "{1,2}"), Some(numbers.concat()));
        assert_eq!(written(Type::INT8_ARRAY, "{}"), Some([0, 0, 20].map(i32::to_be_bytes).concat()));
        let texts = [
            head(1, 1043, 4),
            b"\0\0\0\x01a".to_vec(),
            (-1_i32).to_be_bytes().to_vec(),
            b"\0\0\0\x04NULL".to_vec(),
            b"\0\0\0\x05\"\\, }".to_vec(),
        ];
        assert_eq!(written(Type::VARCHAR_ARRAY, r#"{a,NULL,"NULL","\"\\, }"}"#), Some(texts.concat()));
        for odd in ["", "{", "{{1},{2}}", "[2:3]={1,2}", "{1,}", "{1", "{a b}", r#"{"a}"#, r#"{"a"b}"#, r"{a\b}", "{1} "] {
            assert_eq!(written(Type::TEXT_ARRAY, odd), None, "{odd}");
        }
        assert_eq!(written(Type::INT4_ARRAY, "{x}"), None);
    }
}
