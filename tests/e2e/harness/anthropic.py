"""Anthropic's own address, played: TLS under an authority of the tests, and the mock provider behind it.

A deployment with the key `sk-of-NAME` is answered by the mock's case NAME. Who is to meet this in place of Anthropic needs
`environment`: LiteLLM through `names/sitecustomize.py`, Crossfade in a build with the feature `fault-injection`.
"""
import socket
import ssl
import struct
import subprocess
import threading
from pathlib import Path

from .http import address
from .mock import Mock
from .processes import free_port

HOST = "api.anthropic.com"
NAMES = Path(__file__).resolve().parents[1] / "names"
SILENCE_MAX = 30


def certificates(folder: Path) -> tuple[Path, Path, Path]:
    """A chain for the host, its key, and the authority to trust."""
    authority, key, request, chain = (folder / name for name in ("authority.pem", "provider.key", "provider.csr", "provider.pem"))
    extensions = folder / "provider.ext"
    extensions.write_text(f"subjectAltName=DNS:{HOST}\nbasicConstraints=CA:FALSE\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for command in (
        ["req", "-x509", *new_key, "-days", "30", "-subj", "/CN=authority of the tests", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
         "-keyout", folder / "authority.key", "-out", authority],
        ["req", *new_key, "-subj", "/CN=provider", "-keyout", key, "-out", request],
        ["x509", "-req", "-in", request, "-CA", authority, "-CAkey", folder / "authority.key", "-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", chain],
    ):
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    return chain, key, authority


class Anthropic:
    """Listens from the start on; `stop` and `start` make it refuse connections, and take them again."""

    def __init__(self, folder: Path, mock: Mock):
        folder.mkdir(parents=True, exist_ok=True)
        chain, key, authority = certificates(folder)
        self.mock, self.port, self.listener = mock, free_port(), None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, key)
        self.environment = {"CROSSFADE_FAULT_NAMES": f"{HOST}=127.0.0.1:{self.port}", "SSL_CERT_FILE": str(authority), "PYTHONPATH": str(NAMES)}
        self.start()

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        # Closing alone does not wake the thread that accepts.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self, listener: socket.socket):
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket):
        """One request a connection."""
        plain.settimeout(SILENCE_MAX)
        try:
            with self.context.wrap_socket(plain, server_side=True) as client, socket.create_connection(address(self.mock.url), SILENCE_MAX) as mock:
                mock.sendall(for_mock(client.makefile("rb")))
                try:
                    while portion := mock.recv(65536):
                        client.sendall(portion)
                except ConnectionResetError:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                client.unwrap()
        except OSError:
            pass  # the client has left, or met another authority


def for_mock(reader) -> bytes:
    """A request, led to its case at the mock and told to be the only one of its connection."""
    method, path, version = reader.readline().decode().split()
    headers = [line.decode("latin-1").rstrip("\r\n") for line in iter(reader.readline, b"\r\n")]
    found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in headers)}
    kept = [line for line in headers if not line.lower().startswith("connection:")]
    case = found.get("x-api-key", "").removeprefix("sk-of-")
    head = "\r\n".join([f"{method} /s/{case}{path} {version}", *kept, "connection: close", "", ""])
    return head.encode("latin-1") + reader.read(int(found.get("content-length", 0)))
