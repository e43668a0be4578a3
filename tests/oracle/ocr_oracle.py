"""A real LiteLLM with a scripted provider on loopback: asks one OCR case and records both sides.

Nothing here knows what the right answer is; the control is LiteLLM itself, run with its own Rust off
(`LITELLM_RUST=false`). Both the provider and the client speak raw HTTP/1.1 so that header casing, order,
cut bodies and resets are exactly what a case says and what was seen.
"""

import asyncio
import base64
import json
import os
import subprocess
import tempfile

KEY = "sk-1234"


class Provider:
    """Answers each call with the next entry of `script` (the last one repeats) and records the request.

    Entry: {"status", "headers": [[name, value]], "body": str} or {"body_base64"} ; or {"failure": "close" | "reset" | "hang"} ;
    "cut": n sends only n bytes of the body; "delay": seconds before the answer.
    """

    def __init__(self):
        self.script, self.seen = [], []

    async def start(self, port):
        self.server = await asyncio.start_server(self.connection, "127.0.0.1", port, limit=1 << 27)

    async def connection(self, reader, writer):
        try:
            while await self.exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def exchange(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = [line.split(": ", 1) for line in head[1:] if line]
        length = int(dict((k.lower(), v) for k, v in headers).get("content-length", 0))
        body = await reader.readexactly(length)
        answer = self.script[min(len(self.seen), len(self.script) - 1)]
        self.seen.append({"method": method, "path": path, "headers": headers, **encoded(body)})
        await asyncio.sleep(answer.get("delay", 0))
        return await self.send(answer, writer)

    async def send(self, answer, writer):
        failure = answer.get("failure")
        if failure == "hang":
            await asyncio.sleep(30)
        if failure == "reset":
            import socket, struct
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        if failure:
            return False
        body = decoded(answer)
        headers = list(answer.get("headers", [["content-type", "application/json"]]))
        writer.write(f"HTTP/1.1 {answer['status']} {answer.get('reason', 'Any')}\r\n".encode())
        for name, value in headers + ([] if answer.get("chunked") else [["content-length", str(len(body))]]):
            writer.write(f"{name}: {value}\r\n".encode("latin-1"))
        writer.write(b"\r\n")
        cut = answer.get("cut")
        writer.write(body if cut is None else body[:cut])
        await writer.drain()
        return cut is None


def encoded(body):
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def decoded(part):
    if "body_base64" in part:
        return base64.b64decode(part["body_base64"])
    return part.get("body", "").encode()


class LiteLlm:
    """The proxy under LITELLM_BIN with one config, on a port of the caller's; `rust` is what LITELLM_RUST says."""

    def __init__(self, config, port, rust="false"):
        self.port = port
        self.folder = tempfile.mkdtemp(prefix="ocr-oracle-")
        path = f"{self.folder}/config.yaml"
        with open(path, "w") as file:
            json.dump(config, file)
        environment = dict(
            os.environ, LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_RUST=rust, LITELLM_MODE="PRODUCTION",
            PYTHONDONTWRITEBYTECODE="1", NO_DOCS="True")
        arguments = ["--config", path, "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        self.process = subprocess.Popen(
            [os.environ.get("LITELLM_BIN", "litellm"), *arguments], env=environment, cwd=self.folder,
            stdout=open(f"{self.folder}/log", "w"), stderr=subprocess.STDOUT)

    async def ready(self):
        for _ in range(600):
            try:
                answer = await ask(self.port, {"method": "GET", "path": "/health/liveliness", "headers": []})
                if answer["status"] == 200:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.2)
        raise SystemExit(f"litellm did not start, see {self.folder}/log")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


async def ask(port, client, timeout=60):
    """Sends one client request on its own connection; returns status, headers as sent, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 27)
    body = decoded(client)
    headers = [["host", f"127.0.0.1:{port}"], ["connection", "close"], *client["headers"], ["content-length", str(len(body))]]
    head = f"{client.get('method', 'POST')} {client['path']} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers)
    writer.write(head.encode("latin-1") + b"\r\n" + body)
    raw = await asyncio.wait_for(reader.read(-1), timeout)
    writer.close()
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    return {"status": int(lines[0].split(" ")[1]), "headers": [line.split(": ", 1) for line in lines[1:]], **encoded(body)}
