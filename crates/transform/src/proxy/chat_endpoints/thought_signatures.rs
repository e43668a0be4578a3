//! Ids of Gemini's calls, behind which LiteLLM keeps the signature of a thought for the next turn. No other provider is told it.
//!
//! Source: LiteLLM 1.102.4 `utils.py` `_remove_thought_signatures_from_messages`.

use crate::python::{Dict, Text, Value};

const SEPARATOR: &str = "__thought__";

/// Whether the name of a model makes LiteLLM leave the signatures where they are.
pub(crate) fn keeps_signatures(model: &str) -> bool {
    model.to_lowercase().contains("gemini")
}

/// Leaves signatures out of the ids of calls and of their results, and tells whether there were any. `role` is the message's
/// as the client sent it.
pub(super) fn remove_signatures(message: &mut Dict, role: &str) -> bool {
    match (role, message.get_mut("tool_calls")) {
        ("assistant", Some(Value::List(calls))) => {
            let mut had_any = false;
            for call in calls {
                if let Value::Dict(call) = call {
                    had_any |= call.get_mut("id").is_some_and(shorten);
                }
            }
            had_any
        }
        ("tool", _) => message.get_mut("tool_call_id").is_some_and(shorten),
        _ => false,
    }
}

fn shorten(id: &mut Value) -> bool {
    let Some((own, _)) = id.as_str().and_then(|id| id.split_once(SEPARATOR)) else { return false };
    *id = Value::Str(Text::from(own));
    true
}
