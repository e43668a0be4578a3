"""The native leg imitates the Python that really runs. Where the two do not agree everything declines, and the board says why."""
import json

import pytest

from harness import litellm
from harness.crossfade import PIN_TO_NATIVE, SERVED_BY, Crossfade, command_line
from harness.http import JSON_TYPE, MASTER_KEY, ask, bearer
from harness.processes import until

pytestmark = pytest.mark.crossfade
OCR = b'{"model":"ocr","document":{"type":"document_url","document_url":"https://example.org/a.pdf"}}'


def disagreeing(crossfade) -> list[str]:
    return [check["text"] for check in crossfade.api("/api/status")["agreement"]["checks"] if check["state"] == "failed"]


def assert_declines(crossfade, key: str | None = MASTER_KEY):
    until(lambda: disagreeing(crossfade), 30, f"a failed check; status: {json.dumps(crossfade.api('/api/status')['agreement'])[:800]}")
    answer = ask(crossfade.url, "POST", "/v1/ocr", [*bearer(key), JSON_TYPE], OCR)
    assert answer.header(SERVED_BY) == "python", f"served natively although: {disagreeing(crossfade)}"
    assert crossfade.metric("crossfade_declined_total", route="ocr") >= 1
    assert ask(crossfade.admin, "GET", "/health/ready").status == 503


def test_litellms_own_rust_is_recognised_and_held(fleet, tmp_path):
    """LITELLM_RUST not set, which is on: LiteLLM's OCR is served by other code than the one we imitate. Seen at the tap by its user agent."""
    port = fleet.tap_port
    rust = litellm.LiteLlm(tmp_path, "rust-tapped", fleet.work / "shadow-tapped.yaml", {"LITELLM_RUST": None}).start()
    running = Crossfade(tmp_path / "crossfade", rust.url, fleet.shadow_config, {"all.yaml": PIN_TO_NATIVE}, tap_port=port).start()
    try:
        rust.ready()
        body = OCR.replace(b'"ocr"', b'"ocr-slot-0"')
        for _ in range(3):
            ask(running.url, "POST", "/v1/ocr", [*bearer(), JSON_TYPE], body)
        until(lambda: any("LITELLM_RUST" in text or "Rust" in text for text in disagreeing(running)), 30, f"the Rust check; failed ones: {disagreeing(running)}")
        answer = ask(running.url, "POST", "/v1/ocr", [*bearer(), JSON_TYPE], body)
        assert answer.header(SERVED_BY) == "python"
        lane = running.lane()
        assert not lane["eligible"] and any("ust" in decline["text"] for decline in lane["declines"]), lane["declines"]
    finally:
        running.stop()
        rust.stop()


def test_a_master_key_that_python_does_not_ask_for(python, fleet, tmp_path):
    """Our config says master key, the running LiteLLM lets everybody in."""
    config = tmp_path / "with-key.yaml"
    config.write_text(json.dumps({**json.loads(fleet.open.config.read_text()), "general_settings": {"master_key": MASTER_KEY}}))
    running = Crossfade(tmp_path / "crossfade", fleet.open.ready().url, config, {"all.yaml": PIN_TO_NATIVE}).start()
    try:
        assert_declines(running)
    finally:
        running.stop()


def test_a_missing_master_key_is_never_no_auth(python, fleet, tmp_path):
    """Our config has no key, the running LiteLLM asks for one: nobody may be let in natively."""
    running = Crossfade(tmp_path / "crossfade", python.url, fleet.open.config, {"all.yaml": PIN_TO_NATIVE}).start()
    try:
        assert_declines(running, key=None)
        assert ask(running.url, "POST", "/v1/ocr", [JSON_TYPE], OCR).status == 401
    finally:
        running.stop()


def test_other_deployments_than_ours(python, tmp_path, mock):
    config = tmp_path / "other.yaml"
    config.write_text(json.dumps(litellm.config([litellm.deployment("ocr", "mistral/mistral-ocr-latest", f"{mock.url}/elsewhere/v1")])))
    running = Crossfade(tmp_path / "crossfade", python.url, config, {"all.yaml": PIN_TO_NATIVE}).start()
    try:
        answer = ask(running.url, "POST", "/v1/ocr", [*bearer(), JSON_TYPE], OCR)
        assert (answer.status, answer.header(SERVED_BY)) == (200, "python")
    finally:
        running.stop()


def test_agreement_comes_with_python(fleet, tmp_path, mock):
    """Started before Python: nothing native until Python is there and agrees, then native without a restart."""
    late = litellm.LiteLlm(tmp_path, "late", json.loads(fleet.open.config.read_text()))
    running = Crossfade(tmp_path / "crossfade", late.url, late.config, {"all.yaml": PIN_TO_NATIVE}).start()
    try:
        assert ask(running.admin, "GET", "/health/ready").status == 503
        assert ask(running.url, "POST", "/v1/ocr", [JSON_TYPE], OCR).status in (502, 503)
        late.start().ready()
        running.ready(60)
        assert ask(running.url, "POST", "/v1/ocr", [JSON_TYPE], OCR).header(SERVED_BY) == "native"
    finally:
        running.stop()
        late.stop()


def test_check_says_what_would_be_native(python):
    done = command_line("check", "--config", str(python.config), "--format", "json")
    assert done.returncode == 0, done.stderr
    report = done.stdout
    json.loads(report)
    assert "ocr-declined" in report and "order" in report, "the reason of a declined group is missing"
    text = command_line("check", "--config", str(python.config))
    assert "exact" in text.stdout and "declines" in text.stdout, text.stdout[:2000]


def test_check_fails_on_a_broken_config(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("model_list: [")
    done = command_line("check", "--config", str(broken))
    assert done.returncode == 1 and "broken.yaml" in done.stderr + done.stdout


def test_admin_is_guarded(native_instance):
    crossfade = native_instance
    assert crossfade.admin_ask("POST", "/api/freeze", {"reason": "x"}, token=None).status in (401, 403)
    assert crossfade.admin_ask("POST", "/api/freeze", {"reason": "x"}, token="wrong").status in (401, 403)
    assert crossfade.admin_ask("POST", "/api/freeze", {"reason": "x"}, headers=[("origin", "https://evil.example")]).status == 403
    assert crossfade.admin_ask("GET", "/api/lanes", headers=[("host", "evil.example")]).status in (400, 403, 421)
    assert crossfade.api("/api/status")["frozen"] is False
    assert "paths" in crossfade.api("/api/openapi.json")
    names = {name for name, _, _ in crossfade.metrics()}
    assert {name for name in names if not name.startswith("crossfade_")} <= {name for name in names if name.startswith("process_")}, "metrics begin with crossfade_"
