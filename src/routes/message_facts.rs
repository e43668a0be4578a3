//! The facts of a request that holds a conversation (`/v1/messages`, `/chat/completions`), read without keeping more than
//! names of kinds.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::facts::{ExtraHeaders, Facts};

/// The words that a route's shapes are made of; everything else is `other`, so that clients cannot invent shapes without
/// end.
pub struct Words {
    /// What a request that does not stream is called.
    whole: &'static str,
    /// What one that does is called.
    streamed: &'static str,
    /// Kinds of content.
    kinds: &'static [&'static str],
    options: &'static [&'static str],
    /// What nearly every request has.
    silent: &'static [&'static str],
    /// The type of a tool that the client runs.
    own_tool: &'static str,
}

pub const MESSAGES: Words = Words {
    whole: "message",
    streamed: "stream",
    kinds: &[
        "text",
        "image",
        "document",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "mcp_tool_use",
        "mcp_tool_result",
        "search_result",
        "container_upload",
    ],
    options: &[
        "system",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "tools",
        "tool_choice",
        "thinking",
        "metadata",
        "container",
        "mcp_servers",
        "context_management",
        "output_config",
        "output_format",
        "service_tier",
    ],
    silent: &["model", "messages", "max_tokens", "stream"],
    own_tool: "custom",
};

pub const COUNT: Words = Words {
    whole: "count",
    streamed: "count",
    kinds: MESSAGES.kinds,
    options: &["system", "tools"],
    // What else there is to a message is nothing to its length.
    silent: &["model", "messages", "max_tokens", "stream", "temperature", "thinking", "tool_choice", "metadata"],
    own_tool: "custom",
};

pub const CHAT: Words = Words {
    whole: "completion",
    streamed: "stream",
    kinds: &["text", "image_url", "input_audio", "file", "refusal", "thinking", "document"],
    options: &[
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "service_tier",
        "stop",
        "stream_options",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "web_search_options",
    ],
    silent: &["model", "messages", "stream"],
    own_tool: "function",
};

/// A body whose messages are read, by default, and whose other members stay as they stand; of a repeated one the last counts.
struct Top<'a, Messages = Vec<Message<'a>>> {
    messages: Messages,
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Top<'a> {
    /// Messages of an odd shape are none.
    fn read(body: &'a str) -> Option<Self> {
        serde_json::from_str(body).ok().or_else(|| {
            let Top { messages, members } = serde_json::from_str::<Top<'_, Option<&RawValue>>>(body).ok()?;
            let messages = messages.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
            Some(Self { messages, members })
        })
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.members.iter().rfind(|(member, _)| member == name).map(|(_, raw)| *raw)
    }
}

impl<'de, Messages: Deserialize<'de> + Default> Deserialize<'de> for Top<'de, Messages> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TopVisitor(PhantomData))
    }
}

struct TopVisitor<Messages>(PhantomData<Messages>);

impl<'de, Messages: Deserialize<'de> + Default> Visitor<'de> for TopVisitor<Messages> {
    type Value = Top<'de, Messages>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut top = Top { messages: Messages::default(), members: Vec::with_capacity(8) };
        while let Some(Name(name)) = map.next_key()? {
            match &*name {
                "messages" => top.messages = map.next_value()?,
                _ => top.members.push((name, map.next_value()?)),
            }
        }
        Ok(top)
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    role: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cache_control: Option<&'a RawValue>,
}

/// Shape   `stream+text+tool_result+tools+cache_control`, kinds in the order of their names; the subject is the content of
///         the first message of a user.
pub fn read(vocabulary: &Words, body: &[u8]) -> Facts {
    // As a text from here on: nothing below checks it once more.
    let Ok(body) = std::str::from_utf8(body) else { return Facts::default() };
    let Some(top) = Top::read(body) else { return Facts::default() };
    let model = top.get("model").and_then(|raw| serde_json::from_str(raw.get()).ok());
    let streams = top.get("stream").is_some_and(|raw| raw.get() == "true");
    let mut words = BTreeSet::new();
    for key in top.members.iter().map(|(name, _)| &**name).filter(|key| !vocabulary.silent.contains(key)) {
        words.insert(vocabulary.options.iter().copied().find(|known| *known == key).unwrap_or("other"));
    }
    let messages = &top.messages;
    for content in messages.iter().filter_map(|message| message.content).filter(|content| content.get() != "null") {
        add_kinds(vocabulary, content, &mut words);
    }
    if messages.iter().any(|message| message.tool_calls.is_some()) {
        words.insert("tool_calls");
    }
    if let Some(tools) = top.get("tools") {
        add_tools(vocabulary, tools, &mut words);
    }
    let first = messages.iter().find(|message| message.role.is_some_and(|role| role.get() == "\"user\""));
    let subject = first.and_then(|message| message.content).map(|content| content.get().to_owned());
    let mut shape = if streams { vocabulary.streamed } else { vocabulary.whole }.to_owned();
    for word in words {
        shape.push('+');
        shape.push_str(word);
    }
    let extra_headers = ExtraHeaders::of(top.get("extra_headers"));
    Facts { model, shape, subject, extra_headers }
}

fn add_kinds(vocabulary: &Words, content: &RawValue, words: &mut BTreeSet<&'static str>) {
    // Most content is a text; to let the parser find out would make it write an error.
    if !content.get().starts_with('[') {
        words.insert("text");
        return;
    }
    let Ok(blocks) = serde_json::from_str::<Vec<Block<'_>>>(content.get()) else {
        words.insert("text");
        return;
    };
    for block in blocks {
        let kind = block.kind.and_then(|raw| serde_json::from_str::<&str>(raw.get()).ok());
        words.insert(vocabulary.kinds.iter().copied().find(|known| Some(*known) == kind).unwrap_or("other"));
        if block.cache_control.is_some() {
            words.insert("cache_control");
        }
    }
}

/// A tool without a type is the client's too; every other one runs at the provider.
fn add_tools(vocabulary: &Words, tools: &RawValue, words: &mut BTreeSet<&'static str>) {
    for tool in serde_json::from_str::<Vec<Block<'_>>>(tools.get()).unwrap_or_default() {
        if tool.kind.is_some_and(|kind| kind.get().trim_matches('"') != vocabulary.own_tool) {
            words.insert("server_tools");
        }
        if tool.cache_control.is_some() {
            words.insert("cache_control");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_made_of_known_words() {
        for (vocabulary, body, model, shape, subject) in [
            (
                &MESSAGES,
                r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#,
                Some("m"),
                "message+text",
                Some("\"hi\""),
            ),
            (
                &MESSAGES,
                r#"{"model":"m","stream":true,"tools":[{"name":"a"},{"type":"web_search_20250305","cache_control":{}}],"zzz":1,
                    "messages":[{"role":"user","content":[{"type":"image"},{"type":"secret","cache_control":{}}]},
                                {"role":"assistant","content":[{"type":"tool_use"}]}]}"#,
                Some("m"),
                "stream+cache_control+image+other+server_tools+tool_use+tools",
                Some(r#"[{"type":"image"},{"type":"secret","cache_control":{}}]"#),
            ),
            (&MESSAGES, r#"{"model":1,"messages":"x"}"#, None, "message", None),
            (&MESSAGES, "[]", None, "", None),
            (
                &COUNT,
                r#"{"model":"m","stream":true,"system":"s","thinking":{},"mine":1,"messages":[{"role":"user","content":"hi"}]}"#,
                Some("m"),
                "count+other+system+text",
                Some("\"hi\""),
            ),
            (
                &CHAT,
                r#"{"model":"m","stream":true,"tools":[{"type":"function"},{"type":"custom"}],"mine":1,"temperature":0,
                    "messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"image_url"}]},
                                {"role":"assistant","content":null,"tool_calls":[]},{"role":"tool","content":"x"}]}"#,
                Some("m"),
                "stream+image_url+other+server_tools+temperature+text+tool_calls+tools",
                Some(r#"[{"type":"image_url"}]"#),
            ),
            (&CHAT, r#"{"model":"m","messages":[]}"#, Some("m"), "completion", None),
            (&CHAT, r#"{"messages":[{"role":1,"role":1}],"model":"m","user":1}"#, Some("m"), "completion+user", None),
            (
                &CHAT,
                r#"{"messages":0,"model":"n","messages":[{"role":"user","content":"\u0068i"}],"model":"m"}"#,
                Some("m"),
                "completion+text",
                Some(r#""\u0068i""#),
            ),
            (
                &CHAT,
                r#"{"messages":[{"role":"user","content":"hi"}],"model":"m","messages":null}"#,
                Some("m"),
                "completion",
                None,
            ),
            (&CHAT, r#"{"\u006dodel":"m","messages":[]} x"#, None, "", None),
            (&CHAT, r#"{"\u006dodel":"m","\u006dessages":[{"content":""}]}"#, Some("m"), "completion+text", None),
        ] {
            let facts = read(vocabulary, body.as_bytes());
            assert_eq!((facts.model.as_deref(), facts.shape.as_str()), (model, shape), "{body}");
            assert_eq!(facts.subject.as_deref(), subject, "{body}");
        }
    }
}
