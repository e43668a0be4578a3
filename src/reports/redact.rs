//! Takes credentials out, and turns contents into structure.

use hmac::{Hmac, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::names::Names;

/// Header names whose values are credentials, wholly or in part.
const CREDENTIAL_HEADERS: [&str; 12] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-litellm-api-key",
    "ocp-apim-subscription-key",
    "cookie",
    "set-cookie",
    "llm_provider-set-cookie",
    "x-amz-security-token",
    "x-amz-signature",
];

/// What stands where a credential stood.
pub const REDACTED: &str = "***";
/// Shorter configured values are too common as text to be searched for.
const SECRET_LENGTH_MIN: usize = 6;
/// Elements of one array, or members of one object, that a structure shows.
const SHOWN_MAX: usize = 64;
/// Levels that a structure shows.
const DEPTH_MAX: usize = 24;

/// Replaces credentials, known ones by their value and others by their header.
#[derive(Clone)]
pub struct Redactor {
    secrets: Vec<String>,
    hash_key: [u8; 32],
}

impl Redactor {
    pub fn new(secrets: impl IntoIterator<Item = String>, hash_key: [u8; 32]) -> Self {
        let mut secrets: Vec<String> = secrets.into_iter().filter(|secret| secret.len() >= SECRET_LENGTH_MIN).collect();
        // The longest first, or a short one would cut a long one in two and leave its end.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets, hash_key }
    }

    /// A header's value as it may be shown.
    pub fn header(&self, name: &str, value: &str) -> String {
        if CREDENTIAL_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            return format!("{REDACTED} #{}", self.hash(value.as_bytes()));
        }
        self.text(value)
    }

    /// A text without the credentials that the configuration knows.
    pub fn text(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.secrets {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), REDACTED);
            }
        }
        clean
    }

    /// A body's text; `None` when it is not UTF-8.
    pub fn body(&self, body: &[u8]) -> Option<String> {
        std::str::from_utf8(body).ok().map(|text| self.text(text))
    }

    /// Twelve hexadecimal digits that are equal for equal contents and tell nothing else.
    pub fn hash(&self, content: &[u8]) -> String {
        keyed_hash(&self.hash_key, content)
    }

    /// The structure of a body: JSON by its keys, types and lengths, anything else by its length.
    pub fn structure(&self, body: &[u8], names: &Names) -> Value {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => self.at_depth(&value, names, 0),
            Err(_) => json!(format!("{} bytes #{}", body.len(), self.hash(body))),
        }
    }

    /// Keys, types, lengths and keyed hashes of a JSON value, without its contents.
    fn at_depth(&self, value: &Value, names: &Names, depth: usize) -> Value {
        if depth > DEPTH_MAX {
            return json!("…");
        }
        match value {
            Value::Null => Value::Null,
            Value::Bool(_) => json!("boolean"),
            Value::Number(number) => json!(format!("number #{}", self.hash(number.to_string().as_bytes()))),
            Value::String(text) => json!(format!("string({}) #{}", text.chars().count(), self.hash(text.as_bytes()))),
            Value::Array(elements) => {
                let shown = elements.iter().take(SHOWN_MAX);
                let mut shown: Vec<Value> = shown.map(|element| self.at_depth(element, names, depth + 1)).collect();
                if elements.len() > SHOWN_MAX {
                    shown.push(json!(format!("… {} more", elements.len() - SHOWN_MAX)));
                }
                Value::Array(shown)
            }
            Value::Object(members) => {
                let mut shown: Map<String, Value> = members
                    .iter()
                    .take(SHOWN_MAX)
                    .map(|(name, member)| {
                        (names.shown(name, self).into_owned(), self.at_depth(member, names, depth + 1))
                    })
                    .collect();
                if members.len() > SHOWN_MAX {
                    shown.insert("…".to_owned(), json!(format!("{} more", members.len() - SHOWN_MAX)));
                }
                Value::Object(shown)
            }
        }
    }
}

fn keyed_hash(key: &[u8; 32], content: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(content);
    mac.finalize().into_bytes().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(["sk-1234".to_owned(), "sk-1234-longer".to_owned(), "x".to_owned()], [7; 32])
    }

    #[test]
    fn credentials_never_show() {
        let redactor = redactor();
        assert!(redactor.header("Authorization", "Bearer anything").starts_with("*** #"));
        assert_eq!(redactor.header("accept", "x sk-1234-longer y"), "x *** y");
        assert_eq!(redactor.text("sk-1234-longer sk-1234 x"), "*** *** x");
    }

    #[test]
    fn structure_holds_no_content() {
        let shown = redactor()
            .structure(br#"{"model":"secret words","pages":[1,true,null],"deep":{"a":"b"}}"#, &Names::default());
        let text = shown.to_string();
        for content in ["secret words", "\"b\""] {
            assert!(!text.contains(content), "{text}");
        }
        assert!(text.contains("string(12) #"), "{text}");
    }

    #[test]
    fn long_arrays_are_cut() {
        let body = serde_json::to_vec(&vec![0; SHOWN_MAX + 1]).unwrap();
        let Value::Array(shown) = redactor().structure(&body, &Names::default()) else { panic!() };
        assert_eq!(shown.len(), SHOWN_MAX + 1);
        assert_eq!(shown[SHOWN_MAX], "… 1 more");
    }
}
