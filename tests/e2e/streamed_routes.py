"""The routes that the native leg streams, as the tests of streaming and of the loop need them: what to ask, what the provider
says and how the client reads it."""
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import chat_cases
import messages_cases


@dataclass(frozen=True)
class StreamedRoute:
    name: str
    cases: ModuleType
    rule: str
    """Its name in rules."""
    lane: str
    group: str
    """The model group of the mock's own answers; `{group}-slot-N` are those that a test scripts."""
    path: str
    asked: dict
    options: list[dict]
    """What requests may vary in."""
    silent: str
    """What the provider may say before the client's head is due."""
    opening: str
    """What comes before the first text."""
    ending: str
    last: bytes
    """Ends the client's stream."""
    failure: tuple[str, int]
    """An error event, and the status it has as long as there is no head."""
    faults: dict[str, tuple[str, str | None]]
    """By a fault's name: where the differences lie, and where none does."""

    @property
    def delta(self) -> Callable[[str], str]:
        return self.cases.delta

    def slot(self, slot: int) -> str:
        return f"{self.group}-slot-{slot}"


TURN = {"messages": [{"role": "user", "content": "x"}]}
MESSAGES = StreamedRoute(
    "messages", messages_cases, "messages", "messages:anthropic", "claude", "/v1/messages", {"max_tokens": 9, **TURN},
    [{}, {"temperature": 0.5}, {"system": "be brief"}, {"tools": [messages_cases.TOOL]}],
    silent=messages_cases.START + messages_cases.OPEN, opening=messages_cases.START + messages_cases.OPEN,
    ending=messages_cases.CLOSE + messages_cases.ENDING + messages_cases.STOP, last=messages_cases.STOP.encode(),
    failure=(messages_cases.error_event("overloaded_error"), 503),
    faults={"messages_change_delta": ("$.message.content[*].text", None), "messages_drop_last_event": ("$.events[*]", "$.message")},
)
CHAT = StreamedRoute(
    "chat", chat_cases, "chat_completions", "chat_completions:openai", "chat", "/v1/chat/completions", TURN,
    [{}, {"temperature": 0.5}, {"stream_options": {"include_usage": True}}, {"tools": [chat_cases.TOOL]}],
    silent=": hold on\n\n", opening=chat_cases.START, ending="".join(chat_cases.ENDING), last=chat_cases.DONE.encode(),
    failure=(chat_cases.error_event(), 500),
    faults={"chat_change_delta": ("$.message.choices[*].message.content", None)},
)
ROUTES = {route.name: route for route in (CHAT, MESSAGES)}
