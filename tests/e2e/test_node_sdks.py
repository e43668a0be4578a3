"""The official Node SDKs see no difference either, on LiteLLM itself and on the native leg.

One Node process plays the scenarios of `node/scenarios.mjs` by name; what they tell is checked here.
"""
import json
import shutil
import subprocess
from pathlib import Path

import pytest

import chat_cases
import messages_cases
from conftest import DIRECT
from harness.crossfade import SERVED_BY
from harness.http import MASTER_KEY

HERE = Path(__file__).parent / "node"
CASES = {"openai": chat_cases, "anthropic": messages_cases}
GROUP = {"openai": "chat", "anthropic": "claude"}
TEXT = "The tide turns at six, über"


class Node:
    """Plays one scenario after the other."""

    def __init__(self, log: Path):
        node = shutil.which("node")
        assert node and (HERE / "node_modules").is_dir(), "no Node or no SDKs for it: run `scripts/setup test`"
        self.child = subprocess.Popen([node, "scenarios.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(log, "w"), text=True)

    def play(self, **asked) -> dict:
        self.child.stdin.write(json.dumps(asked) + "\n")
        self.child.stdin.flush()
        told = json.loads(self.child.stdout.readline())
        assert "crashed" not in told, told["crashed"]
        return told

    def stop(self):
        self.child.stdin.close()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


@pytest.fixture(scope="module")
def node(work):
    running = Node(work / "node.log")
    yield running
    running.stop()


@pytest.fixture(params=["direct", "native"])
def leg(request, python, native) -> str:
    return request.param


@pytest.fixture(params=CASES)
def sdk(request) -> str:
    return request.param


@pytest.fixture
def play(node, leg, sdk, python, native):
    """Plays a scenario of the SDK on the leg and sees to it that the leg is the one that was meant."""
    def played(scenario: str, group: str | None = None) -> dict:
        told = node.play(sdk=sdk, scenario=scenario, base=python.url if leg == "direct" else native, key=MASTER_KEY, model=group or GROUP[sdk])
        assert told.pop("served") == (None if leg == "direct" or DIRECT else "native"), f"{SERVED_BY} of {scenario}; the rest: {told}"
        return told

    return played


@pytest.fixture
def scripted(mock, slot, sdk):
    """Scripts the provider of this test and names its model group."""
    def script(*answers: dict) -> str:
        mock.script(f"slot-{slot}", *answers)
        return f"{GROUP[sdk]}-slot-{slot}"

    return script


def test_whole(play, sdk):
    told = play("whole")
    assert told["text"].startswith("The tide") and told["total"] == {"openai": 18, "anthropic": 7}[sdk]


def test_stream(play, sdk):
    told = play("stream")
    assert told["text"].startswith(TEXT) and told["finish"] == {"openai": "stop", "anthropic": "end_turn"}[sdk] and told["total"] > 0


def test_tools(play):
    assert play("tools")["calls"] == [{"city": "Bern"}]


def test_tool_stream(play, scripted, sdk):
    told = play("toolStream", scripted(CASES[sdk].streamed(*CASES[sdk].TOOL_USE)))
    assert told == {"openai": {"calls": [["call_1", {"city": "Bern"}]], "finish": "tool_calls"}, "anthropic": {"calls": [["toolu_1", {"city": "Bern"}]], "finish": "tool_use"}}[sdk]


def test_structured_output(play, scripted, sdk):
    """The SDK asks for a schema and reads the answer by it."""
    text = '{"city":"Köln"}'
    said = {"openai": lambda: chat_cases.answered(chat_cases.choice(content=text)),
            "anthropic": lambda: {"headers": messages_cases.JSON_HEADERS, "body": {**messages_cases.GOOD, "content": [{"type": "text", "text": text}]}}}
    assert play("structured", scripted(said[sdk]())) == {"parsed": {"city": "Köln"}}


# What LiteLLM makes of the provider's status, as both SDKs type it. Four hundreds are not tried again.
RAISED = {400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError"}


@pytest.mark.parametrize("status", RAISED)
@pytest.mark.parametrize("scenario", ["failed", "failedStream"])
def test_typed_errors(play, scripted, sdk, scenario, status):
    told = play(scenario, scripted(CASES[sdk].refused(status)))
    assert (told["raised"], told["status"]) == (RAISED[status], status) and "no é" in told["said"]


def test_an_error_in_the_stream(play, scripted, sdk):
    cases = CASES[sdk]
    error = cases.error_event() if sdk == "openai" else cases.error_event("overloaded_error")
    told = play("failedInTheStream", scripted(cases.streamed(*cases.WHOLE[:4], error)))
    assert told["raised"] == "APIError" and "boom" in told["said"]


def test_abort(play, mock, slot, scripted, sdk):
    """Who leaves a stream ends the provider's work."""
    cases = CASES[sdk]
    group = scripted({"headers": cases.SSE_HEADERS, "steps": [{"send": "".join(cases.WHOLE[:5])}, {"gate": "never"}]})
    assert play("abort", group) == {"text": cases.WORDS[0]}
    assert mock.seen(f"slot-{slot}", at_least=1, ended=1, seconds=20)[0]["progress"] == "aborted"
