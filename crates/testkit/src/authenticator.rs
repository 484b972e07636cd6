//! An authenticator and the browser around it, as far as passkeys need them: it answers what `navigator.credentials` is asked, as JSON,
//! with real signatures. A test may make it lie.

use data_encoding::BASE64URL_NOPAD;
use howdah_app::OsRandomness;
use howdah_domain::Randomness;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const HAS_CREDENTIAL: u8 = 1 << 6;

#[derive(Clone)]
pub struct Authenticator {
    /// Where the browser says that it is.
    origin: String,
    /// Whether it has seen, by finger, face or PIN, that it is its owner.
    verifies_user: bool,
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: [u8; 32],
    secret: SigningKey,
    host: String,
    /// Whom it signs in.
    user: String,
    /// Of its signatures so far.
    counter: u32,
}

impl Authenticator {
    /// With no key yet.
    #[must_use]
    pub fn at(origin: &str) -> Self {
        Self { origin: origin.to_owned(), verifies_user: true, keys: Vec::new() }
    }

    /// With the same keys, on a page of another site's.
    #[must_use]
    pub fn moved_to(&self, origin: &str) -> Self {
        Self { origin: origin.to_owned(), ..self.clone() }
    }

    /// With the same keys, in the hands of whoever found it.
    #[must_use]
    pub fn found(&self) -> Self {
        Self { verifies_user: false, ..self.clone() }
    }

    /// What `navigator.credentials.create` gives: a new key.
    ///
    /// # Panics
    /// Where these are no options.
    pub fn create(&mut self, options: &Value) -> Value {
        let host = text(&options["rp"]["id"]);
        self.keys.push(Key { id: random(), secret: new_secret(), host, user: text(&options["user"]["id"]), counter: 0 });
        self.create_again(options)
    }

    /// The same with its newest key, as one does that does not look which keys it is told to leave out.
    ///
    /// # Panics
    /// Where it has none.
    pub fn create_again(&self, options: &Value) -> Value {
        let key = self.keys.last().expect("a key");
        let mut data = self.data_of(key, HAS_CREDENTIAL);
        // Of no make that it tells.
        data.extend([0; 16]);
        data.extend(u16::try_from(key.id.len()).expect("a short id").to_be_bytes());
        data.extend(key.id);
        data.extend(cose_of(&key.secret));
        let response = json!({
            "attestationObject": encode(&attestation_of(&data)),
            "clientDataJSON": encode(&self.client_data("webauthn.create", options)),
            "transports": ["internal"],
        });
        json!({
            "id": encode(&key.id), "rawId": encode(&key.id), "type": "public-key", "response": response,
            "clientExtensionResults": {"credProps": {"rk": true}},
        })
    }

    /// What `navigator.credentials.get` gives: signed with the newest key that may answer.
    ///
    /// # Panics
    /// Where none may.
    pub fn get(&mut self, options: &Value) -> Value {
        let host = text(&options["rpId"]);
        let allowed: Vec<String> = options["allowCredentials"].as_array().expect("a list").iter().map(|it| text(&it["id"])).collect();
        let may = |it: &&mut Key| it.host == host && (allowed.is_empty() || allowed.contains(&encode(&it.id)));
        let key = self.keys.iter_mut().rev().find(may).expect("no key may answer");
        key.counter += 1;
        let key = key.clone();
        self.sign(&key, options)
    }

    /// The counter of all its keys, as a copy of it would have it that was made earlier.
    pub fn turn_back(&mut self, by: u32) {
        for key in &mut self.keys {
            key.counter -= by;
        }
    }

    fn sign(&self, key: &Key, options: &Value) -> Value {
        let (data, client_data) = (self.data_of(key, 0), self.client_data("webauthn.get", options));
        let signed = [data.as_slice(), Sha256::digest(&client_data).as_slice()].concat();
        let signature: Signature = key.secret.sign(&signed);
        json!({
            "id": encode(&key.id), "rawId": encode(&key.id), "type": "public-key", "clientExtensionResults": {},
            "response": {
                "authenticatorData": encode(&data),
                "clientDataJSON": encode(&client_data),
                "signature": encode(signature.to_der().as_bytes()),
                "userHandle": key.user,
            },
        })
    }

    /// Of the host, what was done, and how often.
    fn data_of(&self, key: &Key, flags: u8) -> Vec<u8> {
        let verified = if self.verifies_user { USER_VERIFIED } else { 0 };
        let mut data = Sha256::digest(key.host.as_bytes()).to_vec();
        data.push(USER_PRESENT | verified | flags);
        data.extend(key.counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        json!({"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false}).to_string().into_bytes()
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    OsRandomness.fill(&mut bytes);
    bytes
}

fn new_secret() -> SigningKey {
    SigningKey::from_slice(&random()).expect("all but 2⁻³² of all numbers of 256 bits are a key")
}

/// RFC 9053: an EC2 key for ES256 on P-256, as CBOR.
fn cose_of(secret: &SigningKey) -> Vec<u8> {
    let point = secret.verifying_key().to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    [&[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20][..], x, &[0x22, 0x58, 0x20], y].concat()
}

/// `{"fmt": "none", "attStmt": {}, "authData": …}` as CBOR.
fn attestation_of(data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).expect("short data");
    [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58", &[length][..], data].concat()
}
