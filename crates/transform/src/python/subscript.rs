//! `value[key]`, `key in value` and `value.get(key)` on whatever JSON holds, with the words of what Python raises instead.

use super::repr::{string_repr, type_name};
use super::value::{Text, Value};

/// `value[key]`.
pub fn item<'a>(value: &'a Value, key: &str) -> Result<&'a Value, String> {
    match value {
        Value::Dict(dict) => dict.get(key).ok_or_else(|| string_repr(key)),
        Value::Str(_) => Err("string indices must be integers, not 'str'".to_owned()),
        Value::List(_) => Err("list indices must be integers or slices, not str".to_owned()),
        other => Err(format!("'{}' object is not subscriptable", type_name(other))),
    }
}

/// `key in value`.
pub fn contains(value: &Value, key: &str) -> Result<bool, String> {
    match value {
        Value::Dict(dict) => Ok(dict.get(key).is_some()),
        Value::Str(text) => Ok(holds(text, key)),
        Value::List(items) => Ok(items.iter().any(|item| item.as_str() == Some(key))),
        other => Err(format!("argument of type '{}' is not iterable", type_name(other))),
    }
}

fn holds(text: &Text, part: &str) -> bool {
    match text {
        Text::Unicode(text) => text.contains(part),
        Text::Surrogates(points) => {
            let part: Vec<u32> = part.chars().map(u32::from).collect();
            points.windows(part.len()).any(|window| window == part)
        }
    }
}

/// `value.get(key)`.
pub fn get<'a>(value: &'a Value, key: &str) -> Result<Option<&'a Value>, String> {
    match value {
        Value::Dict(dict) => Ok(dict.get(key)),
        other => Err(format!("'{}' object has no attribute 'get'", type_name(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::json_decode::loads;

    #[test]
    fn the_words_of_python() {
        let read = |text: &str| loads(text.as_bytes(), 9).unwrap_or(Value::None);
        let cases = [
            (r#"{"b": 1}"#, "'a'", Ok(false), "None"),
            (r#"{"a": 1}"#, "1", Ok(true), "1"),
            (r#""cap""#, "string indices must be integers, not 'str'", Ok(true), "'str' object has no attribute 'get'"),
            (
                r#"["a"]"#,
                "list indices must be integers or slices, not str",
                Ok(true),
                "'list' object has no attribute 'get'",
            ),
            (
                "null",
                "'NoneType' object is not subscriptable",
                Err("argument of type 'NoneType' is not iterable"),
                "'NoneType' object has no attribute 'get'",
            ),
        ];
        for (text, taken, contained, got) in cases {
            let value = read(text);
            assert_eq!(item(&value, "a").map_or_else(|words| words, crate::python::repr), taken);
            assert_eq!(contains(&value, "a"), contained.map_err(str::to_owned));
            let found = get(&value, "a").map(|found| found.map_or_else(|| "None".to_owned(), crate::python::repr));
            assert_eq!(found.unwrap_or_else(|words| words), got);
        }
    }
}
