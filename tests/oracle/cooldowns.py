"""Records whom a real LiteLLM rests after failures on a route, and what it answers when nobody is left.

    LITELLM_BIN=/path/to/litellm ROUTE=messages python3 tests/oracle/cooldowns.py --port 31200 [--only SUBSTRING...]

A case is a conversation: requests in order, with what each deployment answers and when each request came. It is written to
tests/corpus/<route>_cooldowns/<case>.json; the routes are in `cooldown_routes.py`. A Rust test holds the same conversation with the native leg on a virtual clock.
In a group of several the first deployment has all the weight, so LiteLLM picks it whenever it does not rest: the picks are
no matter of chance, and each shows who rests. Ports port .. port+19 are used. Nothing but the loopback is reached.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from email.utils import formatdate

sys.path.insert(0, os.path.dirname(__file__))
from cooldown_routes import encoded, of_route  # noqa: E402
from messages_oracle import StreamingProvider, ask_stream  # noqa: E402
from ocr_oracle import KEY, LiteLlm  # noqa: E402

ROUTE = of_route(os.environ.get("ROUTE", "messages"))
CORPUS = os.path.join(os.path.dirname(__file__), "..", "corpus", f"{ROUTE.name}_cooldowns")
OK, STREAM, SSE, START, DELTA = ROUTE.whole, ROUTE.stream, ROUTE.sse, ROUTE.start, ROUTE.delta
REFUSED_PORT = 9
KEPT_MAX = 20


def failing(status, text="no", **headers):
    """A provider's error; header names are written with underscores, a `retry_date_in` is seconds from the call."""
    answer = ROUTE.refused(status, text)
    later = headers.pop("retry_date_in", None)
    extra = [[name.replace("_", "-"), value] for name, value in headers.items()]
    return {**answer, "headers": [*answer["headers"], *extra], **({"retry_date_in": later} if later else {})}


class KeyedProvider(StreamingProvider):
    """Answers by the deployment that calls, whose key is its id: `answers[id]` is an answer, or a list of them in order."""

    def __init__(self):
        super().__init__()
        self.answers, self.calls = {}, []

    async def exchange(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))))
        key = ROUTE.key(headers)
        made = sum(call["deployment"] == key for call in self.calls)
        answer = self.answers.get(key, STREAM if body.get("stream") else OK)
        answer = answer[min(made, len(answer) - 1)] if isinstance(answer, list) else answer
        call = {"deployment": key, "started": time.time()}
        self.calls.append(call)
        await asyncio.sleep(answer.get("delay", 0))
        if "retry_date_in" in answer:
            date = formatdate(time.time() + answer["retry_date_in"], usegmt=True)
            answer = {**answer, "headers": [*answer["headers"], ["retry-after", date]]}
        call["answer"], call["gave_up"] = answer, reader.at_eof()
        try:
            return await self.send(answer, writer)
        finally:
            call["ended"] = time.time()


def models(case, port):
    """One group a case, or the groups that it names itself."""
    groups = case["groups"]
    entries = []
    for group, deployments in groups.items():
        for number, params in enumerate(deployments):
            weight = {"weight": 1 if number == 0 else 0} if len(deployments) > 1 else {}
            base = f"http://127.0.0.1:{params.get('port', port)}{ROUTE.base}"
            own = {name: value for name, value in params.items() if name not in ("port", "model_info")}
            entries.append({
                "model_name": group,
                "litellm_params": {"model": ROUTE.model, "api_base": base, "api_key": f"{group}-{number}", **weight, **own},
                "model_info": {"id": f"{group}-{number}", **params.get("model_info", {})},
            })
    return entries


def case(name, steps, deployments=2, groups=None, **params):
    """A conversation with a group named after the case."""
    groups = groups or {name: [params] * deployments}
    return {"name": name, "groups": groups, "steps": [{"group": name, **one} for one in steps]}


def step(first=None, second=None, own=None, **more):
    """A request, and what the deployments of its group answer; where nothing is said they succeed."""
    return {"own": own or {}, "first": first, "second": second, **more}


def spoken(case, one):
    answers = dict(one.get("own", {}))
    group = one.get("of", case["name"])
    for number, answer in enumerate((one.get("first"), one.get("second"))):
        if answer is not None:
            answers[f"{group}-{number}"] = answer
    return answers


def client_request(one):
    body = {"model": one["group"], **ROUTE.own, "messages": [ROUTE.user], **one.get("body", {})}
    headers = [["authorization", f"Bearer {KEY}"], ["x-litellm-call-id", "call"], ["content-type", "application/json"], *one.get("headers", [])]
    return {"method": "POST", "path": ROUTE.path, "headers": headers, "body": encoded(body)}


DROPPED = ("date", "connection", "server")
VARYING = ("x-litellm-response-duration-ms", "x-litellm-overhead-duration-ms", "x-litellm-callback-duration-ms")


def shown(answer):
    headers = [[name.lower(), "*" if name.lower() in VARYING else value] for name, value in answer["headers"]]
    return {"status": answer["status"], "headers": [pair for pair in headers if pair[0] not in DROPPED], "body": answer["body"]}


async def leave(port, client):
    """Reads a stream up to its first content and goes."""
    body = client["body"].encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "".join(f"{name}: {value}\r\n" for name, value in [["host", "h"], *client["headers"], ["content-length", str(len(body))]])
    writer.write(f"POST {client['path']} HTTP/1.1\r\n{head}\r\n".encode() + body)
    seen = await reader.readuntil(ROUTE.content)
    writer.transport.abort()
    return {"status": int(seen.split(b" ", 2)[1]), "headers": [], "body": ""}


async def hold(case, one, provider, port):
    """The requests of one step, one after the other. Of very many alike, only the last is kept."""
    await asyncio.sleep(one.get("pause", 0))
    times = one.get("times", 1)
    held = [await hold_once(case, one, provider, port) for _ in range(times)]
    return held if times <= KEPT_MAX else [{**held[-1], "at": held[0]["at"], "times": times}]


async def hold_once(case, one, provider, port):
    request = client_request(one)
    provider.answers, provider.calls = spoken(case, one), []
    calls, started, during = provider.calls, time.time(), []
    asked = asyncio.create_task((leave if one.get("leave") else ask_stream)(port, request))
    if one.get("during"):
        while not any("ended" in call for call in calls):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.15)
        during = [held for inner in one["during"] for held in await hold(case, inner, provider, port)]
        provider.calls, provider.answers = calls, spoken(case, one)
    answer = await asked
    # What LiteLLM counts after a success it counts behind the answer.
    await asyncio.sleep(one.get("settle", 0.05))
    while not all("ended" in call for call in calls):
        await asyncio.sleep(0.05)
    calls = [{"deployment": call["deployment"], "elapsed": round(call["ended"] - call["started"], 3), "at": round(call["ended"], 3),
              "gave_up": call["gave_up"], "answer": call["answer"]} for call in calls]
    return {"at": round(started, 3), "left": one.get("leave", False), "client": request, "calls": calls, "response": shown(answer),
            **({"during": during} if during else {})}


async def run(cases, settings, port):
    provider = KeyedProvider()
    await provider.start(port)
    # The first failure and the first answer of a process take seconds more, which would be taken for rest.
    warm = case("warm", [step(failing(400), times=2), step(), step(**STREAMED)], deployments=1)
    model_list = [entry for one in [warm, *cases] for entry in models(one, port)]
    litellm = LiteLlm({"model_list": model_list, "general_settings": {"master_key": KEY}, **settings}, port + 1)
    try:
        await litellm.ready()
        for one in warm["steps"]:
            await hold(warm, one, provider, port + 1)
        for one in cases:
            steps = [held for step in one["steps"] for held in await hold(one, step, provider, port + 1)]
            record = {"name": one["name"], "settings": settings, "model_list": models(one, port), "steps": steps}
            with open(f"{CORPUS}/{one['name']}.json", "w") as file:
                json.dump(record, file, indent=1)
                file.write("\n")
            print(one["name"], [(s["response"]["status"], [c["deployment"].rsplit("-", 1)[1] for c in s["calls"]]) for s in steps], flush=True)
    finally:
        litellm.stop()


REST = 2.5  # longer than the cooldown of most cases


def rests(name, answer, **more):
    """A failure of the first, then whom the next requests go to, until the first would be back."""
    return case(name, [step(answer), step(), step(pause=REST)], **more)


def counted(name, answer, successes, failures, **more):
    """Successes, then failures until it rests or not; the last request shows which."""
    good = [step(times=successes, settle=0.25, body=more.pop("good_body", {}))] if successes else []
    return case(name, [*good, step(answer, times=failures, **more), step()])


def odd_successes():
    """Answers that LiteLLM passes on; whether its own log of them fails shows in what it counts."""
    bare = {**OK, "body": encoded(ROUTE.wordless)}
    wordless = {**STREAM, "pieces": [START, ROUTE.stop]}
    return [weighs("odd_unpriced", OK, model=ROUTE.unpriced), weighs("odd_empty", {**OK, "body": "{}"}), weighs("odd_bare", bare),
        weighs("odd_unpriced_streamed", STREAM, model=ROUTE.unpriced, **STREAMED), weighs("odd_wordless", wordless, **STREAMED),
        weighs("odd_nothing_streamed", {**STREAM, "pieces": []}, **STREAMED), weighs("odd_garbage_streamed", {**STREAM, "pieces": ["nonsense\n\n", "data: {\n\n"]}, **STREAMED)]


STREAMED = {"body": {"stream": True}}
OVERLOADED = {"status": 200, "headers": SSE, "pieces": [START, ROUTE.failed("overloaded_error", "busy")]}
BROKEN = {"status": 200, "headers": SSE, "pieces": [START, DELTA, ROUTE.failed("overloaded_error", "busy")]}
LOST = {"status": 200, "headers": SSE, "pieces": [START], "end": "close"}
UNFINISHED = {"status": 200, "headers": SSE, "pieces": [START, DELTA]}
SLOW = {"status": 200, "headers": SSE, "pieces": [*ROUTE.pieces[:3], *[DELTA] * 50, *ROUTE.pieces[3:]]}
REFUSED_HERE = {"body": ROUTE.refused_by_litellm}


BROKEN_OFF = {**SLOW, "pieces": SLOW["pieces"][:9], "end": "reset"}


def weighs(name, answer, before=5, after=5, **more):
    """Some of `answer`, then failures: whether the first rests shows how much those before count, and as what."""
    params = {"model": more.pop("model")} if "model" in more else {}
    return case(name, [step(answer, times=before, settle=0.4, **more), step(failing(500), times=after), step()], **params)


def plain():
    statuses = [rests(f"once_{status}", failing(status)) for status in (400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529)]
    lone = [case(f"lone_{status}", [step(failing(status), times=6), step()], deployments=1) for status in (400, 401, 403, 404, 408, 429, 500)]
    share = [counted(f"share_{status}_{failures}", failing(status), 0, failures) for status in (408, 500) for failures in (4, 5)]
    return [*statuses, *lone, *share,
        counted("share_success_5_500_5", failing(500), 5, 5), counted("share_success_5_500_6", failing(500), 5, 6),
        counted("share_stream_5_500_5", failing(500), 5, 5, good_body={"stream": True}),
        counted("share_stream_5_500_6", failing(500), 5, 6, good_body={"stream": True}),
        counted("share_streamed_500_4", failing(500), 0, 4, **STREAMED), counted("share_streamed_500_5", failing(500), 0, 5, **STREAMED),
        counted("share_streamed_500_2", failing(500), 0, 2, **STREAMED), counted("share_streamed_500_3", failing(500), 0, 3, **STREAMED),
        counted("stream_broken_6", BROKEN, 0, 6, **STREAMED), counted("stream_overloaded_6", OVERLOADED, 0, 6, **STREAMED),
        counted("stream_lost_6", LOST, 0, 6, **STREAMED),
        case("stream_broken_then_500", [step(BROKEN, times=3, **STREAMED), step(failing(500), times=4), step()]),
        case("stream_broken_5_500_5", [step(BROKEN, times=5, **STREAMED, settle=0.25), step(failing(500), times=5), step()]),
        case("stream_overloaded_5_500_5", [step(OVERLOADED, times=5, **STREAMED, settle=0.25), step(failing(500), times=5), step()]),
        case("refusals_count_400", [step(failing(400), times=5), step(failing(500)), step()]),
        case("refused_by_litellm", [step(times=5, **REFUSED_HERE), step(failing(500)), step()]),
        case("refused_by_litellm_streamed", [step(times=5, body={**ROUTE.refused_by_litellm, "stream": True}), step(failing(500)), step()]),
        case("refused_by_litellm_is_no_success", [step(times=5, **REFUSED_HERE), step(failing(500), times=5), step()]),
        weighs("weighs_lost", LOST, **STREAMED), weighs("weighs_unfinished", UNFINISHED, **STREAMED), weighs("weighs_broken_off", BROKEN_OFF, **STREAMED),
        weighs("weighs_left", SLOW, leave=True, **STREAMED), weighs("weighs_error", failing(500), **REFUSED_HERE),
        weighs("lost_3_then_500", LOST, before=3, after=1, **STREAMED), weighs("lost_4_then_500", LOST, before=4, after=1, **STREAMED),
        weighs("broken_off_3_then_500", BROKEN_OFF, before=3, after=1, **STREAMED), weighs("broken_off_4_then_500", BROKEN_OFF, before=4, after=1, **STREAMED),
        weighs("overloaded_5_then_500_6", OVERLOADED, after=6, **STREAMED), weighs("broken_5_then_500_6", BROKEN, after=6, **STREAMED),
        weighs("left_5_then_500_4", SLOW, after=4, leave=True, **STREAMED), weighs("left_5_then_500_1", SLOW, after=1, leave=True, **STREAMED),
        *odd_successes(),
        case("retried_then_success", [step(times=2, settle=0.25), step([failing(500), OK], times=5, settle=0.25, body={"num_retries": 1}), step()]),
        case("retried_then_success_streamed", [step(times=2, settle=0.25), step([failing(500), STREAM], times=5, settle=0.25, body={"num_retries": 1, "stream": True}), step()]),
        case("both_429_streamed", [step(failing(429), failing(429), body={"num_retries": 2, "stream": True}), step(), step(**STREAMED), step(pause=REST)]),
        case("both_401_streamed", [step(failing(401), failing(401), body={"num_retries": 2, "stream": True}), step(), step(**STREAMED), step(pause=REST)]),
        case("origin_and_request_id", [step(failing(401)), step(headers=[["origin", "https://a.example"], ["x-request-id", "mine"]])], deployments=1),
        case("told_by_id", [step(failing(401)), step(group="told_by_id-0")], deployments=1),
        rests("stream_401", [failing(401)]), case("streamed_401", [step(failing(401), **STREAMED), step(**STREAMED), step(pause=REST, **STREAMED)]),
        case("streamed_429", [step(failing(429), **STREAMED), step(**STREAMED), step(pause=REST, **STREAMED)]),
        case("both_429", [step(failing(429), failing(429), body={"num_retries": 2}), step(), step(**STREAMED), step(pause=REST)]),
        case("both_401", [step(failing(401), failing(401), body={"num_retries": 2}), step(), step(pause=REST)]),
        case("both_500", [step(failing(500), failing(500), body={"num_retries": 2}), step(), step()]),
        case("retried_500", [step(failing(500), times=2, body={"num_retries": 2}), step(failing(500)), step()]),
        case("retried_500_streamed", [step(failing(500), times=2, body={"num_retries": 2, "stream": True}), step(failing(500)), step()]),
        case("retried_500_then_429", [step([failing(500), failing(429)], body={"num_retries": 2}), step(), step(pause=REST)]),
        case("retried_500_then_401", [step([failing(500), failing(401)], body={"num_retries": 2}), step(), step(pause=REST)]),
        case("retried_429", [step(failing(429), body={"num_retries": 2}), step(), step(pause=REST)]),
        case("retried_429_429", [step(failing(429), [failing(429), OK], body={"num_retries": 2}), step(), step(pause=REST)]),
        case("retried_429_500", [step(failing(429), [failing(500), OK], body={"num_retries": 2}), step(), step(pause=REST)]),
        case("retried_429_500_streamed", [step(failing(429), [failing(500), STREAM], body={"num_retries": 2, "stream": True}), step(), step(pause=REST)]),
        case("three_429", [step(failing(429), failing(429), body={"num_retries": 1}), step(), step(pause=REST)], deployments=3),
        rests("retry_after_4", failing(429, retry_after="4")),
        case("retry_after_4_waited", [step(failing(429, retry_after="4")), step(pause=REST), step(pause=2)]),
        case("retry_after_1", [step(failing(429, retry_after="1")), step(), step(pause=1.3)]),
        rests("retry_after_0", failing(429, retry_after="0")), rests("retry_after_minus", failing(429, retry_after="-1")),
        rests("retry_after_text", failing(429, retry_after="soon")), rests("retry_after_float", failing(429, retry_after="1.5")),
        case("retry_after_date", [step(failing(429, retry_date_in=5)), step(pause=REST), step(pause=REST)]),
        rests("retry_after_past", failing(429, retry_date_in=-10)),
        rests("retry_after_0_401", failing(401, retry_after="0")), rests("retry_after_1_401", failing(401, retry_after="1")),
        case("least_is_told", [step(failing(429, retry_after="4")), step(None, failing(429, retry_after="3")), step(), step(pause=3.2), step(pause=1.2)]),
        case("greatest_is_kept", [step(failing(429, retry_after="3")), step(None, failing(429, retry_after="4")), step(), step(pause=3.2), step(pause=1.2)]),
        case("least_with_router", [step(failing(429, retry_after="3")), step(None, failing(429)), step(), step(pause=REST)]),
        case("pinned_while_it_rests", [step(failing(401)), step(group="pinned_while_it_rests-0"), step(group="pinned_while_it_rests-0", first=failing(500)), step(), step(pause=REST)]),
        case("pinned_401", [step(failing(401), group="pinned_401-0"), step(), step(pause=REST)]),
        case("pinned_429_lone", [step(failing(429), group="pinned_429_lone-0"), step()], deployments=1),
        case("pinned_429", [step(failing(429), group="pinned_429-0", body={"num_retries": 2}), step(), step(pause=REST)]),
        case("pinned_500_share", [step(failing(500), group="pinned_500_share-0", times=5), step(), step(pause=REST)]),
        case("not_extended", [step(failing(401)), step(failing(401), group="not_extended-0", pause=1.4), step(), step(pause=1.0)]),
        case("shortened", [step(failing(429, retry_after="5")), step(failing(429, retry_after="1"), group="shortened-0"), step(), step(pause=1.3)]),
        case("lengthened_is_not", [step(failing(429, retry_after="1")), step(failing(429, retry_after="9"), group="lengthened_is_not-0"), step(), step(pause=1.3)]),
        case("told_while_renewed", [step(failing(401)), step(failing(429, retry_after="9"), group="told_while_renewed-0"), step(), step(pause=REST)], deployments=1),
        case("lone_in_its_sleep", [step([failing(500), OK], body={"num_retries": 2}, during=[step(failing(401), group="lone_in_its_sleep-0", body={"num_retries": 0})]), step(), step(pause=REST)], deployments=1),
        case("lone_in_its_sleep_streamed", [step([failing(500), OK], body={"num_retries": 2, "stream": True}, during=[step(failing(401), group="lone_in_its_sleep_streamed-0", body={"num_retries": 0})]), step(**STREAMED), step(pause=REST)], deployments=1),
        case("lone_in_its_second_sleep", [step([failing(500), failing(401)], body={"num_retries": 2}), step(), step(pause=REST)], deployments=1),
        case("two_groups", [step(failing(401)), step(group="another", own={"another-0": failing(401)}), step(), step(group="another"), step(pause=REST)],
             groups={"two_groups": [{}], "another": [{}]}),
        case("aliased", [step(failing(401), group="alias"), step(group="alias"), step()], deployments=1),
        case("text_of_rate_limit", [step(failing(400, text="rate limit")), step(), step(pause=REST)]),
        case("text_of_connection_error_401", [step(failing(401, text="APIConnectionError")), step(), step(pause=REST)]),
        case("text_of_connection_error_500", [step(failing(500, text="APIConnectionError"), times=6), step()]),
        counted("closed", {"failure": "close"}, 0, 5), counted("html", {"status": 200, "headers": [], "body": "<html>"}, 0, 5),
        counted("reset", {"failure": "reset"}, 0, 5),
        case("refused", [step(times=5), step()], groups={"refused": [{"port": REFUSED_PORT}, {}]}),
        counted("timed_out", {**OK, "delay": 1}, 0, 5) | {"groups": {"timed_out": [{"timeout": 0.2}, {"timeout": 0.2}]}},
        case("stream_silent", [*[step({**UNFINISHED, "end": "hang"}, **STREAMED, settle=0.25)] * 4, step(failing(500)), step()], timeout=0.4),
    ]


def minute():
    return [case("minute_is_fixed", [step(failing(500)), step(failing(500), pause=50, times=3), step(failing(500), pause=14, times=2), step()])]


def conversations():
    """(settings, cases) pairs."""
    router = lambda **settings: {"router_settings": {"num_retries": 0, "cooldown_time": 2, **settings}}
    share = lambda name, failures=1, status=500, **more: counted(name, failing(status), 0, failures, **more)
    return [
        (router(model_group_alias={"alias": "aliased"}), plain()),
        (router(cooldown_time=1.5), [case("float_time", [step(failing(401)), step(), step(pause=1.8)], deployments=1)]),
        (router(cooldown_time=2.0), [case("whole_float_time", [step(failing(401)), step()], deployments=1)]),
        ({"router_settings": {"num_retries": 0}}, [case("default_time", [step(failing(401)), step(), step(pause=4), step(pause=1.3)], deployments=1), *minute()]),
        (router(cooldown_time=0), [case("no_time", [step(failing(401)), step()], deployments=1)]),
        ({}, [case("default_retries", [step(failing(429), failing(429)), step()]), case("default_retries_500", [step(failing(500), [failing(500), OK]), step()])]),
        (router(allowed_fails=1), [share("allowed_1_once"), share("allowed_1_twice", 2), case("allowed_1_lone", [step(failing(500), times=2), step()], deployments=1),
             share("allowed_1_401", 1, 401), share("allowed_1_429_twice", 2, 429), share("allowed_1_400", 4, 400),
             case("allowed_1_window", [step(failing(500)), step(failing(500), pause=REST), step()])]),
        (router(allowed_fails=0), [share("allowed_0_once"), share("allowed_0_400", 2, 400)]),
        (router(allowed_fails=3), [share("allowed_3_is_default", 4), share("allowed_3_is_default_5", 5)]),
        (router(disable_cooldowns=True), [share("disabled_401", 3, 401)]),
        # Within a minute, so alone on the machine.
        (router(), [case("lone_1000", [step(failing(500), times=999, settle=0), step(failing(500)), step(), step(pause=REST)], deployments=1)]),
    ]


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--only", nargs="*", default=[""])
    parser.add_argument("--settings", nargs="*", type=int, help="numbers of the (settings, cases) pairs")
    arguments = parser.parse_args()
    os.makedirs(CORPUS, exist_ok=True)
    for index, (settings, cases) in enumerate(conversations()):
        chosen = [one for one in cases if any(part in one["name"] for part in arguments.only)]
        if chosen and (arguments.settings is None or index in arguments.settings):
            await run(chosen, settings, arguments.port + 2 * (index % 10))


asyncio.run(main())
