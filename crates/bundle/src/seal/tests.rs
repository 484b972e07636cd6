use std::io::{Read as _, Write as _};

use age::secrecy::ExposeSecret as _;
use secrecy::SecretString;

use super::*;
use crate::format::Seal;

/// As little work as scrypt does.
fn passphrase(text: &str) -> Recipients {
    Recipients::passphrase(text.to_owned().into(), WorkFactor::new(1).unwrap()).unwrap()
}

fn key() -> (String, Identities) {
    let identity = age::x25519::Identity::generate();
    let file = format!("# created: today\n# public key: {}\n{}\n", identity.to_public(), identity.to_string().expose_secret());
    (identity.to_public().to_string(), Identities::file(&file.into()).unwrap())
}

fn open(sealed: &[u8], identities: &Identities) -> Result<Vec<u8>, SealError> {
    let mut plain = Vec::new();
    match Opener::new("f.age", sealed, identities)?.read_to_end(&mut plain) {
        Ok(_) => Ok(plain),
        Err(error) => Err(*error.into_inner().unwrap().downcast().unwrap()),
    }
}

/// Sizes about age's chunks of 64 KiB.
const SIZES: [usize; 8] = [0, 1, 100, 65_535, 65_536, 65_537, 131_072, 200_000];

#[test]
fn each_of_several_recipients_opens_it_and_nobody_else() {
    let ((first, one), (second, two), (_, stranger)) = (key(), key(), key());
    let recipients = Recipients::keys([&first, &second, &first]).unwrap();
    let Seal::Recipients { recipients: named } = recipients.named() else { panic!("keys were named") };
    let mut sorted = vec![first, second];
    sorted.sort();
    assert_eq!(named, sorted, "each once, in an order that doesn't depend on how they were given");
    for size in SIZES {
        let plain = vec![7; size];
        let sealed = Sealer::seal(&plain, &recipients).unwrap();
        assert_eq!(open(&sealed, &one).unwrap(), plain);
        assert_eq!(open(&sealed, &two).unwrap(), plain);
        assert!(matches!(open(&sealed, &stranger), Err(SealError::WrongKey { name }) if name == "f.age"));
        assert!(matches!(open(&sealed, &Identities::passphrase("x".to_owned().into()).unwrap()), Err(SealError::WantsKey { .. })));
    }
}

#[test]
fn a_passphrase_opens_it_and_no_other() {
    let sealed = Sealer::seal(b"secret", &passphrase("correct horse")).unwrap();
    let with = |text: &str| open(&sealed, &Identities::passphrase(text.to_owned().into()).unwrap());
    assert_eq!(with("correct horse").unwrap(), b"secret");
    assert!(matches!(with("correct  horse"), Err(SealError::WrongPassphrase { .. })));
    assert!(matches!(open(&sealed, &key().1), Err(SealError::WantsPassphrase { .. })));
    assert!(matches!(Identities::passphrase(String::new().into()), Err(SealError::EmptyPassphrase)));
    assert!(matches!(Recipients::passphrase(String::new().into(), WorkFactor::PERSON), Err(SealError::EmptyPassphrase)));
}

#[test]
fn a_file_that_wants_more_work_than_is_done_is_refused_before_any() {
    let sealed = Sealer::seal(b"secret", &passphrase("p")).unwrap();
    let text = String::from_utf8_lossy(&sealed).into_owned();
    let stanza = text.lines().nth(1).unwrap();
    for wanted in [21, 30, 63] {
        let more = stanza.strip_suffix(" 1").unwrap().to_owned() + &format!(" {wanted}");
        let mut hostile = format!("age-encryption.org/v1\n{more}\n").into_bytes();
        hostile.extend_from_slice(&sealed["age-encryption.org/v1\n".len() + stanza.len() + 1..]);
        let refused = open(&hostile, &Identities::passphrase("p".to_owned().into()).unwrap()).unwrap_err();
        assert!(matches!(refused, SealError::Work { wanted: it, most: 20, .. } if it == wanted), "{refused}");
    }
    assert_eq!(WorkFactor::new(0), None);
    assert_eq!(WorkFactor::new(21), None);
}

#[test]
fn no_beginning_of_a_file_is_taken_for_whole() {
    let (recipient, identity) = key();
    let sealed = Sealer::seal(&vec![1; 140_000], &Recipients::keys([recipient]).unwrap()).unwrap();
    let header = sealed.windows(4).position(|it| it == b"--- ").unwrap() + 64;
    for length in (0..header).chain((header..sealed.len()).step_by(977)).chain([sealed.len() - 1]) {
        let refused = open(&sealed[..length], &identity).unwrap_err();
        assert!(
            matches!(refused, SealError::Truncated { .. } | SealError::Damaged { .. })
                || (length == 0 && matches!(refused, SealError::NotAge { .. })),
            "{length}: {refused}"
        );
    }
    let mut longer = sealed.clone();
    longer.push(0);
    assert!(matches!(open(&longer, &identity), Err(SealError::Damaged { .. })), "nothing follows the end");
}

#[test]
fn a_changed_byte_is_never_overlooked() {
    let (recipient, identity) = key();
    let sealed = Sealer::seal(&vec![1; 300], &Recipients::keys([recipient]).unwrap()).unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        open(&changed, &identity).expect_err("a byte was changed");
    }
}

#[test]
fn what_is_no_age_file_is_said_so() {
    let (recipient, identity) = key();
    for other in [&b"PGDMP\x01\x0e"[..], b"<!DOCTYPE html>\n", &[0; 100_000], &[b'a'; 100_000]] {
        assert!(matches!(open(other, &identity), Err(SealError::NotAge { .. })));
    }
    let armored = b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n";
    assert!(matches!(open(armored, &identity), Err(SealError::Armored { .. })));
    let sealed = Sealer::seal(b"x", &Recipients::keys([recipient]).unwrap()).unwrap();
    let newer = [b"age-encryption.org/v2\n", &sealed[22..]].concat();
    let refused = open(&newer, &identity).unwrap_err();
    assert!(matches!(refused, SealError::Version { .. } | SealError::Damaged { .. }), "{refused}");
}

/// Counts what is taken from it.
struct Endless {
    start: &'static [u8],
    again: &'static [u8],
    taken: usize,
}

impl std::io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let from = if self.taken < self.start.len() { &self.start[self.taken..] } else { self.again };
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        self.taken += count;
        Ok(count)
    }
}

#[test]
fn a_header_without_end_is_read_only_so_far() {
    for again in [&b"-> X25519 a\n\n"[..], b"A"] {
        let mut endless = Endless { start: b"age-encryption.org/v1\n-> X ", again, taken: 0 };
        let refused = Opener::new("f.age", &mut endless, &key().1).err().unwrap();
        assert!(matches!(refused, SealError::Damaged { .. }), "{refused}");
        assert!(endless.taken <= 2 * HEADER_LIMIT + 64 * 1024, "{} bytes were read", endless.taken);
    }
}

#[test]
fn recipients_and_identities_are_refused_in_words_that_show_no_secret() {
    let secret = age::x25519::Identity::generate().to_string().expose_secret().to_owned();
    let cases = [
        ("age1", SealError::Recipient("age1".into()).to_string()),
        (secret.as_str(), SealError::SecretAsRecipient.to_string()),
        ("ssh-ed25519 AAAA", SealError::RecipientKind("ssh-ed25519 AAAA".into()).to_string()),
        ("age1yubikey1qwt", SealError::RecipientKind("age1yubikey1qwt".into()).to_string()),
    ];
    for (text, sentence) in cases {
        assert_eq!(Recipients::keys([text]).unwrap_err().to_string(), sentence);
    }
    assert!(matches!(Recipients::keys::<&str>([]), Err(SealError::NoRecipients)));

    let broken = format!("# a comment\n\n{}x\n", secret);
    let refused = Identities::file(&broken.into()).unwrap_err();
    assert!(matches!(refused, SealError::Identity(3)));
    assert!(!format!("{refused} {refused:?}").contains(&secret[20..]));
    assert!(matches!(Identities::file(&SecretString::from("# nothing\n")), Err(SealError::NoIdentities)));
    assert!(matches!(Identities::file(&SecretString::from("age-encryption.org/v1\n")), Err(SealError::SealedIdentity)));
}

#[test]
fn what_is_written_in_pieces_is_one_file() {
    let (recipient, identity) = key();
    let mut sealer = Sealer::new(Vec::new(), &Recipients::keys([recipient]).unwrap()).unwrap();
    let plain = (0..200_000_u32).map(|it| it as u8).collect::<Vec<_>>();
    for piece in plain.chunks(7_919) {
        sealer.write_all(piece).unwrap();
    }
    assert_eq!(open(&sealer.finish().unwrap(), &identity).unwrap(), plain);
}
