#!/usr/bin/env python3
"""Serves the dashboard with made-up answers, to look at it and to test it without Crossfade.

    python3 tests/browser/fake_admin.py --port 22300 --state mixed

States: see STATES. `POST /fake/state {"state": "held"}` switches; `GET /fake/requests` lists the
mutations that came in; `away` makes every API call fail. The answers follow the admin API's shapes.
"""

import argparse
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import fake_samples as samples
import fake_states as states

ASSETS = Path(__file__).resolve().parents[2] / "src" / "admin" / "dashboard"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
TOKEN = "test-token"
STARTED = time.monotonic()


def disagreeing():
    answer = states.status()
    found = {"version": ("1.103.0", "LiteLLM 1.103.0 is running; this build imitates 1.102.4. Pin litellm==1.102.4, or use a build for 1.103."),
             "ocr_not_in_rust": ("no litellm user-agent", "OCR requests reach the tap without LiteLLM’s user-agent: its own Rust serves them. Start LiteLLM with LITELLM_RUST=false.")}
    for check in answer["agreement"]["checks"]:
        if check["name"] in found:
            check.update(state="failed", found=found[check["name"]][0], text=found[check["name"]][1])
        if check["name"] == "price_map":
            check.update(state="unknown", found=None, text="The price map could not be fetched: 503.")
    answer["agreement"]["state"] = "disagrees"
    return answer


def with_errors():
    base = states.status()
    return states.status(
        config={**base["config"], "error": "config.yaml:41: model_list[3].litellm_params.api_key: os.environ/MISTRAL_KEY_EU is not set"},
        rules={**base["rules"], "error": "cutover_rules/ocr.yaml:7: unknown field `minimum_tim` in `gate`; did you mean `minimum_time`?"},
        upstream={"url": "http://127.0.0.1:4000", "healthy": False, "last_error": "connection refused for 38 s; clients get 503 in LiteLLM’s error shape"},
        shadow={"queue": 1024, "queue_limit": 1024, "bytes": 66_900_000, "bytes_limit": 64 << 20, "shed_total": 1288, "provider_requests_total": 0})


def agreement_closed(lane):
    return {**lane, "eligible": False, "declines": [{"code": "agreement", "text": "The running Python does not agree with the config", "path": ""}],
            "gate": states.gate("canary", 0.01, agreement="the running Python disagrees: version, ocr not in rust")}


NO_TAP = {"listening": None, "seen_traffic": False, "hint": "Start Crossfade with --tap and run LiteLLM on the config that crossfade tap prints."}

STATES = {
    "empty": lambda passed: (states.status(rules={"path": "/etc/crossfade/cutover_rules", "hash": None, "loaded_at": states.at(9), "error": None}, agreement={"state": "unknown", "checks": [], "checked_at": None}, tap=NO_TAP), []),
    "passthrough": lambda passed: (states.status(config={"path": None, "hash": None, "loaded_at": None, "error": None}, agreement={"state": "unknown", "checks": [], "checked_at": None}, tap=NO_TAP), []),
    "climbing": lambda passed: (states.status(), [states.climbing(passed), *states.off_lanes()]),
    "no_tape": lambda passed: (states.status(tap={"listening": "127.0.0.1:8082", "seen_traffic": False, "hint": "Run LiteLLM on the config that crossfade tap prints:"}),
                               [{**states.climbing(0), "outcomes": {"match": 0, "tolerated": 0, "mismatch": 0}, "skipped": {"no_tape": 214}, "evidence": states.evidence(0, 0, 0.0, 1.0, 1.0),
                                 "gate": states.gate("canary", 0.01, evidence="720 more comparisons without a mismatch", uncompared="100 % uncompared, 5 % allowed")}]),
    "held": lambda passed: (states.status(), [states.held(), states.declining()]),
    "rolled_back": lambda passed: (states.status(), [states.rolled_back(), states.canary(passed)]),
    "disagreeing": lambda passed: (disagreeing(), [agreement_closed(states.climbing(0))]),
    "canary": lambda passed: (states.status(), [states.canary(passed)]),
    "full": lambda passed: (states.status(), [states.full(), states.unwatched()]),
    "frozen": lambda passed: (states.status(frozen=True), [states.canary(passed), states.full()]),
    "errors": lambda passed: (with_errors(), [states.canary(passed)]),
    "mixed": lambda passed: (states.status(), [states.rolled_back(), states.climbing(passed), states.held(), states.canary(passed), states.full(), states.unwatched(), states.declining(), *states.off_lanes()]),
}
WITHOUT_RECORDS = {"empty", "passthrough", "no_tape"}


class Fake:
    """What the server remembers: the state chosen, the mutations seen, what they changed."""

    def __init__(self, state, needs_token):
        self.state, self.needs_token = state, needs_token
        self.away = False
        self.requests, self.acknowledged, self.changes, self.moves, self.samples = [], set(), {}, [], samples.all_samples()

    def status_and_lanes(self):
        status, lanes = STATES[self.state](time.monotonic() - STARTED)
        if "frozen" in self.changes:
            status["frozen"] = self.changes["frozen"]
        lanes = [{**lane, **self.changes.get(lane["id"], {})} for lane in lanes]
        return status, [{**lane, "steps": states.steps(lane["stage"], lane["weight"])} for lane in lanes]

    def read(self, path, query):
        status, lanes = self.status_and_lanes()
        bare = self.state in WITHOUT_RECORDS
        if path == "/api/status":
            return status
        if path == "/api/lanes":
            return {"lanes": lanes}
        if path.startswith("/api/lanes/"):
            return self.lane(unquote(path.split("/")[3]), lanes, bare)
        if path == "/api/causes":
            return {"causes": [] if bare else [{**cause, "open": cause["open"] and cause["id"] not in self.acknowledged} for cause in states.causes()]}
        if path == "/api/samples":
            return {"samples": [head for head in samples.heads(query["lane"][0]) if query.get("verdict", [""])[0] in ("", head["verdict"])]}
        if path.startswith("/api/samples/"):
            return self.samples.get(unquote(path.split("/")[3]).split("~")[0])  # the many matches of a list are one sample
        return {"entries": self.journal(bare)} if path == "/api/journal" else None

    def journal(self, bare):
        return [*reversed(self.moves), *([] if bare else states.journal_entries())]

    def lane(self, identity, lanes, bare):
        found = next((lane for lane in lanes if lane["id"] == identity), None)
        if found is None:
            return None
        kind = "rolled_back" if found["rollback"] else "empty" if not sum(found["outcomes"].values()) else "busy"
        records = [entry for entry in self.journal(bare) if entry["lane"] == identity]
        return {**found, "history": states.history(kind), "samples": [] if bare or kind == "empty" else samples.heads(identity), "journal": records}

    def change(self, path, reason, operator):
        pieces = [unquote(piece) for piece in path.strip("/").split("/")]
        lane = pieces[2] if pieces[1] == "lanes" else None
        self.moves.append({"id": f"move-{len(self.moves)}", "at": states.at(0), "actor": f"operator:{unquote(operator or 'admin')}", "lane": lane,
                           "action": "acknowledge" if pieces[1] == "causes" else pieces[-1], "from": None, "to": None, "reason": reason, "evidence": {}})
        if pieces[1] in ("freeze", "unfreeze"):
            self.changes["frozen"] = pieces[1] == "freeze"
        elif pieces[1] == "causes":
            self.acknowledged.add(pieces[2])
        elif pieces[1] == "lanes":
            moves = {"hold": {"hold": True}, "release": {"hold": False}, "promote": {"stage": "canary", "weight": 0.01}, "rollback": {"stage": "shadow", "weight": 0.0}}
            self.changes[pieces[2]] = {**self.changes.get(pieces[2], {}), **moves[pieces[3]]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: Fake

    def log_message(self, *arguments):
        pass

    def answer(self, code, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in (("content-type", kind), ("content-length", str(len(data))), ("content-security-policy", POLICY), ("x-content-type-options", "nosniff"), ("cache-control", "no-store")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/fake/requests":
            return self.answer(200, self.fake.requests)
        if url.path.startswith("/api/"):
            if self.fake.away:
                return self.answer(502, b"bad gateway", "text/plain")
            if self.fake.needs_token == "read" and self.headers.get("authorization") != f"Bearer {TOKEN}":
                return self.answer(401, {"error": {"message": "Reading needs the admin token too.", "code": "unauthorized"}})
            found = self.fake.read(url.path, parse_qs(url.query))
            return self.answer(200, found) if found is not None else self.answer(404, {"error": {"message": f"There is nothing at {unquote(url.path)}.", "code": "not_found"}})
        name = "index.html" if url.path == "/" else url.path.removeprefix("/assets/")
        file = ASSETS / name
        if "/" in name or not file.is_file():
            return self.answer(404, b"not found", "text/plain")
        return self.answer(200, file.read_bytes(), TYPES[file.suffix])

    def do_POST(self):
        given = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        if self.path == "/fake/state":
            self.fake.__init__(given.get("state", self.fake.state), given.get("token", False))
            self.fake.away = given.get("away", False)
            return self.answer(200, {})
        self.fake.requests.append({"path": self.path, "body": given, "authorization": self.headers.get("authorization"), "admin": self.headers.get("x-crossfade-admin"), "operator": self.headers.get("x-crossfade-operator")})
        if self.fake.needs_token and self.headers.get("authorization") != f"Bearer {TOKEN}":
            return self.answer(401, {"error": {"message": "Send the admin token as a bearer token.", "code": "unauthorized"}})
        if given.get("reason") == "refuse me":
            return self.answer(409, {"error": {"message": "The gate is closed: 412 more comparisons.", "code": "gate_closed"}})
        self.fake.change(self.path, given.get("reason"), self.headers.get("x-crossfade-operator"))
        return self.answer(200, {"lane": None})


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--state", choices=STATES, default="mixed")
    arguments.add_argument("--token", action="store_true", help=f"mutations need the token {TOKEN!r}")
    given = arguments.parse_args()
    Handler.fake = Fake(given.state, given.token)
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
