"""Session fixtures: the mock provider, the real LiteLLM, Crossfade in front of it.

GATEWAY=litellm lets every test that does not need Crossfade itself run against LiteLLM directly. What fails there is a
wrong expectation, not a defect of Crossfade.
"""
import os
import signal
import sys
from pathlib import Path

import pytest

from harness import litellm
from harness.crossfade import PIN_TO_NATIVE, Crossfade, tapped_config
from harness.mock import Mock
from harness.processes import free_port
from chat_cases import all_cases as all_chat_cases
from messages_cases import all_cases as all_messages_cases
from ocr_cases import all_cases

DIRECT = os.environ.get("GATEWAY", "crossfade") == "litellm"
# A case must not rest the deployment of the next; test_cooldowns.py is about that.
ROUTER = {"router_settings": {"disable_cooldowns": True}}
SLOTS = 240  # model groups whose provider a test scripts for itself


# A run that is told to stop takes its children along: they live in process groups of their own.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def pytest_collection_modifyitems(items):
    for item in items:
        if DIRECT and item.get_closest_marker("crossfade"):
            item.add_marker(pytest.mark.skip(reason="needs Crossfade; GATEWAY=litellm checks the expectations only"))


@pytest.fixture(scope="session")
def work(tmp_path_factory) -> Path:
    """Everything the session writes: configs, logs, stores."""
    return tmp_path_factory.mktemp("crossfade")


@pytest.fixture(scope="session")
def mock(work):
    running = Mock(work)
    yield running
    running.process.stop()


@pytest.fixture(scope="session")
def refused_url() -> str:
    """An address on which nobody listens."""
    return f"http://127.0.0.1:{free_port()}/v1"


def common_models(mock: Mock) -> list[dict]:
    models = [
        litellm.deployment("chat", "openai/gpt-4o", f"{mock.url}/v1"),
        litellm.deployment("claude", "anthropic/claude-sonnet-4-5", mock.url),
        litellm.deployment("ocr", "mistral/mistral-ocr-latest", f"{mock.case_url('ocr')}/v1"),
        litellm.deployment("embed", "openai/text-embedding-3-small", f"{mock.url}/v1"),
        litellm.deployment("voice", "openai/gpt-4o-realtime-preview", f"{mock.case_url('voice')}/v1"),
    ]
    models.append(litellm.deployment("ocr-bodies", "mistral/mistral-ocr-latest", f"{mock.case_url('ocr-bodies')}/v1"))
    # An order of deployments is LiteLLM's to keep: this group declines.
    models.append(litellm.deployment("ocr-declined", "mistral/mistral-ocr-latest", f"{mock.case_url('ocr-declined')}/v1", order=1))
    for number in range(SLOTS):
        models.append(litellm.deployment(f"chat-slot-{number}", "openai/gpt-4o", f"{mock.case_url(f'slot-{number}')}/v1", max_retries=0))
        models.append(litellm.deployment(f"claude-slot-{number}", "anthropic/claude-sonnet-4-5", mock.case_url(f"slot-{number}")))
        models.append(litellm.deployment(f"ocr-slot-{number}", "mistral/mistral-ocr-latest", f"{mock.case_url(f'slot-{number}')}/v1"))
    return models


@pytest.fixture(scope="session")
def ocr_cases(refused_url):
    return all_cases(refused_url)


def case_models(mock: Mock, cases) -> list[dict]:
    models = []
    for case in cases:
        parameters = {"model": "mistral/mistral-ocr-latest", "api_base": "@CASE@/v1", **case.deployment}
        parameters["api_base"] = parameters["api_base"].replace("@CASE@", mock.case_url(case.id))
        models.append(litellm.deployment(case.group, parameters.pop("model"), parameters.pop("api_base"), f"sk-of-{case.id}", **parameters))
    return models


def parity_models(mock: Mock) -> list[dict]:
    """A model group for each case of the routes that stream; chat's base address has the version in it."""
    models = []
    for case in [*all_messages_cases(), *all_chat_cases()]:
        base = mock.case_url(case.group) + ("/v1" if case.route == "chat" else "")
        parameters = {"model": case.model, **case.deployment}
        models.append(litellm.deployment(case.group, parameters.pop("model"), base, f"sk-of-{case.id}", **parameters))
    return models


class Fleet:
    """Every LiteLLM of the session. They start side by side as soon as the first is asked for."""

    def __init__(self, work: Path, mock: Mock, cases):
        self.tap_port = free_port()
        environment = {"ANTHROPIC_API_BASE": mock.case_url("passthrough"), "ANTHROPIC_API_KEY": "sk-provider"}
        self.python = litellm.LiteLlm(work, "python", litellm.config(common_models(mock) + case_models(mock, cases) + parity_models(mock), **ROUTER), environment)
        self.open = litellm.LiteLlm(work, "open", litellm.config(common_models(mock)[:5], master_key=None))
        self.shadow_config = work / "shadow.yaml"
        self.started = [self.python.start()]
        self.work, self.mock = work, mock
        if not DIRECT:
            # Crossfade reads the original, LiteLLM what `crossfade tap` makes of it.
            original = litellm.LiteLlm(work, "shadow", litellm.config(common_models(mock), **ROUTER))
            self.shadow_config = original.config
            self.started.append(self.open.start())
            self.tapped, self.tap_error = None, None
            try:
                tapped = tapped_config(original.config, f"http://127.0.0.1:{self.tap_port}", work / "shadow-tapped.yaml")
            except AssertionError as error:
                self.tap_error = error  # the tests that need the tap fail with it, the others still run
            else:
                self.tapped = litellm.LiteLlm(work, "tapped", tapped)
                self.started.append(self.tapped.start())

    def stop(self):
        for instance in self.started:
            instance.stop()


@pytest.fixture(scope="session")
def fleet(work, mock, ocr_cases):
    running = Fleet(work, mock, ocr_cases)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def python(fleet) -> litellm.LiteLlm:
    """The control: LiteLLM with its own Rust off."""
    return fleet.python.ready()


@pytest.fixture(scope="session")
def gateway(python, work) -> str:
    """What the client of the pass-through tests talks to: Crossfade without rules, or LiteLLM itself."""
    if DIRECT:
        yield python.url
        return
    running = Crossfade(work / "passthrough", python.url, python.config).start().ready()
    yield running.url
    running.stop()


@pytest.fixture(scope="session")
def native_instance(python, work) -> Crossfade:
    """Crossfade with everything native-capable pinned to the native leg."""
    running = Crossfade(work / "native", python.url, python.config, {"everything.yaml": PIN_TO_NATIVE}).start().ready()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def native(request, python) -> str:
    """The address of that, or LiteLLM itself."""
    return python.url if DIRECT else request.getfixturevalue("native_instance").url


@pytest.fixture(scope="session")
def front(mock, work):
    """Crossfade as a plain pass-through in front of the mock, which shows what arrives; or the mock itself."""
    if DIRECT:
        yield mock
        return
    running = Crossfade(work / "front", mock.url).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def tapped(fleet) -> litellm.LiteLlm:
    """LiteLLM whose provider traffic goes through the tap at `fleet.tap_port`, where one Crossfade at a time listens."""
    if fleet.tap_error is not None:
        raise fleet.tap_error
    return fleet.tapped.ready()


_slots = iter(range(SLOTS))


@pytest.fixture
def slot() -> int:
    """The number of a model group (`chat-slot-N`, `claude-slot-N`, `ocr-slot-N`) and mock case (`slot-N`) of this test's own."""
    return next(_slots)


@pytest.fixture
def case(request) -> str:
    """A mock case of this test's own, for requests that carry the header `x-mock-case`."""
    return "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
