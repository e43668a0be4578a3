//! Runs recorded chat completions through the crate: one case a line of JSON on stdin, one result a line on stdout.
//!
//! A case is what `tests/oracle/chat_goldens.py` records; the differential fuzz script feeds this with mutated ones.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "an example fails loudly and shows what it did")]

#[path = "../tests/chat_replay/mod.rs"]
mod chat_replay;

fn main() {
    let price_map = std::env::args().nth(1).expect("usage: chat_transform PRICE_MAP.json < cases.jsonl");
    let price_map = std::fs::read(price_map).expect("a readable price map");
    let table = transform::cost_calculator::PriceTable::from_price_map_json(&price_map).expect("a price map");
    for line in std::io::stdin().lines() {
        let case = serde_json::from_str(&line.expect("a line of UTF-8")).expect("a case");
        // A usage that isn't known is an assertion there.
        let outcome = std::panic::catch_unwind(|| chat_replay::outcome(&case, &table));
        println!("{}", outcome.unwrap_or_else(|_| serde_json::json!({"declined": "an assertion"})));
    }
}
