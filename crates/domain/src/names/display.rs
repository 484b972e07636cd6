//! The name of a person or an account, as they write it themselves. It stands in mails to strangers, before the sentence that asks
//! them to follow a link: it must neither be a link nor change how the rest is read.

use std::net::Ipv4Addr;
use std::str::FromStr;

use super::error::shown;
use super::{NameError, text_newtype};

/// 1 to 200 characters of whatever script, without surrounding space, characters that nobody sees, and web addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DisplayName(String);

text_newtype!(DisplayName);

const WHAT: &str = "a name";
const MAX: usize = 200;

impl FromStr for DisplayName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = text.trim();
        if name.is_empty() {
            return Err(NameError::Missing { what: "name" });
        }
        if name.chars().count() > MAX {
            return Err(NameError::TooLong { what: WHAT, value: shown(name), max: MAX });
        }
        let malformed = |rule| NameError::Malformed { what: WHAT, value: shown(&name.replace(is_unseen, "")), rule };
        if name.contains(is_unseen) {
            return Err(malformed("it has a line break, or a character that can't be seen or turns the text around"));
        }
        if !name.contains(is_visible) {
            return Err(malformed("it has no character that can be seen"));
        }
        // Some programs leave out what joins, and some read it.
        if is_linked(name) || is_linked(&name.replace(is_joining, "")) {
            return Err(malformed("it has a web or e-mail address in it, which mail programs make a link of"));
        }
        Ok(Self(name.to_owned()))
    }
}

/// Control characters, line and paragraph separators, what turns the direction of the text, and what takes no place. Joiners stay:
/// Persian and many an emoji need them.
fn is_unseen(it: char) -> bool {
    it.is_control()
        || matches!(it,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Joiners and variation selectors: they change how their neighbours look, and are nothing by themselves.
fn is_joining(it: char) -> bool {
    matches!(it, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Takes ink. The blank of Braille takes none.
fn is_visible(it: char) -> bool {
    !(it.is_whitespace() || is_joining(it) || it == '\u{2800}')
}

/// Something in it is what programs take for the address of a site or a mailbox.
fn is_linked(name: &str) -> bool {
    // Dots that are read as dots, by people and by the rules of host names (UTS 46).
    let name = name.to_lowercase().replace(['\u{3002}', '\u{ff0e}', '\u{ff61}', '\u{2024}'], ".");
    let has_scheme = ["//", "www.", "mailto:"].iter().any(|it| name.contains(it));
    has_scheme || name.split(|it: char| !(it.is_alphanumeric() || matches!(it, '.' | '-' | '_'))).any(is_host)
}

fn is_host(word: &str) -> bool {
    let word = word.trim_matches(['.', '-', '_']);
    word.parse::<Ipv4Addr>().is_ok() || is_domain(word)
}

/// `evil.example`, and not `J.R.R.` or `Dr.Smith`: it ends in a top-level name that is, or that people take for one.
fn is_domain(word: &str) -> bool {
    let Some((rest, last)) = word.rsplit_once('.') else { return false };
    if rest.is_empty() || last.chars().count() < 2 {
        return false;
    }
    let in_ascii = idna::domain_to_ascii(last).unwrap_or_default();
    super::domain::RESERVED_TLDS.contains(&in_ascii.as_str()) || psl::suffix(in_ascii.as_bytes()).is_some_and(|it| it.is_known())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_people_are_taken() {
        let names = [
            "Ada",
            "Ana María de la Cruz",
            "Łukasz Żółć",
            "O’Brien-Smith, Jr.",
            "J.R.R. Tolkien",
            "Dr.Smith",
            "St.Pauli e.V.",
            "A. B. & Söhne (GmbH)",
            "Nº 5 / 7",
            "Birds, Inc.",
            "@ada",
            "山田 太郎",
            "نیک\u{200c}نام",
            "👩\u{200d}🚀 Ada",
            "אדה לאבלייס",
            "etc...",
            "3.14",
            "Ada 1.2.3",
            "❤\u{fe0f}",
        ];
        for name in names {
            assert_eq!(name.parse::<DisplayName>().as_ref().map(DisplayName::as_str), Ok(name));
        }
        assert_eq!("  Ada \n".parse::<DisplayName>().unwrap().as_str(), "Ada");
        assert!("é".repeat(200).parse::<DisplayName>().is_ok());
    }

    #[test]
    fn what_would_be_read_otherwise_is_refused() {
        let long = "é".repeat(201);
        let table = [
            ("", "missing"),
            (" \t ", "missing"),
            (long.as_str(), "too_long"),
            ("Ada\nBcc: bob", "malformed"),
            ("Ada\u{7f}", "malformed"),
            ("Ada\u{85}Bob", "malformed"),
            ("Ada\u{2028}Bob", "malformed"),
            ("\u{202e}moc.live", "malformed"),
            ("Ada\u{2066}", "malformed"),
            ("Ada\u{200f}", "malformed"),
            ("Ada\u{61c}", "malformed"),
            ("A\u{200b}da", "malformed"),
            ("\u{feff}\u{feff}", "malformed"),
            ("\u{3164}", "malformed"),
            ("Ada\u{e0041}", "malformed"),
            ("https://evil.example", "malformed"),
            ("//evil", "malformed"),
            ("mailto:eve", "malformed"),
            ("WWW.evil", "malformed"),
            ("Ada evil.com", "malformed"),
            ("Ada (evil.com/login)", "malformed"),
            ("“evil.co.uk”", "malformed"),
            ("EVIL.COM", "malformed"),
            ("evil.example", "malformed"),
            ("evil.com.", "malformed"),
            ("evil.com:443", "malformed"),
            ("пример.рф", "malformed"),
            ("evil\u{ff0e}com", "malformed"),
            ("evil\u{3002}com", "malformed"),
            ("support@howdah.org", "malformed"),
            ("ada@birds.example", "malformed"),
            ("evil\u{200d}.com", "malformed"),
            ("evil.\u{200c}com", "malformed"),
            ("evil.c\u{fe0f}om", "malformed"),
            ("/\u{200d}/evil", "malformed"),
            ("\u{200d}", "malformed"),
            ("\u{200c}\u{fe0f} \u{200d}", "malformed"),
            ("\u{2800}", "malformed"),
            ("192.0.2.1", "malformed"),
            ("Ada (192.0.2.1/login)", "malformed"),
            ("192.0.2.1:8080.", "malformed"),
        ];
        for (name, reason) in table {
            assert_eq!(name.parse::<DisplayName>().map_err(|it| it.reason()), Err(reason), "{name:?}");
        }
        let sentence = "\u{202e}moc.live".parse::<DisplayName>().unwrap_err().to_string();
        assert!(!sentence.contains('\u{202e}'), "what was refused is not shown as it would be read: {sentence:?}");
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_stable(text in ".{0,300}") {
            if let Ok(name) = text.parse::<DisplayName>() {
                prop_assert_eq!(name.as_str().parse::<DisplayName>(), Ok(name.clone()));
            }
        }
    }
}
