//! The facts of a request to `/v1/messages`, read without keeping more than names of kinds.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Facts;

/// Kinds of content, tools and options that make a shape; everything else is `other`, so that clients cannot invent shapes
/// without end.
const KINDS: [&str; 15] = [
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
];
const OPTIONS: [&str; 15] = [
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
];

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    role: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
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
pub fn read(body: &[u8]) -> Facts {
    let Ok(top) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(body) else { return Facts::default() };
    let model = top.get("model").and_then(|raw| serde_json::from_str(raw.get()).ok());
    let streams = top.get("stream").is_some_and(|raw| raw.get() == "true");
    let mut words = BTreeSet::new();
    for key in top.keys().filter(|key| !matches!(key.as_str(), "model" | "messages" | "max_tokens" | "stream")) {
        words.insert(OPTIONS.iter().copied().find(|known| known == key).unwrap_or("other"));
    }
    let messages: Vec<Message<'_>> =
        top.get("messages").and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    for content in messages.iter().filter_map(|message| message.content) {
        add_kinds(content, &mut words);
    }
    if let Some(tools) = top.get("tools") {
        add_tools(tools, &mut words);
    }
    let first = messages.iter().find(|message| message.role.is_some_and(|role| role.get() == "\"user\""));
    let subject = first.and_then(|message| message.content).map(|content| content.get().to_owned());
    let mut shape = if streams { "stream" } else { "message" }.to_owned();
    for word in words {
        shape.push('+');
        shape.push_str(word);
    }
    Facts { model, shape, subject }
}

fn add_kinds(content: &RawValue, words: &mut BTreeSet<&'static str>) {
    let Ok(blocks) = serde_json::from_str::<Vec<Block<'_>>>(content.get()) else {
        words.insert("text");
        return;
    };
    for block in blocks {
        let kind = block.kind.and_then(|raw| serde_json::from_str::<&str>(raw.get()).ok());
        words.insert(KINDS.iter().copied().find(|known| Some(*known) == kind).unwrap_or("other"));
        if block.cache_control.is_some() {
            words.insert("cache_control");
        }
    }
}

/// A tool without a type, or of type `custom`, is the client's; every other one runs at the provider.
fn add_tools(tools: &RawValue, words: &mut BTreeSet<&'static str>) {
    for tool in serde_json::from_str::<Vec<Block<'_>>>(tools.get()).unwrap_or_default() {
        if tool.kind.is_some_and(|kind| kind.get() != "\"custom\"") {
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
        for (body, model, shape, subject) in [
            (
                r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#,
                Some("m"),
                "message+text",
                Some("\"hi\""),
            ),
            (
                r#"{"model":"m","stream":true,"tools":[{"name":"a"},{"type":"web_search_20250305","cache_control":{}}],"zzz":1,
                    "messages":[{"role":"user","content":[{"type":"image"},{"type":"secret","cache_control":{}}]},
                                {"role":"assistant","content":[{"type":"tool_use"}]}]}"#,
                Some("m"),
                "stream+cache_control+image+other+server_tools+tool_use+tools",
                Some(r#"[{"type":"image"},{"type":"secret","cache_control":{}}]"#),
            ),
            (r#"{"model":1,"messages":"x"}"#, None, "message", None),
            ("[]", None, "", None),
        ] {
            let facts = read(body.as_bytes());
            assert_eq!((facts.model.as_deref(), facts.shape.as_str()), (model, shape), "{body}");
            assert_eq!(facts.subject.as_deref(), subject, "{body}");
        }
    }
}
