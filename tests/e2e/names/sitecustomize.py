"""Put on the path of a LiteLLM under test: leads the names in CROSSFADE_FAULT_NAMES elsewhere, as Crossfade's test builds do.

LiteLLM asks Anthropic to count tokens at an address that no setting moves.
"""
import os
import socket

LED = dict(pair.split("=") for pair in os.environ.get("CROSSFADE_FAULT_NAMES", "").split(",") if pair)

if LED:
    from aiohttp.connector import TCPConnector

    by_name = TCPConnector._resolve_host

    async def resolve(self, host, port, traces=None):
        if host not in LED:
            return await by_name(self, host, port, traces)
        address, port = LED[host].split(":")
        return [{"hostname": host, "host": address, "port": int(port), "family": socket.AF_INET, "proto": 0, "flags": 0}]

    TCPConnector._resolve_host = resolve
