//! The text of a `ValidationError`, which LiteLLM hands to clients.

use crate::python::{Value, repr, type_name};

/// The `major.minor` in the links of error texts.
const PYDANTIC_VERSION: &str = "2.14";

/// The longest `repr` of an input that is shown whole, in bytes; longer ones keep 25 bytes in front and 24 behind.
const INPUT_BYTES_MAX: usize = 50;

/// What is wrong with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    DictType,
    FiniteNumber,
    FloatParsing,
    FloatType,
    IntFromFloat,
    IntParsing,
    IntParsingSize,
    IntType,
    ListType,
    Missing,
    ModelType(&'static str),
    StringType,
    StringUnicode,
}

impl Kind {
    fn code(self) -> &'static str {
        match self {
            Self::DictType => "dict_type",
            Self::FiniteNumber => "finite_number",
            Self::FloatParsing => "float_parsing",
            Self::FloatType => "float_type",
            Self::IntFromFloat => "int_from_float",
            Self::IntParsing => "int_parsing",
            Self::IntParsingSize => "int_parsing_size",
            Self::IntType => "int_type",
            Self::ListType => "list_type",
            Self::Missing => "missing",
            Self::ModelType(_) => "model_type",
            Self::StringType => "string_type",
            Self::StringUnicode => "string_unicode",
        }
    }

    fn message(self) -> String {
        let fixed = match self {
            Self::ModelType(class) => return format!("Input should be a valid dictionary or instance of {class}"),
            Self::DictType => "Input should be a valid dictionary",
            Self::FiniteNumber => "Input should be a finite number",
            Self::FloatParsing => "Input should be a valid number, unable to parse string as a number",
            Self::FloatType => "Input should be a valid number",
            Self::IntFromFloat => "Input should be a valid integer, got a number with a fractional part",
            Self::IntParsing => "Input should be a valid integer, unable to parse string as an integer",
            Self::IntParsingSize => "Unable to parse input string as an integer, exceeded maximum size",
            Self::IntType => "Input should be a valid integer",
            Self::ListType => "Input should be a valid list",
            Self::Missing => "Field required",
            Self::StringType => "Input should be a valid string",
            Self::StringUnicode => "Input should be a valid string, unable to parse raw data as a unicode string",
        };
        fixed.to_owned()
    }
}

/// Where in the input: field names and indices, joined by dots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location(String);

impl Location {
    pub fn field(&self, name: &str) -> Self {
        Self(if self.0.is_empty() { name.to_owned() } else { format!("{}.{name}", self.0) })
    }

    pub fn index(&self, index: usize) -> Self {
        self.field(&index.to_string())
    }
}

/// One line of a `ValidationError`.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    pub location: Location,
    pub kind: Kind,
    /// `repr(input)`, already shortened.
    input: String,
    input_type: &'static str,
}

/// All that is wrong with one input, in pydantic's order (depth first, fields in the model's order).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Issues(Vec<Issue>);

impl Issues {
    pub fn add(&mut self, location: Location, kind: Kind, input: &Value) {
        let issue = Issue { location, kind, input: shortened(repr(input)), input_type: type_name(input) };
        self.0.push(issue);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `str(ValidationError)` for a model of this name.
    pub fn text(&self, model: &str) -> String {
        let plural = if self.0.len() == 1 { "" } else { "s" };
        let mut text = format!("{} validation error{plural} for {model}", self.0.len());
        for Issue { location, kind, input, input_type } in &self.0 {
            let (message, code) = (kind.message(), kind.code());
            text.push_str(&format!(
                "\n{}\n  {message} [type={code}, input_value={input}, input_type={input_type}]\n    \
                 For further information visit https://errors.pydantic.dev/{PYDANTIC_VERSION}/v/{code}",
                location.0
            ));
        }
        text
    }
}

/// Keeps the two ends of a long text, each cut at a character: never more than half of the limit.
fn shortened(text: String) -> String {
    if text.len() <= INPUT_BYTES_MAX {
        return text;
    }
    let front = INPUT_BYTES_MAX / 2;
    let back = text.len() - (front - 1);
    let front = (0..=front).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let back = (back..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    format!("{}...{}", &text[..front], &text[back..])
}
