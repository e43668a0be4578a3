//! The id that LiteLLM gives a deployment which names none itself.

use sha2::{Digest, Sha256};

use crate::config::python::{Dict, NotJson, Value, json_dumps, str_of};

/// SHA-256 over group and parameters in the order of the file, references resolved.
///
/// Errors  a nested mapping has a key that `json.dumps` refuses; LiteLLM does not start then.
/// Source  litellm/router.py `generate_model_id` @ 1.102.4
pub fn generate_model_id(model_name: &str, litellm_params: &Dict) -> Result<String, NotJson> {
    let mut hash = Sha256::new();
    hash.update(model_name);
    for (key, node) in litellm_params.iter() {
        hash.update(str_of(key));
        match &node.value {
            dict @ Value::Dict(_) => hash.update(json_dumps(dict)?),
            other => hash.update(str_of(other)),
        }
    }
    Ok(hex(&hash.finalize()))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
