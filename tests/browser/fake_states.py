"""The states that the fake admin API can be in: what the real one would say, made up.

Each state is a function from the seconds since the start to a dict {path: answer}; time makes the
counters grow, so that a live page has something to refresh.
"""

import hashlib
import random
from datetime import datetime, timedelta, timezone


def at(seconds_ago: float) -> str:
    moment = datetime.now(timezone.utc) - timedelta(seconds=seconds_ago)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


AGREEMENT_CHECKS = [
    ("version", "1.102.4", "The running LiteLLM is the version the native leg imitates."),
    ("admission", "401 without a key", "An unauthenticated request is refused as the config says."),
    ("database", "not connected", "No database is configured and none is connected."),
    ("cache", "none", "No response cache."),
    ("callbacks", "none", "No callback reads or changes a request."),
    ("price_map", "sha256:41b7f0c2", "The price map was fetched from the running LiteLLM."),
    ("model_ids", "4 ids", "Every deployment shows the id that the config gives it."),
    ("ocr_not_in_rust", "user-agent litellm/1.102.4", "OCR is served by Python (LITELLM_RUST=false)."),
]


def status(**changes) -> dict:
    answer = {
        "build": "9c41d7a2b0e3", "version": "0.1.0", "started_at": at(5 * 3600),
        "config": {"path": "/etc/litellm/config.yaml", "hash": hashed("config"), "loaded_at": at(5 * 3600), "error": None},
        "rules": {"path": "/etc/crossfade/cutover_rules", "hash": hashed("rules"), "loaded_at": at(2 * 3600), "error": None},
        "upstream": {"url": "http://127.0.0.1:4000", "healthy": True, "last_error": None},
        "agreement": {"state": "agrees", "checked_at": at(11), "checks": [
            {"name": name, "state": "ok", "expected": expected, "found": expected, "text": text} for name, expected, text in AGREEMENT_CHECKS]},
        "tap": {"listening": "127.0.0.1:8082", "seen_traffic": True, "hint": ""},
        "frozen": False, "auth": "master_key",
        "shadow": {"queue": 3, "queue_limit": 1024, "bytes": 412_000, "bytes_limit": 64 << 20, "shed_total": 0, "provider_requests_total": 0},
    }
    answer.update(changes)
    return answer


def check(name, ok, text, value=0.0, needed=1.0):
    return {"name": name, "ok": ok, "value": value, "needed": needed, "text": text}


def gate(next_stage, next_weight, **closed):
    """A gate whose checks are open but for those named, with the text of why not."""
    open_texts = {
        "evidence": "the mismatch rate is below 0.5 % at 5 % error", "coverage": "1.2 % of requests have an unseen shape, 5 % allowed",
        "minimum_time": "26 h in this stage, 24 h needed", "severe_causes": "none open", "uncompared": "0.8 % uncompared, 5 % allowed",
        "agreement": "the running Python agrees", "hold": "not held", "frozen": "not frozen",
    }
    checks = [check(name, name not in closed, closed.get(name, text)) for name, text in open_texts.items()]
    return {"ready": not closed, "next_stage": next_stage, "next_weight": next_weight, "checks": checks}


def lane(identity, stage="off", weight=0.0, **changes):
    route, provider, *group = identity.split(":")
    answer = {
        "id": identity, "route": route, "provider": provider, "model_group": group[0] if group else None,
        "stage": stage, "weight": weight, "hold": False, "watched": True, "since": at(3 * 3600), "eligible": True, "declines": [],
        "outcomes": {"match": 0, "tolerated": 0, "mismatch": 0}, "skipped": {}, "served": {"python": 0, "native": 0, "declined": 0},
        "gate": gate("shadow", 0.0),
        "evidence": {"pairs": 0, "mismatches": 0, "log_e": 0.0, "log_e_needed": 2.996, "cusum_log": 0.0, "cusum_log_alarm": 11.51,
                     "unseen_shape_share": 1.0, "uncompared_share": 0.0,
                     "key": {"build": "9c41d7a2b0e3", "config": hashed("config"), "rules": hashed("rules")}},
        "rollback": None, "promote": "automatic", "open_causes": 0, "latency": latency(),
    }
    answer.update(changes)
    answer["steps"] = steps(answer["stage"], answer["weight"])
    return answer


def latency(python=None, native=None, python_own=None, native_own=None) -> dict:
    """Each a pair of median and 99th percentile; of answers there were none without it."""
    answer = {"window_seconds": 300}
    for name, pair in (("python_ms", python), ("native_ms", native), ("python_overhead_us", python_own), ("native_overhead_us", native_own)):
        answer[f"{name}_p50"], answer[f"{name}_p99"] = pair or (None, None)
    return answer


def steps(stage, weight) -> list:
    order = ["off", "shadow", "canary", "full"]
    way = sorted({*([("canary", share) for share in (0.01, 0.05, 0.25, 0.5)]), ("shadow", 0.0), ("full", 1.0), (stage, 1.0 if stage == "full" else weight)},
                 key=lambda place: (order.index(place[0]), place[1]))
    here = way.index((stage, 1.0 if stage == "full" else weight))
    return [{"stage": name, "weight": share, "state": "passed" if at < here else "here" if at == here else "ahead"} for at, (name, share) in enumerate(way)]


def evidence(pairs, mismatches, log_e, unseen=0.012, uncompared=0.008, cusum=0.1):
    return {**lane("x:y")["evidence"], "pairs": pairs, "mismatches": mismatches, "log_e": log_e, "cusum_log": cusum,
            "unseen_shape_share": unseen, "uncompared_share": uncompared}


def climbing(passed):
    passed %= 90  # climbs, then starts over, so that a server left running stays plausible
    seen = int(308 + passed * 4)
    return lane(
        "ocr:mistral", "shadow", eligible=True, since=at(1260), outcomes={"match": seen, "tolerated": 4, "mismatch": 0},
        skipped={"no_provider_exchange": 21, "shed": 2}, served={"python": seen + 27, "native": 0, "declined": 0},
        gate=gate("canary", 0.01, evidence=f"{max(0, 720 - seen)} more comparisons without a mismatch", minimum_time="21 min in this stage, 24 h needed"),
        evidence=evidence(seen + 4, 0, 1.27 + passed * 0.01, unseen=0.031, uncompared=0.069),
        latency=latency((412.4, 1911.0), None, (9400, 41200)))


def held():
    return lane(
        "messages:anthropic:claude-sonnet-production", "shadow", hold=True, since=at(52 * 3600), outcomes={"match": 18204, "tolerated": 311, "mismatch": 2},
        skipped={"correlation_unsafe": 402, "client_disconnected": 18, "caller_capped": 2210}, served={"python": 21147, "native": 0, "declined": 0},
        gate=gate("canary", 0.01, severe_causes="1 open severe cause: a changed provider request", hold="held by an operator"),
        evidence=evidence(18517, 2, 41.2), latency=latency((1840.0, 9120.0), None, (12800, 77000)), open_causes=1, promote="manual")


def canary(passed):
    seen = int(12402 + passed * 3)
    return lane(
        "ocr:azure_ai", "canary", 0.05, since=at(5400), outcomes={"match": seen, "tolerated": 37, "mismatch": 0}, skipped={"no_provider_exchange": 88},
        served={"python": seen, "native": 655, "declined": 12}, gate=gate("canary", 0.25, minimum_time="43 min at this weight, 1 h needed"),
        evidence=evidence(seen, 0, 3.4), latency=latency((431.0, 2210.0), (402.5, 2054.0), (9100, 38700), (86, 412)), open_causes=2, promote="manual")


def full():
    return lane(
        "embeddings:openai", "full", 0.99, since=at(6 * 86400), outcomes={"match": 1_284_220, "tolerated": 1204, "mismatch": 0},
        skipped={"not_sampled": 18000}, served={"python": 12_911, "native": 1_271_309, "declined": 44},
        gate={"ready": False, "next_stage": None, "next_weight": None, "checks": [check("agreement", True, "the running Python agrees"), check("hold", True, "not held")]},
        evidence=evidence(12911, 0, 88.0), latency=latency((92.0, 310.0), (71.3, 244.0), (7300, 21800), (61, 190)))


def unwatched():
    return {**full(), "id": "rerank:cohere", "route": "rerank", "provider": "cohere", "watched": False,
            "outcomes": {"match": 9310, "tolerated": 0, "mismatch": 0}, "skipped": {}, "served": {"python": 0, "native": 9310, "declined": 0}}


def rolled_back():
    return lane(
        "ocr:vertex_ai:mistral-ocr-2505", "shadow", since=at(740), outcomes={"match": 4120, "tolerated": 9, "mismatch": 23},
        skipped={"no_provider_exchange": 40}, served={"python": 4180, "native": 1030, "declined": 0},
        rollback={"at": at(740), "trigger": "mismatch_rate", "text": "23 mismatches in 61 pairs: usage_info.pages_processed became a string"},
        gate=gate("canary", 0.01, evidence="the mismatches weigh against a step; 1 480 more comparisons without one", severe_causes="1 open severe cause: $.usage_info.pages_processed changed its type", minimum_time="12 min since the rollback, 1 h needed"),
        evidence=evidence(4152, 23, -8.4, cusum=14.2), latency=latency((433.0, 1804.0), None, (9200, 40100)), open_causes=1)


def off_lanes():
    return [
        lane("chat_completions:azure:gpt-4o", eligible=False, declines=[
            {"code": "guardrail", "text": "A guardrail runs before the call and may change the request", "path": "litellm_settings.guardrails[0]"},
            {"code": "cache", "text": "A response cache answers some requests", "path": "litellm_settings.cache"}]),
        lane("responses:openai"),
    ]


def declining():
    return lane(
        "ocr:mistral:ocr-with-fallback", "shadow", eligible=False, since=at(9000), served={"python": 812, "native": 0, "declined": 0}, skipped={"declined": 812},
        declines=[{"code": "fallbacks", "text": "The group has fallbacks to another provider", "path": "router_settings.fallbacks[0].ocr-with-fallback"},
                  {"code": "shared_cooldown", "text": "Cooldowns are shared over Redis", "path": "router_settings.redis_host"}],
        gate=gate("canary", 0.01, uncompared="100 % uncompared, 5 % allowed", evidence="720 more comparisons without a mismatch"),
        evidence=evidence(0, 0, 0.0, unseen=1.0, uncompared=1.0))


def history(kind: str) -> list:
    dice = random.Random(7)
    minutes = []
    for minute in range(60):
        busy = 0 if kind == "empty" else int(30 + 22 * dice.random() + (18 if 20 < minute < 40 else 0))
        broken = kind == "rolled_back" and 44 <= minute <= 47
        minutes.append({"at": at((59 - minute) * 60), "outcomes": {
            "match": busy if not broken else busy - 8, "tolerated": 1 if busy and dice.random() < 0.2 else 0,
            "mismatch": 7 if broken else 0, "skipped": int(busy * 0.06)}})
    return minutes


def journal_entries() -> list:
    def entry(number, ago, actor, lane_id, action, before, after, reason, proof=None):
        return {"id": str(number), "at": at(ago), "actor": actor, "lane": lane_id, "action": action,
                "from": before and {"stage": before[0], "weight": before[1]}, "to": after and {"stage": after[0], "weight": after[1]}, "reason": reason, "evidence": proof or {}}
    proof = {"pairs": 4152, "mismatches": 23, "cusum_log": 14.2, "cusum_log_alarm": 11.51, "cause": "c-17", "key": {"build": "9c41d7a2b0e3", "config": hashed("config")[:12], "rules": hashed("rules")[:12]}}
    vertex = "ocr:vertex_ai:mistral-ocr-2505"
    return [
        entry(9, 740, "controller", vertex, "rollback", ("canary", 0.25), ("shadow", 0.0), "23 mismatches in 61 pairs: usage_info.pages_processed became a string", proof),
        entry(8, 5400, "controller", "ocr:azure_ai", "promote", ("canary", 0.01), ("canary", 0.05), "The gate is open: log e 3.41 of 3.00, 1.2 % unseen shapes, 1 h 2 min at 1 %.", {"pairs": 11020, "mismatches": 0, "log_e": 3.41, "unseen_shape_share": 0.012}),
        entry(7, 7200, "config", None, "reload", None, None, "cutover_rules/ocr.yaml: canary.minimum_time 30m to 1h. Evidence of 2 lanes reset."),
        entry(6, 9100, "operator:mira", "messages:anthropic:claude-sonnet-production", "hold", ("shadow", 0.0), ("shadow", 0.0), "Waiting for the vendor’s answer on the thinking block order before anybody is moved."),
        entry(5, 11000, "operator:mira", None, "unfreeze", None, None, "Incident over."),
        entry(4, 15800, "operator:jonas", None, "freeze", None, None, "Provider incident; nothing should move meanwhile."),
        entry(3, 90000, "operator:jonas", vertex, "promote", ("shadow", 0.0), ("canary", 0.01), "Compared for four days without a mismatch.", {"pairs": 3100, "mismatches": 0, "log_e": 12.9}),
    ]


def causes() -> list:
    vertex = "ocr:vertex_ai:mistral-ocr-2505"
    def cause(number, lane_id, severity, kind, path, left, right, count, first, last, new, sample, is_open, text):
        return {"id": f"c-{number}", "lane": lane_id, "severity": severity, "kind": kind, "path": path, "left_type": left, "right_type": right, "count": count,
                "first_seen": at(first), "last_seen": at(last), "new_since_build": new, "sample_id": sample, "open": is_open, "text": text}
    return [
        cause(17, vertex, "severe", "type", "$.usage_info.pages_processed", "number", "string", 23, 760, 740, True, "s-mismatch", True, "A number in the control is a string in the candidate."),
        cause(12, "messages:anthropic:claude-sonnet-production", "severe", "changed", "$.messages[*].content[*].cache_control", "object", "object", 2, 86000, 40000, False, "s-attempts", True, "The native leg sends another provider request than Python does."),
        cause(14, "ocr:azure_ai", "medium", "missing", "headers.x-litellm-response-cost", "string", None, 148, 4000, 61, True, "s-headers", True, "Only the control has this header."),
        cause(9, "ocr:azure_ai", "low", "spelling", "$.pages[*].images[*].top_left_x", "number", "number", 1204, 500000, 12, False, "s-huge", True, "Equal in value, written differently: 1.0 and 1."),
        cause(3, "ocr:mistral", "low", "order", "$.pages[*].dimensions", "object", "object", 88, 900000, 700000, False, "s-match", False, "The same keys in another order."),
    ]
