"""A scripted provider for `/v1/messages`: whole answers, and streams in pieces that end well or don't.

The rest (the proxy, the raw client) is `ocr_oracle`'s.
"""

import asyncio
import socket
import struct

from ocr_oracle import Provider, ask


class StreamingProvider(Provider):
    """Also answers with {"pieces": [str], "end": "clean" | "close" | "reset" | "hang"}: one chunk of a chunked body a piece,
    each sent on its own."""

    PAUSE = 0.02

    async def send(self, answer, writer):
        if "pieces" not in answer:
            return await super().send(answer, writer)
        writer.write(f"HTTP/1.1 {answer['status']} Any\r\n".encode())
        for name, value in answer["headers"]:
            writer.write(f"{name}: {value}\r\n".encode("latin-1"))
        writer.write(b"transfer-encoding: chunked\r\n\r\n")
        await writer.drain()
        for piece in answer["pieces"]:
            await asyncio.sleep(self.PAUSE)
            body = piece.encode()
            writer.write(b"%x\r\n%s\r\n" % (len(body), body))
            await writer.drain()
        return await self.finish(answer.get("end", "clean"), writer)

    async def finish(self, end, writer):
        await asyncio.sleep(self.PAUSE)
        if end == "clean":
            writer.write(b"0\r\n\r\n")
            await writer.drain()
            return True
        if end == "hang":
            await asyncio.sleep(3)
        if end == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        return False


async def ask_stream(port, client, timeout=60):
    """`ask`, with the chunks of a chunked answer put together."""
    answer = await ask(port, client, timeout)
    if any(name.lower() == "transfer-encoding" for name, _ in answer["headers"]):
        answer["body"] = unchunked(answer["body"].encode()).decode()
    return answer


def unchunked(raw):
    body = b""
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        size = int(size, 16)
        if size == 0:
            break
        body, raw = body + raw[:size], raw[size + 2 :]
    return body
