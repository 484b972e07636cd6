use std::fmt;
use std::sync::LazyLock;

use secrecy::SecretString;

/// 2,048 of them, sorted: 11 bits each.
static LIST: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("words/english.txt").lines().collect());

/// A recovery phrase: twelve words of a list that is public, 132 random bits. As a passphrase it is the words with a hyphen between two, as
/// the stock `age` writes those that it makes.
pub struct Phrase([&'static str; Self::WORDS]);

impl Phrase {
    pub const WORDS: usize = 12;

    /// Of so many random bytes: two a word, of which 11 bits count.
    #[must_use]
    pub fn of(random: [u8; 2 * Self::WORDS]) -> Self {
        let (pairs, _) = random.as_chunks::<2>();
        Self(std::array::from_fn(|at| LIST[usize::from(u16::from_le_bytes(pairs[at])) % LIST.len()]))
    }

    #[must_use]
    pub const fn words(&self) -> &[&'static str; Self::WORDS] {
        &self.0
    }

    #[must_use]
    pub fn passphrase(&self) -> SecretString {
        self.0.join("-").into()
    }

    /// A passphrase as somebody typed it: what is made of words of the list alone is a phrase, however its words are written apart, and
    /// everything else stays as it is.
    #[must_use]
    pub fn as_typed(text: &str) -> SecretString {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split(|it: char| it.is_whitespace() || it == '-').filter(|it| !it.is_empty()).collect();
        let is_phrase = words.len() == Self::WORDS && words.iter().all(|it| LIST.binary_search(it).is_ok());
        if is_phrase { words.join("-") } else { text.to_owned() }.into()
    }
}

impl fmt::Debug for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phrase")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_list_is_whole_and_each_word_is_as_likely() {
        assert_eq!((LIST.len(), LIST[0], LIST[2047]), (2048, "abandon", "zoo"));
        assert!(LIST.is_sorted() && LIST.iter().all(|it| it.bytes().all(|it| it.is_ascii_lowercase())));
        // 2,048 divides what two bytes can say.
        assert_eq!(65_536 % LIST.len(), 0);
        let random: [u8; 24] = std::array::from_fn(|at| if at % 2 == 0 { u8::try_from(at / 2).unwrap() } else { 0xf8 });
        assert_eq!(Phrase::of(random).0[..3], ["abandon", "ability", "able"], "only 11 bits count");
        assert_eq!(Phrase::of([0xff; 24]).passphrase().expose_secret(), ["zoo"; 12].join("-"));
        assert_eq!(format!("{:?}", Phrase::of([0xff; 24])), "Phrase");
    }

    #[test]
    fn a_phrase_is_known_however_it_is_typed_and_nothing_else_is_touched() {
        let typed = |text: &str| Phrase::as_typed(text).expose_secret().to_owned();
        let phrase = Phrase::of([7; 24]);
        for written in [phrase.0.join("-"), phrase.0.join(" "), format!("  {}\n", phrase.0.join(" \n").to_uppercase())] {
            assert_eq!(typed(&written), phrase.passphrase().expose_secret());
        }
        assert_eq!(typed(" Correct Horse-battery  staple"), " Correct Horse-battery  staple");
    }
}
