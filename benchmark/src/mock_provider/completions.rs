//! Chat completions, messages, responses and embeddings: one ready-made answer each, whole or as a stream.

use bytes::Bytes;
use memchr::memmem;
use serde_json::{Value, json};

use crate::documents::hash;

/// Words that a stream deals out one event at a time.
const WORDS: &[&str] =
    &["The", " tide", " turns", " at", " six", ",", " über", " 日本", " \"quoted\"", "\n", "and", " out", "."];

/// An answer before it has a head.
pub enum Completion {
    /// A JSON body.
    Whole(Bytes),
    /// Server-sent events, each with its blank line.
    Stream(Vec<Bytes>),
}

/// The answer for `route` (path without query), none for a path no provider has.
pub fn answer(route: &str, body: &[u8], events: usize) -> Option<Completion> {
    let asks = |needle: &[u8]| memmem::find(body, needle).is_some();
    let streams = asks(b"\"stream\": true") || asks(b"\"stream\":true");
    let tools = asks(b"\"tools\"");
    if route.ends_with("/chat/completions") {
        let usage = asks(b"\"include_usage\"");
        return Some(match streams {
            true => Completion::Stream(chat_events(body, events, tools, usage)),
            false => whole(chat(body, tools)),
        });
    }
    if route.ends_with("/messages") {
        return Some(match streams {
            true => Completion::Stream(message_events(body, events)),
            false => whole(message(body, tools)),
        });
    }
    if route.ends_with("/responses") {
        return Some(match streams {
            true => Completion::Stream(response_events(body, events)),
            false => whole(response(body, "completed", &words(events))),
        });
    }
    if route.ends_with("/embeddings") {
        return Some(whole(embeddings(body)));
    }
    if route.ends_with("/models") {
        return Some(whole(
            json!({ "object": "list", "data": [{ "id": "mock-model", "object": "model", "owned_by": "mock" }] }),
        ));
    }
    None
}

fn whole(value: Value) -> Completion {
    Completion::Whole(Bytes::from(value.to_string()))
}

fn identity(prefix: &str, body: &[u8]) -> String {
    format!("{prefix}{:016x}", hash(body))
}

fn word(position: usize) -> &'static str {
    WORDS.get(position % WORDS.len()).copied().unwrap_or("")
}

fn words(count: usize) -> String {
    (0..count).map(word).collect()
}

fn data(value: &Value) -> Bytes {
    Bytes::from(format!("data: {value}\n\n"))
}

fn event(value: &Value) -> Bytes {
    let name = value.get("type").and_then(Value::as_str).unwrap_or("message");
    Bytes::from(format!("event: {name}\ndata: {value}\n\n"))
}

const CREATED: u64 = 1_760_000_000;

fn chat(body: &[u8], tools: bool) -> Value {
    let message = if tools {
        json!({ "role": "assistant", "content": null, "tool_calls": [
            { "id": "call_mock", "type": "function", "function": { "name": "weather", "arguments": "{\"city\":\"Bern\"}" } }] })
    } else {
        json!({ "role": "assistant", "content": words(9), "refusal": null })
    };
    let reason = if tools { "tool_calls" } else { "stop" };
    json!({
        "id": identity("chatcmpl-", body), "object": "chat.completion", "created": CREATED, "model": "gpt-4o-2024-08-06",
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": reason }],
        "usage": { "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 }, "system_fingerprint": "fp_mock",
    })
}

fn chat_events(body: &[u8], events: usize, tools: bool, usage: bool) -> Vec<Bytes> {
    let id = identity("chatcmpl-", body);
    let chunk = |choices: Value, usage: Value| {
        data(&json!({ "id": id, "object": "chat.completion.chunk", "created": CREATED, "model": "gpt-4o-2024-08-06",
            "system_fingerprint": "fp_mock", "choices": choices, "usage": usage }))
    };
    let choice = |delta: Value, reason: Value| json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
    let mut stream = vec![chunk(choice(json!({ "role": "assistant", "content": "" }), Value::Null), Value::Null)];
    if tools {
        stream.push(chunk(
            choice(
                json!({ "tool_calls": [{ "index": 0, "id": "call_mock", "type": "function",
            "function": { "name": "weather", "arguments": "" } }] }),
                Value::Null,
            ),
            Value::Null,
        ));
        for piece in ["{\"city\":", "\"Bern\"}"] {
            stream.push(chunk(
                choice(json!({ "tool_calls": [{ "index": 0, "function": { "arguments": piece } }] }), Value::Null),
                Value::Null,
            ));
        }
    } else {
        stream.extend((0..events).map(|n| chunk(choice(json!({ "content": word(n) }), Value::Null), Value::Null)));
    }
    stream.push(chunk(choice(json!({}), if tools { "tool_calls" } else { "stop" }.into()), Value::Null));
    if usage {
        stream.push(chunk(json!([]), json!({ "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 })));
    }
    stream.push(Bytes::from_static(b"data: [DONE]\n\n"));
    stream
}

fn message(body: &[u8], tools: bool) -> Value {
    let content = if tools {
        json!([{ "type": "tool_use", "id": "toolu_mock", "name": "weather", "input": { "city": "Bern" } }])
    } else {
        json!([{ "type": "text", "text": words(9) }])
    };
    json!({
        "id": identity("msg_", body), "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
        "content": content, "stop_reason": if tools { "tool_use" } else { "end_turn" }, "stop_sequence": null,
        "usage": { "input_tokens": 11, "output_tokens": 7 },
    })
}

fn message_events(body: &[u8], events: usize) -> Vec<Bytes> {
    let mut stream = vec![
        event(
            &json!({ "type": "message_start", "message": { "id": identity("msg_", body), "type": "message", "role": "assistant",
            "model": "claude-sonnet-4-5-20250929", "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": { "input_tokens": 11, "output_tokens": 1 } } }),
        ),
        event(&json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } })),
        event(&json!({ "type": "ping" })),
    ];
    stream.extend((0..events).map(|n| {
        event(&json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": word(n) } }))
    }));
    stream.push(event(&json!({ "type": "content_block_stop", "index": 0 })));
    stream.push(event(&json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null }, "usage": { "output_tokens": 7 } })));
    stream.push(event(&json!({ "type": "message_stop" })));
    stream
}

fn response(body: &[u8], status: &str, text: &str) -> Value {
    let output = if text.is_empty() { json!([]) } else { json!([output_item(text, "completed")]) };
    json!({
        "id": identity("resp_", body), "object": "response", "created_at": CREATED, "status": status, "error": null,
        "incomplete_details": null, "instructions": null, "metadata": {}, "model": "gpt-4o-2024-08-06", "output": output,
        "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "usage": { "input_tokens": 11, "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": 7,
            "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": 18 },
    })
}

fn output_item(text: &str, status: &str) -> Value {
    let content =
        if text.is_empty() { json!([]) } else { json!([{ "type": "output_text", "text": text, "annotations": [] }]) };
    json!({ "id": "msg_mock", "type": "message", "status": status, "role": "assistant", "content": content })
}

fn response_events(body: &[u8], events: usize) -> Vec<Bytes> {
    let text = words(events);
    let mut values = vec![
        json!({ "type": "response.created", "response": response(body, "in_progress", "") }),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": output_item("", "in_progress") }),
        json!({ "type": "response.content_part.added", "item_id": "msg_mock", "output_index": 0, "content_index": 0,
            "part": { "type": "output_text", "text": "", "annotations": [] } }),
    ];
    values.extend((0..events).map(|n| {
        json!({ "type": "response.output_text.delta", "item_id": "msg_mock", "output_index": 0, "content_index": 0, "delta": word(n) })
    }));
    values.push(json!({ "type": "response.output_text.done", "item_id": "msg_mock", "output_index": 0, "content_index": 0, "text": text }));
    values.push(
        json!({ "type": "response.output_item.done", "output_index": 0, "item": output_item(&text, "completed") }),
    );
    values.push(json!({ "type": "response.completed", "response": response(body, "completed", &text) }));
    values
        .iter_mut()
        .enumerate()
        .map(|(number, value)| {
            if let Some(value) = value.as_object_mut() {
                value.insert("sequence_number".into(), number.into());
            }
            event(value)
        })
        .collect()
}

fn embeddings(body: &[u8]) -> Value {
    // Not on the quick path: how many there are to be stands inside the request.
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let count = match request.get("input") {
        Some(Value::Array(inputs)) if inputs.iter().any(|input| !input.is_number()) => inputs.len(),
        _ => 1,
    };
    let seed = hash(body);
    let vector =
        |n: u64| -> Vec<f64> { (0..8).map(|i| ((seed >> (i * 7)) % 1000 + n) as f64 / 1000.0 - 0.5).collect() };
    let list: Vec<Value> =
        (0..count).map(|n| json!({ "object": "embedding", "index": n, "embedding": vector(n as u64) })).collect();
    json!({ "object": "list", "data": list, "model": "text-embedding-3-small", "usage": { "prompt_tokens": 8, "total_tokens": 8 } })
}
