//! The OCR response model: validated as pydantic does, written as FastAPI and orjson do.
//!
//! Source: LiteLLM 1.102.4 `llms/base_llm/ocr/transformation.py`.

use crate::pydantic::{Issues, Kind, Location, as_float, as_integer, as_string};
use crate::python::json_encode::{EncodeError, orjson_dumps};
use crate::python::{Dict, Integer, Text, Value};

/// A validated answer, ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct OcrResponse {
    pages: Value,
    /// The model the provider names; prices go by it, clients never see it.
    pub model: Text,
    document_annotation: Value,
    usage_info: Value,
    /// What the price depends on.
    pub usage: Option<Usage>,
}

/// The billable numbers of `usage_info`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    pub pages_processed: Option<Integer>,
    pub pages_processed_annotation: Option<Integer>,
    pub credits: Option<f64>,
}

impl OcrResponse {
    /// Validates `OCRResponse(pages=…, model=…, document_annotation=…, usage_info=…)`.
    pub fn validate(
        pages: &Value,
        model: &Value,
        document_annotation: &Value,
        usage_info: &Value,
    ) -> Result<Self, Issues> {
        let root = Location::default();
        let mut issues = Issues::default();
        let pages = list(pages, &root.field("pages"), &mut issues, page);
        let model_location = root.field("model");
        let model = as_string(model).map_err(|kind| issues.add(model_location, kind, model)).ok();
        let usage_info = optional(usage_info, &root.field("usage_info"), &mut issues, usage_info_model);
        match model {
            Some(model) if issues.is_empty() => Ok(Self {
                pages,
                model,
                document_annotation: document_annotation.clone(),
                usage: usage_of(&usage_info),
                usage_info,
            }),
            _ => Err(issues),
        }
    }

    /// The client's body; `model` is the name the client asked for.
    pub fn to_json(&self, model: &str) -> Result<Vec<u8>, EncodeError> {
        let mut dict = Dict::default();
        dict.push(Text::from("pages"), self.pages.clone());
        dict.push(Text::from("model"), Value::Str(Text::from(model)));
        dict.push(Text::from("document_annotation"), self.document_annotation.clone());
        dict.push(Text::from("usage_info"), self.usage_info.clone());
        for unused in ["content", "tables", "keyValuePairs"] {
            dict.push(Text::from(unused), Value::None);
        }
        dict.push(Text::from("object"), Value::Str(Text::from("ocr")));
        orjson_dumps(&Value::Dict(dict))
    }
}

/// Validates one value at one place; what it returns is meaningless once an issue was added.
type Validate = fn(&Value, &Location, &mut Issues) -> Value;

struct Field {
    name: &'static str,
    required: bool,
    validate: Validate,
}

const fn field(name: &'static str, validate: Validate) -> Field {
    Field { name, required: false, validate }
}

struct Model {
    class: &'static str,
    fields: &'static [Field],
    /// Whether unknown keys are kept, behind the fields and in the input's order, or dropped.
    keeps_extra: bool,
}

const PAGE: Model = Model {
    class: "OCRPage",
    fields: &[
        Field { name: "index", required: true, validate: integer },
        Field { name: "markdown", required: true, validate: string },
        field("images", |value, at, issues| {
            optional(value, at, issues, |value, at, issues| list(value, at, issues, image))
        }),
        field("dimensions", |value, at, issues| {
            optional(value, at, issues, |value, at, issues| model(&DIMENSIONS, value, at, issues))
        }),
    ],
    keeps_extra: true,
};

const IMAGE: Model = Model {
    class: "OCRPageImage",
    fields: &[
        field("image_base64", |value, at, issues| optional(value, at, issues, string)),
        field("bbox", |value, at, issues| optional(value, at, issues, dict)),
    ],
    keeps_extra: true,
};

const DIMENSIONS: Model = Model {
    class: "OCRPageDimensions",
    fields: &[
        field("dpi", |value, at, issues| optional(value, at, issues, integer)),
        field("height", |value, at, issues| optional(value, at, issues, integer)),
        field("width", |value, at, issues| optional(value, at, issues, integer)),
    ],
    keeps_extra: false,
};

const USAGE_INFO: Model = Model {
    class: "OCRUsageInfo",
    fields: &[
        field("pages_processed", |value, at, issues| optional(value, at, issues, integer)),
        field("pages_processed_annotation", |value, at, issues| optional(value, at, issues, integer)),
        field("credits", |value, at, issues| optional(value, at, issues, float)),
        field("doc_size_bytes", |value, at, issues| optional(value, at, issues, integer)),
    ],
    keeps_extra: true,
};

fn page(value: &Value, at: &Location, issues: &mut Issues) -> Value {
    model(&PAGE, value, at, issues)
}

fn image(value: &Value, at: &Location, issues: &mut Issues) -> Value {
    model(&IMAGE, value, at, issues)
}

fn usage_info_model(value: &Value, at: &Location, issues: &mut Issues) -> Value {
    model(&USAGE_INFO, value, at, issues)
}

fn model(model: &Model, value: &Value, at: &Location, issues: &mut Issues) -> Value {
    let Value::Dict(input) = value else {
        issues.add(at.clone(), Kind::ModelType(model.class), value);
        return Value::None;
    };
    // Pydantic can't look up such a key, and gives up on the whole model before it says what else is wrong with it.
    if let Some((key, _)) = input.iter().find(|(key, _)| model.keeps_extra && key.as_str().is_none()) {
        issues.add(at.clone(), Kind::StringUnicode, &Value::Str(key.clone()));
        return Value::None;
    }
    let mut output = Dict::default();
    for Field { name, required, validate } in model.fields {
        let valid = match input.get(name) {
            Some(given) => validate(given, &at.field(name), issues),
            None => {
                if *required {
                    issues.add(at.field(name), Kind::Missing, value);
                }
                Value::None
            }
        };
        output.push(Text::from(*name), valid);
    }
    if model.keeps_extra {
        let is_field = |key: &Text| model.fields.iter().any(|field| key.as_str() == Some(field.name));
        for (key, extra) in input.iter().filter(|(key, _)| !is_field(key)) {
            output.push(key.clone(), extra.clone());
        }
    }
    Value::Dict(output)
}

fn optional(value: &Value, at: &Location, issues: &mut Issues, validate: Validate) -> Value {
    if *value == Value::None { Value::None } else { validate(value, at, issues) }
}

fn list(value: &Value, at: &Location, issues: &mut Issues, validate: Validate) -> Value {
    let Value::List(items) = value else {
        issues.add(at.clone(), Kind::ListType, value);
        return Value::None;
    };
    let valid = items.iter().enumerate().map(|(index, item)| validate(item, &at.index(index), issues));
    Value::List(valid.collect())
}

fn dict(value: &Value, at: &Location, issues: &mut Issues) -> Value {
    let Value::Dict(dict) = value else {
        issues.add(at.clone(), Kind::DictType, value);
        return Value::None;
    };
    Value::Dict(Dict::from_pairs(dict.iter().map(|(key, item)| (written_key(key), item.clone())).collect()))
}

/// Keys declared as strings are written with each byte of a lone surrogate replaced, where any other text would fail.
fn written_key(key: &Text) -> Text {
    let replaced = key.code_points().map(|point| char::from_u32(point).map_or("\u{fffd}".repeat(3), String::from));
    Text::Unicode(replaced.collect())
}

fn integer(value: &Value, at: &Location, issues: &mut Issues) -> Value {
    scalar(as_integer(value).map(Value::Int), value, at, issues)
}

fn float(value: &Value, at: &Location, issues: &mut Issues) -> Value {
    scalar(as_float(value).map(Value::Float), value, at, issues)
}

fn string(value: &Value, at: &Location, issues: &mut Issues) -> Value {
    scalar(as_string(value).map(Value::Str), value, at, issues)
}

fn scalar(result: Result<Value, Kind>, input: &Value, at: &Location, issues: &mut Issues) -> Value {
    result.unwrap_or_else(|kind| {
        issues.add(at.clone(), kind, input);
        Value::None
    })
}

fn usage_of(usage_info: &Value) -> Option<Usage> {
    let Value::Dict(dict) = usage_info else {
        return None;
    };
    let integer = |name| match dict.get(name) {
        Some(Value::Int(integer)) => Some(integer.clone()),
        _ => None,
    };
    let credits = match dict.get("credits") {
        Some(Value::Float(credits)) => Some(*credits),
        _ => None,
    };
    Some(Usage {
        pages_processed: integer("pages_processed"),
        pages_processed_annotation: integer("pages_processed_annotation"),
        credits,
    })
}
