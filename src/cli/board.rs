//! The board as text.

use std::fmt::Write;

use serde_json::Value;

/// Everything an operator asks first: is all well, where are the lanes, what do they wait for.
pub fn render(status: &Value, lanes: &Value) -> String {
    let mut text = String::new();
    let up = if status["upstream"]["healthy"] == true { "up" } else { "DOWN" };
    line(&mut text, &format!("LiteLLM    {} {up}", shown(&status["upstream"]["url"])));
    line(&mut text, &format!("agreement  {}", shown(&status["agreement"]["state"])));
    if let Some(auth) = status["auth"].as_str() {
        line(&mut text, &format!("auth       {auth}"));
    }
    for check in status["agreement"]["checks"].as_array().into_iter().flatten().filter(|check| check["state"] != "ok") {
        line(&mut text, &format!("           {}: {}", shown(&check["name"]), shown(&check["text"])));
    }
    if let Some(hint) = status["tap"]["hint"].as_str() {
        line(&mut text, &format!("tap        {hint}"));
    }
    for input in ["config", "rules"] {
        if let Some(error) = status[input]["error"].as_str() {
            line(&mut text, &format!("{input:<10} the newest version is bad, the one before it is in use: {error}"));
        }
    }
    if status["frozen"] == true {
        line(&mut text, "FROZEN     no lane rises; rollbacks go on");
    }
    let lanes = lanes["lanes"].as_array().map(Vec::as_slice).unwrap_or_default();
    if lanes.is_empty() {
        line(&mut text, "no lanes: no configuration was given, or it has no deployment with a native leg");
    }
    for lane in lanes {
        line(&mut text, "");
        line(&mut text, &lane_line(lane));
        waits(&mut text, lane);
    }
    text
}

/// A lane on one line.
pub fn lane_line(lane: &Value) -> String {
    let outcomes = &lane["outcomes"];
    let held = if lane["hold"] == true { "  held" } else { "" };
    let eligible = if lane["eligible"] == true { "" } else { "  not eligible" };
    format!(
        "{:<24} {:<7} {:>6.2} %  match {}  tolerated {}  mismatch {}{held}{eligible}",
        shown(&lane["id"]),
        shown(&lane["stage"]),
        lane["weight"].as_f64().unwrap_or_default() * 100.0,
        outcomes["match"],
        outcomes["tolerated"],
        outcomes["mismatch"],
    )
}

fn waits(text: &mut String, lane: &Value) {
    if let Some(rollback) = lane["rollback"].as_object() {
        line(text, &format!("  rolled back ({}): {}", shown(&rollback["trigger"]), shown(&rollback["text"])));
    }
    for decline in lane["declines"].as_array().into_iter().flatten() {
        line(text, &format!("  declines: {} ({})", shown(&decline["text"]), shown(&decline["path"])));
    }
    for check in lane["gate"]["checks"].as_array().into_iter().flatten().filter(|check| check["ok"] == false) {
        line(text, &format!("  waits for {}: {}", shown(&check["name"]), shown(&check["text"])));
    }
    let skipped = lane["skipped"].as_object();
    let counted: Vec<String> =
        skipped.into_iter().flatten().map(|(reason, count)| format!("{reason} {count}")).collect();
    if !counted.is_empty() {
        line(text, &format!("  not compared: {}", counted.join(", ")));
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn line(text: &mut String, content: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{content}");
}
