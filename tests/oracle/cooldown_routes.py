"""What a conversation of `cooldowns.py` says on each route: requests, answers, and the provider's ways to fail."""

import json
from types import SimpleNamespace

import chat_cases as chat
import messages_cases as messages


def of_messages():
    def failed(kind, text):
        return messages.event("error", error={"type": kind, "message": text})

    return SimpleNamespace(
        name="messages", path="/v1/messages", model="anthropic/claude-sonnet-4-5", unpriced="anthropic/our-own-model", base="",
        own={"max_tokens": 1000}, user=messages.USER, key=lambda headers: headers["x-api-key"],
        whole=messages.answered(), pieces=messages.WHOLE, start=messages.START, delta=messages.DELTA, stop=messages.event("message_stop"),
        wordless={"id": "msg_1", "type": "message", "role": "assistant", "content": []}, content=b"content_block_delta",
        sse=messages.SSE, failed=failed, refused=lambda status, text: messages.refused(status, "api_error", text),
        refused_by_litellm={"speed": "fast"},
    )


def of_chat():
    def failed(kind, text):
        return chat.event({"error": {"message": text, "type": kind, "param": None, "code": None}})

    wordless = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": []}
    return SimpleNamespace(
        name="chat_completions", path="/v1/chat/completions", model="openai/gpt-4o", unpriced="openai/our-own-model", base="/v1",
        own={}, user=chat.USER, key=lambda headers: headers["authorization"].removeprefix("Bearer "),
        whole=chat.answered(), pieces=[*chat.WHOLE[:2], *chat.WHOLE[2:]], start=chat.ROLE, delta=chat.HE, stop=chat.STOP + chat.DONE,
        wordless=wordless, content="hé".encode(), sse=chat.SSE, failed=failed,
        refused=lambda status, text: chat.refused(status, text, "api_error"), refused_by_litellm={"reasoning_effort": "low"},
    )


def of_chat_on_anthropic():
    route = of_messages()
    route.name, route.path, route.own, route.user = "chat_anthropic", "/v1/chat/completions", {"max_tokens": 1000}, chat.USER
    route.content, route.refused_by_litellm = "hé".encode(), {"logit_bias": {"1": 1}}
    return route


ROUTES = {"messages": of_messages, "chat_completions": of_chat, "chat_anthropic": of_chat_on_anthropic}


def of_route(name):
    route = ROUTES[name]()
    route.stream = {"status": 200, "headers": route.sse, "pieces": route.pieces}
    return route


def encoded(body):
    return json.dumps(body, ensure_ascii=False)
