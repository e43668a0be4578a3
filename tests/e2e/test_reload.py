"""Config and rules are taken up while it runs; a bad file changes nothing and its reason can be read."""
import json
import signal

import pytest

from harness.crossfade import PIN_TO_NATIVE, SERVED_BY, Crossfade
from harness.http import JSON_TYPE, ask, bearer
from harness.processes import until

pytestmark = pytest.mark.crossfade


@pytest.fixture
def reloading(fleet, tmp_path):
    """Its own copy of the config, so that the test may change it."""
    open_ = fleet.open.ready()
    config = tmp_path / "config.yaml"
    config.write_text(open_.config.read_text())
    running = Crossfade(tmp_path / "crossfade", open_.url, config, {"all.yaml": PIN_TO_NATIVE}).start().ready()
    yield running, config
    running.stop()


def ocr(crossfade) -> str | None:
    body = b'{"model":"ocr","document":{"type":"document_url","document_url":"https://example.org/a.pdf"}}'
    answer = ask(crossfade.url, "POST", "/v1/ocr", [*bearer(), JSON_TYPE], body)
    assert answer.status == 200, answer.text()
    return answer.header(SERVED_BY)


def test_rules_by_file_watch(reloading):
    crossfade, _ = reloading
    assert ocr(crossfade) == "native"
    crossfade.write_rule("all.yaml", PIN_TO_NATIVE.replace("stage: full", "stage: off"))
    until(lambda: ocr(crossfade) == "python", 20, "the rule `off` to count")
    crossfade.write_rule("all.yaml", PIN_TO_NATIVE)
    until(lambda: ocr(crossfade) == "native", 20, "the rule `full` to count again")


BAD_RULES = {
    "syntax": "route: [ocr\n", "unknown-field": PIN_TO_NATIVE + "holdouts: 0.1\n", "unknown-stage": PIN_TO_NATIVE.replace("full", "ful"), "unknown-route": PIN_TO_NATIVE.replace('"*"', "orc"),
    "weight-over-one": "route: ocr\nstage: canary\ncanary: { steps: [0.5, 1.5] }\n", "empty": "",
}


@pytest.mark.parametrize("kind", BAD_RULES)
def test_a_bad_rule_file_changes_nothing(reloading, kind):
    crossfade, _ = reloading
    crossfade.write_rule("all.yaml", BAD_RULES[kind])
    error = until(lambda: crossfade.api("/api/status")["rules"]["error"], 20, "the reason on the status page")
    assert "all.yaml" in error, error
    if kind in ("unknown-field", "unknown-stage", "unknown-route"):
        nearest = {"unknown-field": "holdout", "unknown-stage": "full", "unknown-route": "ocr"}[kind]
        assert nearest in error, f"the nearest valid name is missing: {error}"
    assert ocr(crossfade) == "native", "the old rules are gone"
    crossfade.write_rule("all.yaml", PIN_TO_NATIVE)
    until(lambda: crossfade.api("/api/status")["rules"]["error"] is None, 20, "the reason to go once the file is good")


def test_a_bad_config_changes_nothing(reloading):
    crossfade, config = reloading
    good = config.read_text()
    config.write_text("model_list: [")
    assert until(lambda: crossfade.api("/api/status")["config"]["error"], 20, "the reason on the status page")
    assert ocr(crossfade) == "native"
    config.write_text(good)
    until(lambda: crossfade.api("/api/status")["config"]["error"] is None, 20, "the reason to go")


def test_a_config_that_python_does_not_run_declines(reloading):
    """Python does not re-read its YAML. A group changed in the file is left to Python until Python shows the same ids."""
    crossfade, config = reloading
    good = config.read_text()
    changed = json.loads(good)
    next(model for model in changed["model_list"] if model["model_name"] == "ocr")["litellm_params"]["timeout"] = 77
    config.write_text(json.dumps(changed))
    until(lambda: ocr(crossfade) == "python", 30, "the changed group to be left to Python")
    config.write_text(good)
    until(lambda: ocr(crossfade) == "native", 30, "the group to be native again")


def test_sighup(reloading):
    crossfade, _ = reloading
    before = crossfade.api("/api/status")["rules"]["loaded_at"]
    crossfade.process.signal(signal.SIGHUP)
    until(lambda: crossfade.api("/api/status")["rules"]["loaded_at"] != before, 20, "a reload by SIGHUP")
    assert crossfade.process.alive() and ocr(crossfade) == "native"


def test_no_auth_mode_is_served_natively_without_a_key(reloading):
    crossfade, _ = reloading
    body = b'{"model":"ocr","document":{"type":"document_url","document_url":"https://example.org/a.pdf"}}'
    answer = ask(crossfade.url, "POST", "/v1/ocr", [JSON_TYPE], body)
    assert (answer.status, answer.header(SERVED_BY)) == (200, "native")


