"""Sees once what a real LiteLLM sends to its provider and answers to its client, so that `fast-control` can do the same at once."""
import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import configuration
from .targets import BEARER, Bench, ask


def recorder(provider: str):
    """A relay to the provider that keeps the last request."""
    seen: dict = {}

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            seen.update(path=self.path, headers=[[name.lower(), value] for name, value in self.headers.items()], body=body.decode())
            host, port = provider.split(":")
            connection = http.client.HTTPConnection(host, int(port), timeout=30)
            connection.request("POST", self.path, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            data = answer.read()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, seen


def record(bench: Bench, requests: dict[str, bytes]) -> dict:
    """`relayed` of `configuration.recording`, from a LiteLLM that is started for this; `requests` are client bodies by group."""
    server, seen = recorder(bench.provider)
    address = f"127.0.0.1:{server.server_address[1]}"
    usual, bench.config = bench.config, bench.folder / "config-recorded.yaml"
    bench.config.write_text(configuration.litellm(bench.groups, address))
    relayed = {}
    target = bench.start("litellm")
    try:
        for group, body in requests.items():
            for _ in range(3):  # the first answer of a LiteLLM may differ: its price headers come with the second
                status, headers, answer = ask(target.address, configuration.path(group), body, BEARER, 120)
            if status != 200:
                raise RuntimeError(f"LiteLLM answered {group} with {status}: {answer[:500]!r}")
            as_through_tap = json.loads(json.dumps(dict(seen)).replace(address, bench.provider))
            relayed[f"POST {configuration.path(group)}"] = {
                "path": f"/d/id-{group}{as_through_tap['path']}",
                "provider": {"headers": as_through_tap["headers"], "body": as_through_tap["body"]},
                "answer": {"status": status, "headers": [[name, value.replace(address, bench.provider)] for name, value in headers.items()], "body": answer.decode()},
            }
    finally:
        target.stop()
        bench.config = usual
        server.shutdown()
    return relayed
