//! Whether a lane's samples keep their content: a choice, because a layer must be able to say no to what one before it said.

use std::{borrow::Cow, fmt};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::time::Span;

/// Keeping the content of samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// How long the content is kept.
    pub ttl: Span,
    /// The most bytes kept of one body.
    pub max_bytes: u64,
}

/// What one layer says of content.
#[derive(Clone, Debug, PartialEq)]
pub enum ContentChoice {
    /// None is kept, whatever the layers before say.
    Off,
    /// Kept, like this.
    Keep(Content),
}

const OFF: &str = "off";

impl Serialize for ContentChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_str(OFF),
            Self::Keep(content) => content.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ContentChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChoiceVisitor)
    }
}

/// By hand: of an untagged enum serde says no more than that nothing fitted.
struct ChoiceVisitor;

impl<'de> Visitor<'de> for ChoiceVisitor {
    type Value = ContentChoice;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`off`, or `ttl` and `max_bytes`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ContentChoice, E> {
        if text == OFF { Ok(ContentChoice::Off) } else { Err(E::unknown_variant(text, &[OFF])) }
    }

    /// YAML 1.1 reads an unquoted `off` as false.
    fn visit_bool<E: Error>(self, value: bool) -> Result<ContentChoice, E> {
        if value { Err(E::unknown_variant("true", &[OFF])) } else { Ok(ContentChoice::Off) }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ContentChoice, A::Error> {
        Content::deserialize(MapAccessDeserializer::new(map)).map(ContentChoice::Keep)
    }
}

impl JsonSchema for ContentChoice {
    fn schema_name() -> Cow<'static, str> {
        "ContentChoice".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How the content of samples is kept, or `off`: none is, whatever a less specific layer says.",
            "anyOf": [{"const": OFF}, generator.subschema_for::<Content>()],
        })
    }
}
