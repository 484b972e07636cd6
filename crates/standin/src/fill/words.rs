//! What people write: much of it plain, some of it such that a careless program would break on it.

use super::dice::Dice;

const NAMES: [&str; 16] = [
    "ada",
    "blaise",
    "chandra",
    "dorothea",
    "emmy",
    "Frida",
    "grace",
    "hedy",
    "ibn_sina",
    "joan",
    "KATHERINE",
    "leonhard",
    "maryam",
    "niels",
    "olga",
    "ptolemy",
];

const DOMAINS: [&str; 9] = [
    "mastodon.example",
    "pleroma.example",
    "xn--bcher-kva.example",
    "misskey.example",
    "a.very.deep.subdomain.of.a.friend.example",
    "pixelfed.example",
    "social.university.example",
    "lemmy.example",
    "one-person.example",
];

const SENTENCES: [&str; 10] = [
    "The tram was late again, but the driver waved.",
    "Does anybody know how to keep basil alive?",
    "Reading about tides.",
    "Moved the server to another machine today, and nobody noticed.",
    "<p>It rains.</p>",
    "ein kleines Frühstück mit Brötchen",
    "今日はいい天気ですね",
    "Сегодня идёт снег",
    "أهلا وسهلا",
    "#photography #bird",
];

/// Each would end, split or change a row that was written or read without care.
const AWKWARD: [&str; 24] = [
    "a\ttab and\tanother",
    "a line\nanother line\n\nand one more\n",
    "a line of Windows\r\nand another\r\n",
    "a return\ralone",
    "C:\\new\\table\\.\\N\\",
    "\\.",
    "\\N",
    "\\\\",
    "it's a \"quotation\" with `all` of 'them'",
    "'); DROP TABLE users; --",
    "COPY public.statuses (id, text) FROM stdin;\n1\thello\n\\.\n",
    "SELECT pg_catalog.setval('public.users_id_seq', 1, false);",
    "$$ $body$ BEGIN END $body$ $$",
    "👩‍👩‍👧‍👦 a family, 🏳️‍🌈 a flag, 👍🏽 a thumb",
    "e\u{301} combined, \u{202e}reversed\u{202c}, \u{200b}nothing\u{200b}, \u{feff}a mark",
    "a bell \u{7}, a backspace \u{8}, a tab down \u{b}, a form \u{c}, the first \u{1}, a delete \u{7f}",
    "a next line \u{85}, a line \u{2028}, a paragraph \u{2029}",
    "   spaces around   ",
    "{\"json\": [1, \"two\", null]}",
    "{a,\"b\",NULL,\\}",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-- PostgreSQL database dump complete",
    "\u{1f600}\u{10ffff}",
    "~!@#$%^&*()_+-={}[]|:;<>?,./",
];

const LANGUAGES: [&str; 6] = ["en", "de", "ja", "ru", "ar", "zh-TW"];

/// Names as people gave them to their files before Mastodon gave its own.
const OLD_FILES: [&str; 5] = ["Портрет_1", "my.photo.v2", "ÜBER", "screenshot-2017-04-02_at_11.02.33", "写真"];

pub fn local_name(number: u64) -> String {
    format!("{}_{number}", of(&NAMES, number))
}

pub fn remote_name(number: u64) -> String {
    format!("{}.{number}", of(&NAMES, number / 3))
}

pub fn domain(number: u64) -> &'static str {
    of(&DOMAINS, number)
}

pub fn awkward(number: u64) -> &'static str {
    of(&AWKWARD, number)
}

pub fn language(dice: &mut Dice) -> &'static str {
    dice.pick::<&str>(&LANGUAGES)
}

/// Of a post or a description: one in six has something awkward in it, one in four hundred is very long.
pub fn text(dice: &mut Dice) -> String {
    let mut words = (*dice.pick(&SENTENCES)).to_owned();
    if dice.one_in(6) {
        let other = dice.pick(&AWKWARD);
        words = if dice.one_in(3) { (*other).to_owned() } else { format!("{words} {other}") };
    }
    if dice.one_in(400) {
        let lines = 500 + dice.below(2_500);
        words = (0..lines).map(|line| format!("{line}: {words}\n")).collect();
    }
    words
}

/// Random since Mastodon names files itself; now and then one from before.
pub fn file_name(dice: &mut Dice, extension: &str) -> String {
    match dice.below(40) {
        0 => "noextension".to_owned(),
        1..5 => format!("{}.{extension}", dice.pick(&OLD_FILES)),
        _ => format!("{}.{extension}", dice.hex(16)),
    }
}

fn of<'a>(among: &[&'a str], number: u64) -> &'a str {
    among[usize::try_from(number % among.len() as u64).unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_of_accounts_here() {
        assert!((0..100).all(|number| crate::people::is_username(&local_name(number))));
    }

    #[test]
    fn texts_are_of_all_kinds() {
        let texts: Vec<String> = (0..3_000).map(|number| text(&mut Dice::new(1, "text", number))).collect();
        for part in ["\t", "\n", "\r", "\\.", "'", "\"", "👩‍👩‍👧‍👦", "COPY public."] {
            assert!(texts.iter().any(|text| text.contains(part)), "{part:?}");
        }
        assert!(texts.iter().any(|text| text.len() > 10_000) && texts.iter().all(|text| !text.contains('\0')));
    }
}
