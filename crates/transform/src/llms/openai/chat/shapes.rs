//! The parts of an answer as LiteLLM's types declare them: what they refuse fails the attempt.
//!
//! Source: LiteLLM 1.102.4 `types/utils.py`, `types/llms/openai.py`.

use crate::pydantic::shapes::{Field, Object, Shape, closed, open, optional, required};

const INTEGER_OR_NULL: Shape = Shape::Nullable(&Shape::Integer);
const BYTES: Field = optional("bytes", Shape::Nullable(&Shape::List(&Shape::Integer)));
const CACHE_CONTROL: Field = optional("cache_control", Shape::Nullable(&Shape::Mapping));

pub(super) const ROLE: Shape = Shape::Word(&["assistant", "user", "system", "tool", "function"]);
pub(super) const TEXT: Shape = Shape::Nullable(&Shape::Text);
pub(super) const FUNCTION_CALL: Shape =
    Shape::Object(&open(&[required("arguments", Shape::Text), optional("name", TEXT)]));
pub(super) const FUNCTION: Shape =
    Shape::Object(&closed(&[required("arguments", Shape::Text), required("name", TEXT)]));
pub(super) const CUSTOM_CALL: Shape = Shape::Object(&open(&[
    required("id", Shape::Text),
    optional("type", Shape::Word(&["custom"])),
    required("custom", Shape::Object(&open(&[required("name", Shape::Text), required("input", Shape::Text)]))),
]));
pub(super) const CUSTOM_CALL_DELTA: Shape = Shape::Object(&open(&[
    optional("id", TEXT),
    optional("type", TEXT),
    required("custom", Shape::Object(&open(&[optional("name", TEXT), optional("input", TEXT)]))),
    required("index", Shape::Integer),
]));
pub(super) const AUDIO: Shape = Shape::Object(&open(&[
    required("id", Shape::Text),
    required("data", Shape::Text),
    required("expires_at", Shape::Integer),
    required("transcript", Shape::Text),
]));
pub(super) const ANNOTATIONS: Shape = Shape::List(&Shape::Object(&ANNOTATION));
pub(super) const IMAGES: Shape = Shape::List(&Shape::Object(&IMAGE));
pub(super) const THINKING_BLOCKS: Shape = Shape::List(&Shape::OneOf(&[&THINKING, &REDACTED_THINKING]));
pub(super) const LOGPROBS: Shape = Shape::Object(&CHOICE_LOGPROBS);
pub(super) const COMPLETION_DETAILS: Shape = Shape::Object(&open(&[
    optional("accepted_prediction_tokens", INTEGER_OR_NULL),
    optional("audio_tokens", INTEGER_OR_NULL),
    optional("reasoning_tokens", INTEGER_OR_NULL),
    optional("rejected_prediction_tokens", INTEGER_OR_NULL),
    optional("text_tokens", INTEGER_OR_NULL),
    optional("image_tokens", INTEGER_OR_NULL),
    optional("video_tokens", INTEGER_OR_NULL),
]));
pub(super) const PROMPT_DETAILS: Shape = Shape::Object(&PROMPT_TOKENS);
pub(super) const SERVER_TOOL_USE: Shape = Shape::Object(&closed(&[
    optional("web_search_requests", INTEGER_OR_NULL),
    optional("tool_search_requests", INTEGER_OR_NULL),
    optional("browser_open_requests", INTEGER_OR_NULL),
]));

static ANNOTATION: Object = open(&[
    optional("type", Shape::Word(&["url_citation"])),
    optional(
        "url_citation",
        Shape::Object(&open(&[
            optional("end_index", Shape::Integer),
            optional("start_index", Shape::Integer),
            optional("title", Shape::Text),
            optional("url", Shape::Text),
        ])),
    ),
]);

static IMAGE: Object = open(&[
    required("image_url", Shape::Object(&open(&[required("url", Shape::Text), optional("detail", TEXT)]))),
    required("index", Shape::Integer),
    required("type", Shape::Word(&["image_url"])),
]);

static THINKING: Object = open(&[
    required("type", Shape::Word(&["thinking"])),
    optional("thinking", Shape::Text),
    optional("signature", TEXT),
    CACHE_CONTROL,
]);

static REDACTED_THINKING: Object =
    open(&[required("type", Shape::Word(&["redacted_thinking"])), optional("data", Shape::Text), CACHE_CONTROL]);

static TOKEN: Object = open(&[
    required("token", Shape::Text),
    BYTES,
    required("logprob", Shape::Float),
    required("top_logprobs", Shape::ListOrNull(&Shape::Object(&TOP_TOKEN))),
]);

static TOP_TOKEN: Object = open(&[required("token", Shape::Text), BYTES, required("logprob", Shape::Float)]);

static CACHE_CREATION: Object = closed(&[
    optional("ephemeral_5m_input_tokens", INTEGER_OR_NULL),
    optional("ephemeral_1h_input_tokens", INTEGER_OR_NULL),
]);

static PROMPT_TOKENS: Object = open(&[
    optional("audio_tokens", INTEGER_OR_NULL),
    optional("cache_write_tokens", INTEGER_OR_NULL),
    optional("cached_tokens", INTEGER_OR_NULL),
    optional("text_tokens", INTEGER_OR_NULL),
    optional("image_tokens", INTEGER_OR_NULL),
    optional("video_tokens", INTEGER_OR_NULL),
    optional("web_search_requests", INTEGER_OR_NULL),
    optional("google_maps_grounding_requests", INTEGER_OR_NULL),
    optional("tool_use_tokens", INTEGER_OR_NULL),
    optional("character_count", INTEGER_OR_NULL),
    optional("image_count", INTEGER_OR_NULL),
    optional("video_length_seconds", Shape::Nullable(&Shape::Float)),
    optional("audio_length_seconds", Shape::Nullable(&Shape::Float)),
    optional("query_count", INTEGER_OR_NULL),
    optional("cache_creation_tokens", INTEGER_OR_NULL),
    optional("cache_creation_token_details", Shape::Nullable(&Shape::Object(&CACHE_CREATION))),
]);

static CHOICE_LOGPROBS: Object = open(&[optional("content", Shape::Nullable(&Shape::List(&Shape::Object(&TOKEN))))]);
