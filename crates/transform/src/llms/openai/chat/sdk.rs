//! Answers and chunks as OpenAI's SDK reads them, and dumps them for LiteLLM.
//!
//! Source: OpenAI's SDK 2.54.0 `types/chat/chat_completion.py`, `chat_completion_chunk.py`, `types/completion_usage.py`.

use crate::pydantic::shapes::{Field, Object, Shape, open, optional, required};
use crate::python::Value;

/// A completion with all its fields, in the SDK's order and types.
pub(super) fn completion(answer: Value) -> Value {
    Shape::Object(&COMPLETION).constructed(answer)
}

/// A chunk of a stream, likewise.
pub(super) fn chunk(chunk: Value) -> Value {
    Shape::Object(&CHUNK).constructed(chunk)
}

const TEXT_OR_NULL: Shape = Shape::Nullable(&Shape::Text);
const INTEGER_OR_NULL: Shape = Shape::Nullable(&Shape::Integer);
const FINISH: Shape = Shape::Word(&["stop", "length", "tool_calls", "content_filter", "function_call"]);
const TIER: Shape = Shape::Nullable(&Shape::Word(&["auto", "default", "flex", "scale", "priority", "fast"]));

static COMPLETION: Object = open(&[
    required("id", Shape::Text),
    required("choices", Shape::List(&Shape::Object(&CHOICE))),
    required("created", Shape::Integer),
    required("model", Shape::Text),
    required("object", Shape::Word(&["chat.completion"])),
    optional("moderation", Shape::Any),
    optional("service_tier", TIER),
    optional("system_fingerprint", TEXT_OR_NULL),
    optional("usage", Shape::Nullable(&Shape::Object(&USAGE))),
]);

static CHOICE: Object = open(&[
    required("finish_reason", FINISH),
    required("index", Shape::Integer),
    optional("logprobs", Shape::Nullable(&Shape::Object(&LOGPROBS))),
    required("message", Shape::Object(&MESSAGE)),
]);

static MESSAGE: Object = open(&[
    optional("content", TEXT_OR_NULL),
    optional("refusal", TEXT_OR_NULL),
    required("role", Shape::Word(&["assistant"])),
    optional("annotations", Shape::Nullable(&Shape::List(&Shape::Object(&ANNOTATION)))),
    optional("audio", Shape::Nullable(&Shape::Object(&AUDIO))),
    optional("function_call", Shape::Nullable(&Shape::Object(&FUNCTION))),
    optional("tool_calls", Shape::Nullable(&Shape::List(&Shape::OneOf(&[&FUNCTION_CALL, &CUSTOM_CALL])))),
]);

static ANNOTATION: Object =
    open(&[required("type", Shape::Word(&["url_citation"])), required("url_citation", Shape::Object(&CITATION))]);

static CITATION: Object = open(&[
    required("end_index", Shape::Integer),
    required("start_index", Shape::Integer),
    required("title", Shape::Text),
    required("url", Shape::Text),
]);

static AUDIO: Object = open(&[
    required("id", Shape::Text),
    required("data", Shape::Text),
    required("expires_at", Shape::Integer),
    required("transcript", Shape::Text),
]);

static FUNCTION: Object = open(&[required("arguments", Shape::Text), required("name", Shape::Text)]);

static FUNCTION_CALL: Object = open(&[
    required("id", Shape::Text),
    required("function", Shape::Object(&FUNCTION)),
    required("type", Shape::Word(&["function"])),
]);

static CUSTOM: Object = open(&[required("input", Shape::Text), required("name", Shape::Text)]);

static CUSTOM_CALL: Object = open(&[
    required("id", Shape::Text),
    required("custom", Shape::Object(&CUSTOM)),
    required("type", Shape::Word(&["custom"])),
]);

static LOGPROBS: Object = open(&[optional("content", TOKENS), optional("refusal", TOKENS)]);

const TOKENS: Shape = Shape::Nullable(&Shape::List(&Shape::Object(&TOKEN)));
const BYTES: Field = optional("bytes", Shape::Nullable(&Shape::List(&Shape::Integer)));

static TOKEN: Object = open(&[
    required("token", Shape::Text),
    BYTES,
    required("logprob", Shape::Float),
    required("top_logprobs", Shape::List(&Shape::Object(&TOP_TOKEN))),
]);

static TOP_TOKEN: Object = open(&[required("token", Shape::Text), BYTES, required("logprob", Shape::Float)]);

static USAGE: Object = open(&[
    required("completion_tokens", Shape::Integer),
    required("prompt_tokens", Shape::Integer),
    required("total_tokens", Shape::Integer),
    optional("completion_tokens_details", Shape::Nullable(&Shape::Object(&COMPLETION_DETAILS))),
    optional("prompt_tokens_details", Shape::Nullable(&Shape::Object(&PROMPT_DETAILS))),
]);

static COMPLETION_DETAILS: Object = open(&[
    optional("accepted_prediction_tokens", INTEGER_OR_NULL),
    optional("audio_tokens", INTEGER_OR_NULL),
    optional("reasoning_tokens", INTEGER_OR_NULL),
    optional("rejected_prediction_tokens", INTEGER_OR_NULL),
]);

static PROMPT_DETAILS: Object = open(&[
    optional("audio_tokens", INTEGER_OR_NULL),
    optional("cache_write_tokens", INTEGER_OR_NULL),
    optional("cached_tokens", INTEGER_OR_NULL),
]);

static CHUNK: Object = open(&[
    required("id", Shape::Text),
    required("choices", Shape::List(&Shape::Object(&CHUNK_CHOICE))),
    required("created", Shape::Integer),
    required("model", Shape::Text),
    required("object", Shape::Word(&["chat.completion.chunk"])),
    optional("moderation", Shape::Any),
    optional("service_tier", TIER),
    optional("system_fingerprint", TEXT_OR_NULL),
    optional("usage", Shape::Nullable(&Shape::Object(&USAGE))),
]);

static CHUNK_CHOICE: Object = open(&[
    required("delta", Shape::Object(&DELTA)),
    optional("finish_reason", Shape::Nullable(&FINISH)),
    required("index", Shape::Integer),
    optional("logprobs", Shape::Nullable(&Shape::Object(&LOGPROBS))),
]);

static DELTA: Object = open(&[
    optional("content", TEXT_OR_NULL),
    optional("function_call", Shape::Nullable(&Shape::Object(&FUNCTION_DELTA))),
    optional("refusal", TEXT_OR_NULL),
    optional("role", Shape::Nullable(&Shape::Word(&["developer", "system", "user", "assistant", "tool"]))),
    optional("tool_calls", Shape::Nullable(&Shape::List(&Shape::Object(&CALL_DELTA)))),
]);

static FUNCTION_DELTA: Object = open(&[optional("arguments", TEXT_OR_NULL), optional("name", TEXT_OR_NULL)]);

static CALL_DELTA: Object = open(&[
    required("index", Shape::Integer),
    optional("id", TEXT_OR_NULL),
    optional("function", Shape::Nullable(&Shape::Object(&FUNCTION_DELTA))),
    optional("type", Shape::Nullable(&Shape::Word(&["function"]))),
]);
