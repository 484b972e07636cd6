//! Digests of Kubernetes objects: what an object says, without what the API server and controllers write about it.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// SHA-256 of canonical JSON, short enough to be kept once per child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest([u8; 16]);

impl Digest {
    /// `serde_json` keeps a map's keys sorted, so equal values have equal text.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        Self::of_bytes(value.to_string().as_bytes())
    }

    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes);
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        Self(short)
    }

    /// All 32 hexadecimal digits, for an annotation.
    #[must_use]
    pub fn hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    /// Ten digits, for a name.
    #[must_use]
    pub fn short(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0[..5])
    }
}

/// Fields that others write in the course of things; a change of them alone is no drift.
const BOOKKEEPING: [&str; 7] =
    ["resourceVersion", "managedFields", "generation", "creationTimestamp", "selfLink", "deletionGracePeriodSeconds", "uid"];

/// Takes the status and the API server's bookkeeping out of an object.
pub fn strip(object: &mut Value) {
    let Some(object) = object.as_object_mut() else { return };
    object.remove("status");
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in BOOKKEEPING {
            metadata.remove(field);
        }
    }
}

/// Does `found` say all that `wanted` says? The API server adds defaults, so more may be found; lists must have the same length.
#[must_use]
pub fn contains(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => wanted.iter().all(|(key, wanted)| match found.get(key) {
            Some(found) => contains(found, wanted),
            None => is_empty(wanted),
        }),
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| contains(found, wanted))
        }
        (found, wanted) => found == wanted,
    }
}

/// What the API server drops when it stores an object.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_empty) && map.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(it) => !it,
        Value::Number(it) => it.as_i64() == Some(0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_api_server_adds_is_no_difference() {
        let wanted = json!({"spec": {"ports": [{"port": 80}], "egress": []}});
        let found = json!({"spec": {"ports": [{"port": 80, "protocol": "TCP"}], "clusterIP": "10.0.0.1"}, "status": {}});
        assert!(contains(&found, &wanted));
    }

    #[test]
    fn what_somebody_changed_is_a_difference() {
        let wanted = json!({"spec": {"replicas": 2, "args": ["a"]}});
        for found in [
            json!({"spec": {"replicas": 3, "args": ["a"]}}),
            json!({"spec": {"args": ["a"]}}),
            json!({"spec": {"replicas": 2, "args": ["a", "b"]}}),
            json!({"spec": {"replicas": 2}}),
        ] {
            assert!(!contains(&found, &wanted), "{found}");
        }
    }

    #[test]
    fn the_digest_leaves_out_status_and_bookkeeping() {
        let mut first = json!({"metadata": {"name": "a", "resourceVersion": "1", "labels": {"x": "y"}}, "status": {"ready": 0}});
        let mut second = json!({"metadata": {"labels": {"x": "y"}, "name": "a", "resourceVersion": "2"}, "status": {"ready": 1}});
        strip(&mut first);
        strip(&mut second);
        assert_eq!(Digest::of(&first), Digest::of(&second));
        second["metadata"]["labels"]["x"] = json!("z");
        assert_ne!(Digest::of(&first), Digest::of(&second));
    }
}
