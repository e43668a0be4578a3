"""Records how a real LiteLLM retries, waits, cools down and gives up on /v1/ocr, as golden files.

Every case is a conversation: requests to the proxy in order, with the answers that the scripted provider gives call by
call. What LiteLLM did (calls with their deployment and the time since the one before, status, headers, body) is written to
tests/corpus/ocr_retries/<case>.json; a Rust test runs the native leg over the same conversations on a virtual clock.

Usage: LITELLM_BIN=path/to/litellm python tests/oracle/ocr_retries.py --port 22100 [--only SUBSTRING...] [--out DIR]
Ports port .. port+9 are used. Nothing but the loopback is reached.
"""
import argparse, asyncio, base64, gzip, json, os, signal, struct, socket, subprocess, sys, tempfile, time, urllib.error, urllib.request
from email.utils import formatdate
from pathlib import Path

DOCUMENT = {"type": "document_url", "document_url": "https://example.invalid/a.pdf"}
PAGES = {"pages": [{"index": 0, "markdown": "# hi", "images": [], "dimensions": {"dpi": 200, "height": 10, "width": 5}}],
         "model": "mistral-ocr-2505-completion", "usage_info": {"pages_processed": 1, "doc_size_bytes": 10}}
OK = {"status": 200, "body": PAGES}


def failing(status, **headers):
    """A provider answer with an error status; header names are written with underscores."""
    return {"status": status, "headers": {k.replace("_", "-"): v for k, v in headers.items()},
            "body": {"object": "error", "message": f"scripted {status}", "type": "t", "code": status}}


class Provider:
    """A provider on a raw socket: answers are scripted per call, faults included."""

    def __init__(self):
        self.script, self.calls, self.connections = [], [], 0

    async def serve(self, port):
        self.port = port
        self.server = await asyncio.start_server(self.connection, "127.0.0.1", port)

    async def connection(self, reader, writer):
        self.connections += 1
        number = self.connections
        try:
            while await self.exchange(reader, writer, number):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def exchange(self, reader, writer, connection):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = [line.split(": ", 1) for line in lines if line]
        found = {name.lower(): value for name, value in headers}
        body = await reader.readexactly(int(found.get("content-length", 0)))
        started = time.monotonic()
        key = found.get("authorization", "")[7:] or (self.calls[-1]["key"] if self.calls else "")
        call = {"line": first, "names": [name.lower() for name, _ in headers], "bytes": len(body), "key": key, "started": started,
                "connection": connection}
        self.calls.append(call)
        answer = self.script[min(len(self.calls), len(self.script)) - 1]
        if isinstance(answer, dict) and "by_key" in answer:
            answer = answer["by_key"][call["key"]]
        call["answer"] = answer
        try:
            return await self.play(answer, reader, writer, call)
        finally:
            call["ended"], call["at"] = time.monotonic(), time.time()

    async def play(self, answer, reader, writer, call):
        await asyncio.sleep(answer.get("delay", 0))
        # The client has closed the connection while we slept: it gave up on this call.
        call["gave_up"] = reader.at_eof()
        if answer.get("fault") == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        if answer.get("fault") == "close":
            return False
        body = answer["raw"].encode() if "raw" in answer else json.dumps(answer.get("body", {})).encode()
        headers = {"content-type": "application/json", **answer.get("headers", {})}
        headers = {name: value.replace("PORT", str(self.port)) for name, value in headers.items()}
        if answer.get("gzip"):
            body, headers["content-encoding"] = gzip.compress(body), "gzip"
        if "retry_date_in" in answer:
            headers["retry-after"] = formatdate(time.time() + answer["retry_date_in"], usegmt=True)
        call["answer"] = {**answer, "headers": headers, **({"base64": base64.b64encode(body).decode()} if answer.get("gzip") else {})}
        head = f"HTTP/1.1 {answer['status']} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode())
        if answer.get("fault") in ("cut", "reset_in_body"):
            writer.write(body[: len(body) // 2])
            await writer.drain()
            if answer["fault"] == "cut":
                return False
            await asyncio.sleep(0.2)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        if "drip" in answer:
            for index in range(0, len(body), 20):
                await asyncio.sleep(answer["drip"])
                writer.write(body[index:index + 20])
                await writer.drain()
        else:
            await asyncio.sleep(answer.get("body_delay", 0))
            call["gave_up"] |= reader.at_eof()
            writer.write(body)
        await writer.drain()
        return answer.get("keep", True)


def deployment(group, key, port, model="mistral/mistral-ocr-latest", model_info=None, **params):
    return {"model_name": group, "litellm_params": {"model": model, "api_base": f"http://127.0.0.1:{port}/v1", "api_key": key, **params},
            "model_info": {"id": key, **(model_info or {})}}


def ask(base, step):
    body = {"model": step["group"], "document": DOCUMENT, **step.get("body", {})}
    headers = {"x-litellm-call-id": "call", "content-type": "application/json", "authorization": "Bearer sk-1234", **step.get("headers", {})}
    request = urllib.request.Request(f"{base}/v1/ocr{step.get('query', '')}", json.dumps(body).encode(), headers, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=180) as answer:
            return answer.status, answer.getheaders(), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.items(), error.read().decode()


DROPPED = ("date", "connection")
VARYING = ("x-litellm-response-duration-ms", "x-litellm-overhead-duration-ms", "x-litellm-callback-duration-ms")


def seen_headers(headers):
    """Names in order; timings as a star, what belongs to the moment or the connection left out."""
    named = [(name.lower(), value) for name, value in headers]
    return [[name, "*" if name in VARYING else value] for name, value in named if name not in DROPPED]


async def run_step(provider, base, step):
    provider.script, provider.calls = step["script"], []
    await asyncio.sleep(step.get("pause", 0))
    started = time.monotonic()
    status, headers, body = await asyncio.to_thread(ask, base, step)
    ended = time.monotonic()
    while any("ended" not in call for call in provider.calls):
        await asyncio.sleep(0.05)
    starts = [started] + [call["started"] for call in provider.calls]
    calls = [{"deployment": call["key"], "gap": round(call["started"] - before, 3), "connection": call["connection"], "line": call["line"],
              "headers": call["names"], "bytes": call["bytes"], "answer": call["answer"], "gave_up": call.get("gave_up", False),
              "elapsed": round(call["ended"] - call["started"], 3), "at": round(call["at"], 3)} for before, call in zip(starts, provider.calls)]
    return {**step, "calls": calls, "tail": round(ended - starts[-1], 3),
            "response": {"status": status, "headers": seen_headers(headers), "body": body}}


async def run_proxy(cases, settings, port, out, index):
    """Starts one LiteLLM for all cases that share settings; each case has groups of its own, so no state is shared."""
    provider = Provider()
    await provider.serve(port)
    config = {"model_list": [entry for case in cases for entry in case["model_list"]],
              "general_settings": {"master_key": "sk-1234"}, **settings}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.yaml")
        path.write_text(json.dumps(config))
        environment = dict(os.environ, LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_RUST="false", LITELLM_MODE="PRODUCTION")
        with open(Path(os.environ.get("ORACLE_LOG", os.devnull)), "a") as log:
            proxy = subprocess.Popen([os.environ["LITELLM_BIN"], "--config", str(path), "--host", "127.0.0.1", "--port", str(port + 1), "--telemetry", "False"],
                                     env=environment, stdout=log, stderr=log, cwd=folder)
        base = f"http://127.0.0.1:{port + 1}"
        try:
            await until_alive(base)
            provider.script = [OK]
            for case in cases:
                steps = [await run_step(provider, base, step) for step in case["steps"]]
                record = {"name": case["name"], "settings": settings, "model_list": case["model_list"], "dead": case["dead"], "steps": steps}
                Path(out, case["name"] + ".json").write_text(json.dumps(record, indent=1) + "\n")
                print(case["name"], [(s["response"]["status"], [(c["deployment"], c["gap"], c["gave_up"]) for c in s["calls"]], s["tail"]) for s in steps], flush=True)
        finally:
            proxy.send_signal(signal.SIGTERM)
            proxy.wait()
            provider.server.close()


async def until_alive(base):
    for _ in range(600):
        try:
            await asyncio.to_thread(urllib.request.urlopen, base + "/health/liveliness", None, 2)
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            await asyncio.sleep(0.2)
    sys.exit("LiteLLM did not start")


def case(name, script, deployments=1, body=None, headers=None, params=None, model_info=None, steps=None, group=None, dead=False):
    """One conversation over `deployments` deployments in a group named after the case."""
    group = group or name
    params = params or {}
    per = params if isinstance(params, list) else [params] * deployments
    infos = model_info if isinstance(model_info, list) else [model_info] * deployments
    models = lambda port: [deployment(name, f"{name}-{n}", port + (9 if dead else 0), model_info=infos[n], **per[n]) for n in range(deployments)]
    steps = steps or [{"script": script, "body": body or {}, "headers": headers or {}}]
    return {"name": name, "models": models, "dead": dead, "steps": [{"group": group, **step} for step in steps]}


def scripted_cases():
    """(settings, cases) pairs."""
    five, two_hundred = failing(500), OK
    plain = [
        case("ok", [OK]),
        case("r500_500_200", [five, five, OK]),
        case("r500_always", [five]),
        case("r503_200", [failing(503), OK]),
        case("r429_retry_after_1", [failing(429, retry_after="1"), OK]),
        case("r429_retry_after_date", [{**failing(429), "retry_date_in": 3}, OK]),
        case("r429_retry_after_0", [failing(429, retry_after="0"), OK]),
        case("r429_retry_after_61", [failing(429, retry_after="61"), OK]),
        case("r429_retry_after_bad", [failing(429, retry_after="soon"), OK]),
        case("r429_retry_after_float", [failing(429, retry_after="1.5"), OK]),
        case("r429_always", [failing(429)]),
        case("r500_retry_after_2", [failing(500, retry_after="2"), OK]),
        case("r400", [failing(400)]), case("r401", [failing(401)]), case("r403", [failing(403)]), case("r404", [failing(404)]),
        case("r408_200", [failing(408), OK]), case("r409_200", [failing(409), OK]), case("r413", [failing(413)]), case("r422", [failing(422)]),
        case("r502_504_200", [failing(502), failing(504), OK]), case("r529_200", [failing(529), OK]), case("r418", [failing(418)]),
        case("html_200", [{"status": 200, "raw": "<html>", "headers": {"content-type": "text/html"}}]),
        case("r500_then_401", [five, failing(401)]), case("r500_then_400", [five, failing(400)]), case("r429_then_404", [failing(429), failing(404)]),
        case("reset_200", [{"fault": "reset"}, OK]), case("close_200", [{"fault": "close"}, OK]), case("cut_200", [{**OK, "fault": "cut"}, OK]),
        case("reset_always", [{"fault": "reset"}]), case("cut_always", [{**OK, "fault": "cut"}]),
        case("refused", [OK], dead=True),
        case("timeout_deployment", [{**OK, "delay": 4}], params={"timeout": 0.5}),
        case("timeout_deployment_integer", [{**OK, "delay": 4}], params={"timeout": 1}, body={"num_retries": 0}),
        case("timeout_then_ok", [{**OK, "delay": 4}, OK], params={"timeout": 0.5}),
        case("timeout_body", [{**OK, "delay": 4}, OK], body={"timeout": 0.5}),
        case("timeout_header", [{**OK, "delay": 4}, OK], headers={"x-litellm-timeout": "0.5"}),
        case("timeout_request_over_deployment", [{**OK, "delay": 1.0}], body={"timeout": 3}, params={"timeout": 0.5}),
        case("timeout_slow_body", [{**OK, "body_delay": 4}, OK], params={"timeout": 0.5}),
        case("timeout_drip", [{**OK, "drip": 0.15}], params={"timeout": 0.5}),
        case("retries_body_0", [five], body={"num_retries": 0}), case("retries_body_1", [five], body={"num_retries": 1}),
        case("retries_body_4", [five, five, five, five, OK], body={"num_retries": 4}),
        case("retries_header_1", [five], headers={"x-litellm-num-retries": "1"}),
        case("retries_header_0_body_1", [five], headers={"x-litellm-num-retries": "0"}, body={"num_retries": 1}),
        case("retries_deployment_1", [five], params={"num_retries": 1}), case("retries_deployment_0", [five], params={"num_retries": 0}),
        case("retries_deployment_3", [five, five, five, OK], params={"num_retries": 3}),
        case("retries_deployment_1_body_0", [five], params={"num_retries": 1}, body={"num_retries": 0}),
        case("retries_deployment_text", [five], params={"num_retries": "1"}), case("timeout_deployment_text", [{**OK, "delay": 4}, OK], params={"timeout": "0.5"}),
        case("timeout_request_timeout", [{**OK, "delay": 4}, OK], params={"request_timeout": 0.5}),
        case("retries_max_retries_0", [five], params={"max_retries": 0}),
        case("by_model_id", [OK], steps=[{"group": "by_model_id-0", "script": [five, OK]}]),
        case("by_model_id_401", [OK], deployments=2, steps=[{"group": "by_model_id_401-0", "script": [failing(401), OK]}]),
        case("redirect_307", [{"status": 307, "headers": {"location": "/v1/elsewhere"}, "body": {}}, OK]),
        case("redirect_302", [{"status": 302, "headers": {"location": "/v1/elsewhere"}, "body": {}}, OK]),
        case("status_304", [{"status": 304, "raw": ""}]), case("status_201", [{**OK, "status": 201}]), case("status_204", [{"status": 204, "raw": ""}]),
        case("resend_then_500", [{"fault": "reset"}, five], body={"num_retries": 0}),
        case("resend_then_429", [{"fault": "reset"}, failing(429, retry_after="2"), OK], body={"num_retries": 1}),
        case("resend_then_400", [{"fault": "reset"}, failing(400)]), case("resend_then_401", [{"fault": "reset"}, failing(401)]),
        case("resend_then_close", [{"fault": "reset"}, {"fault": "close"}], body={"num_retries": 0}),
        case("resend_then_cut", [{"fault": "reset"}, {**OK, "fault": "cut"}], body={"num_retries": 0}),
        case("resend_then_timeout", [{"fault": "reset"}, {**OK, "delay": 4}], body={"num_retries": 0}, params={"timeout": 0.5}),
        case("resend_then_html", [{"fault": "reset"}, {"status": 200, "raw": "<html>"}], body={"num_retries": 0}),
        case("resend_then_redirect", [{"fault": "reset"}, {"status": 307, "headers": {"location": "/v1/elsewhere"}, "body": {}}, OK]),
        case("redirect_then_reset", [{"status": 307, "headers": {"location": "/v1/elsewhere"}, "body": {}}, {"fault": "reset"}, OK]),
        case("reset_in_body", [{**OK, "fault": "reset_in_body"}, OK]), case("reset_in_body_always", [{**OK, "fault": "reset_in_body"}], body={"num_retries": 1}),
        case("redirect_301", [{"status": 301, "headers": {"location": "/v1/elsewhere"}, "body": {}}, OK]),
        case("redirect_303", [{"status": 303, "headers": {"location": "elsewhere?a=1"}, "body": {}}, OK]),
        case("redirect_308", [{"status": 308, "headers": {"location": "http://localhost:PORT/v1/elsewhere"}, "body": {}}, OK]),
        case("redirect_loop", [{"status": 307, "headers": {"location": "/v1/ocr"}, "body": {}}], body={"num_retries": 0}),
        case("redirect_nowhere", [{"status": 307, "body": {}}], body={"num_retries": 1}),
        case("redirect_elsewhere_scheme", [{"status": 307, "headers": {"location": "ftp://localhost/x"}, "body": {}}], body={"num_retries": 0}),
        case("redirect_then_500", [{"status": 307, "headers": {"location": "/v1/elsewhere"}, "body": {}}, five], body={"num_retries": 0}),
        case("status_300", [{"status": 300, "body": {}}]), case("status_999", [{"status": 999, "body": {}}], body={"num_retries": 0}), case("status_206", [{**OK, "status": 206}]),
        case("refusal_document_type", [OK], body={"document": {"type": "elsewhere"}}), case("refusal_native_format", [OK], headers={"x-req-format": "native"}),
        case("refusal_two", [OK], deployments=2, body={"document": {"type": "elsewhere"}}),
        case("alias_500", [five, OK], group="alias_of_500"),
        case("gzip", [{**OK, "gzip": True}]), case("gzip_500", [{**five, "gzip": True}, OK]),
        case("closed_idle", [OK], steps=[{"script": [{**OK, "keep": False}]}, {"script": [OK]}, {"script": [OK]}]),
        case("closed_then_reset_reused", [OK], steps=[{"script": [OK]}, {"script": [{"fault": "close"}, OK]}]),
        case("two_500", [five], deployments=2), case("two_500_200", [five, OK], deployments=2),
        case("two_429_200", [failing(429, retry_after="2"), OK], deployments=2), case("two_429", [failing(429)], deployments=2,
             steps=[{"script": [failing(429)]}, {"script": [OK]}, {"script": [OK], "pause": 5.2}]),
        case("two_401", [failing(401)], deployments=2), case("two_401_200", [failing(401), OK], deployments=2),
        case("two_403_200", [failing(403), OK], deployments=2), case("two_404_200", [failing(404), OK], deployments=2), case("two_400_200", [failing(400), OK], deployments=2),
        case("three_401", [failing(401)], deployments=3), case("three_401_401_200", [failing(401), failing(401), OK], deployments=3),
        case("two_timeout", [{**OK, "delay": 4}], deployments=2, params={"timeout": 0.4}),
        case("two_refused", [OK], deployments=2, dead=True),
        case("two_408_many", [failing(408)], deployments=2, steps=[{"script": [failing(408)]} for _ in range(4)]),
        case("two_500_many", [five], deployments=2, steps=[{"script": [five]} for _ in range(6)]),
        case("one_500_many", [five], steps=[{"script": [five], "body": {"num_retries": 0}} for _ in range(8)] + [{"script": [OK]}]),
        case("one_401_many", [failing(401)], steps=[{"script": [failing(401)]}, {"script": [OK]}]),
        case("one_404_many", [failing(404)], steps=[{"script": [failing(404)]}, {"script": [OK]}]),
        case("one_429_many", [failing(429)], steps=[{"script": [failing(429)], "body": {"num_retries": 0}} for _ in range(3)] + [{"script": [OK]}]),
        case("two_404_cools", [failing(404)], deployments=2, steps=[{"script": [failing(404)]}, {"script": [OK]}, {"script": [OK]}, {"script": [OK]}]),
        case("one_cooldown_time", [failing(401)], params={"cooldown_time": 1.5}, steps=[{"script": [failing(401)]}, {"script": [OK]}, {"script": [OK], "pause": 2.0}]),
        case("two_429_retry_after_cools", [OK], deployments=2, steps=[{"script": [failing(429, retry_after="2")], "body": {"num_retries": 1}}, {"script": [OK]}, {"script": [OK], "pause": 2.5}]),
        case("two_success_then_500", [five], deployments=2, steps=[{"script": [OK]} for _ in range(6)] + [{"script": [five]} for _ in range(4)]),
        case("weights", [OK], deployments=2, params=[{"weight": 0}, {"weight": 5}], steps=[{"script": [OK]} for _ in range(4)]),
    ]
    return [({"router_settings": {"model_group_alias": {"alias_of_500": "alias_500"}}}, plain),
            ({"router_settings": {"num_retries": 1, "retry_after": 3, "timeout": 0.7, "cooldown_time": 2}},
             [case("router_retry_after_3", [five, OK]), case("router_timeout", [{**OK, "delay": 4}]), case("router_timeout_deployment", [{**OK, "delay": 1.2}], params={"timeout": 2}),
              case("router_cooldown_time", [failing(401)], steps=[{"script": [failing(401)]}, {"script": [OK]}, {"script": [OK], "pause": 2.3}]),
              case("router_retries_deployment_2", [five], params={"num_retries": 2})]),
            ({"litellm_settings": {"num_retries": 1, "request_timeout": 0.6}},
             [case("settings_retries", [five]), case("settings_timeout", [{**OK, "delay": 1.0}]), case("settings_timeout_deployment", [{**OK, "delay": 1.0}], params={"timeout": 2})]),
            ({"litellm_settings": {"num_retries": 3, "request_timeout": 0.5}, "router_settings": {"num_retries": 1, "timeout": 1.2}},
             [case("both_retries", [five]), case("both_timeout", [{**OK, "delay": 4}])]),
            ({"router_settings": {"allowed_fails": 1, "num_retries": 0}},
             [case("allowed_fails_1", [five], steps=[{"script": [five]} for _ in range(4)]), case("allowed_fails_1_two", [five], deployments=2, steps=[{"script": [five]} for _ in range(6)]),
              case("allowed_fails_1_401", [five], steps=[{"script": [failing(401)]} for _ in range(4)]), case("allowed_fails_1_400", [five], steps=[{"script": [failing(400)]} for _ in range(4)])]),
            ({"router_settings": {"allowed_fails": 0, "num_retries": 0}}, [case("allowed_fails_0", [five], steps=[{"script": [five]}, {"script": [OK]}])]),
            ({"router_settings": {"disable_cooldowns": True}}, [case("cooldowns_disabled", [failing(401)], deployments=2, steps=[{"script": [failing(429)]}, {"script": [OK]}])]),
            ({"router_settings": {"num_retries": 0}}, [case("router_retries_0", [five]), case("router_retries_0_two", [failing(429)], deployments=2)]),
            ]


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--only", nargs="*", default=[""])
    parser.add_argument("--out", default=str(Path(__file__).parent.parent / "corpus" / "ocr_retries"))
    arguments = parser.parse_args()
    Path(arguments.out).mkdir(parents=True, exist_ok=True)
    for index, (settings, cases) in enumerate(scripted_cases()):
        chosen = [{**c, "model_list": c["models"](arguments.port)} for c in cases if any(part in c["name"] for part in arguments.only)]
        if chosen:
            await run_proxy(chosen, settings, arguments.port, arguments.out, index)


asyncio.run(main())
