//! Where a model of pydantic's puts what it has no field for: a key that the class has something for never becomes a field.
//!
//! Source: pydantic 2 `main.py` `BaseModel.__setattr__`; LiteLLM 1.102.4 `types/utils.py` `ModelResponseBase`, `Usage`.

use crate::python::{Dict, Text, type_name};

/// Methods and settings of every model, over which an instance's value is laid and not written.
#[rustfmt::skip]
const OF_EVERY_MODEL: [&str; 29] = [
    "construct", "copy", "dict", "from_orm", "get", "json", "model_computed_fields", "model_config", "model_construct",
    "model_copy", "model_dump", "model_dump_json", "model_fields", "model_json_schema", "model_parametrized_name",
    "model_post_init", "model_rebuild", "model_validate", "model_validate_json", "model_validate_strings", "parse_file",
    "parse_obj", "parse_raw", "schema", "schema_json", "to_dict", "to_json", "update_forward_refs", "validate",
];
const OF_AN_ANSWER: &str = "set_provider_response_headers";
const READ_ONLY: [&str; 2] = ["model_extra", "model_fields_set"];

/// Whether a key is an attribute, or private: not written, then.
pub(crate) fn is_attribute(class: &str, key: &Text) -> bool {
    let Some(key) = key.as_str() else { return false };
    key.starts_with('_') || OF_EVERY_MODEL.binary_search(&key).is_ok() || (key == OF_AN_ANSWER && class != "Usage")
}

/// What Python says of the first key that can't be set at all, if there is one.
pub(crate) fn unsettable(class: &str, given: &Dict) -> Option<String> {
    given.iter().find_map(|(key, value)| match key.as_str()? {
        "__class__" => Some(format!("__class__ must be set to a class, not '{}' object", type_name(value))),
        key if READ_ONLY.contains(&key) => Some(format!("property '{key}' of '{class}' object has no setter")),
        _ => None,
    })
}

/// Whether it can't be set because nothing can be, which is an `AttributeError`.
pub(crate) fn has_read_only(given: &Dict) -> bool {
    READ_ONLY.iter().any(|key| given.get(key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_class_are_no_fields() {
        assert!(OF_EVERY_MODEL.is_sorted());
        let cases = [
            ("__verbose", true, true),
            ("_", true, true),
            ("json", true, true),
            ("model_x", false, false),
            ("x", false, false),
            ("", false, false),
            ("set_provider_response_headers", true, false),
        ];
        for (key, of_answer, of_usage) in cases {
            let is = |class| is_attribute(class, &Text::from(key));
            assert_eq!((is("ModelResponse"), is("Usage")), (of_answer, of_usage), "{key}");
        }
    }
}
