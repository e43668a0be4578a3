"""Writes tests/corpus/redirects/locations.json: where LiteLLM's HTTP client goes for a `location`, asked of the real one.

usage: redirects.py > tests/corpus/redirects/locations.json      with the python of .cache/venv
Nothing is sent: the connection is where the request is caught.
"""
import asyncio
import json
import random
import sys

import aiohttp
import httpx
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

BASES = ["http://p.invalid:8000/v1/ocr", "https://p.invalid/v1/messages?beta=true", "http://p.invalid"]
WRITTEN = [
    "::::", "", "/", "x", "x/", "../y", "..", ".", "./", "../", "../../../../x", "#frag", "?q=1", "?", "#", "/a b", "//", "///x", "////x", "http://", "http:///x", "http:x", "http:",
    "https:", "HTTPS:", "ftp://h/x", "ftp:", "mailto:a", "//other.invalid/z", "//p.invalid:8000/z", "http://user:pw@p.invalid:8000/u", "https://user:pw@p.invalid/u", "http://u%40:p%3a@other.invalid/",
    "http://@other.invalid/", "http://:@other.invalid/", "http://:pw@other.invalid/", "http://a@b@other.invalid/", "HTTP://P.Invalid:8000/up", "http://h:99999/x", "http://h:65535/x", "http://h:0/", "http://h:-1/",
    "http://h:+80/", "http://h: 81 /", "http://h:8_0/", "http://h:abc/x", "http://h:/x", "http://h:80/x", "https://h:443/x", "http://h:443/x", "HTTP://h:80/", "http://h:080/", "http://h::80/", "http://999.1.1.1/", "http://127.0.0.01/", "http://1.2.3.4/",
    "http://1.2.3/", "http://[::1]/", "http://[::1]:8080/a", "http://[::1", "http://[::zz]/", "http://::1/", "http://[1.2.3.4]/", "http://[::1]x/", "http://[fe80::1%25eth0]/", "/%zz", "/a%20b%2F", "/%e4%", "/../../x", "/./a/../b", "/a/..", "/a/.", "/a\"<>b",
    "/a\tb", "/a\x7fb", "/a\x01b", "/?x y", "/?x#y z", "/?a=\"<>`{}|", "/#`\"<>", "http://p.invalid:8000", "http://p.invalid:8000?q", "http://p.invalid:8000#f", "http://p.invalid", ":x", ":", ":a:b", ":/x", "://x", "a:b", "/a:b", "x:y/z",
    "1a:b", "a+b:c", "./a:b", "/{a}`|\\^[]", "http://lo cal/", "http://a_b.invalid/", "http://a|b/", "http://%41/", "http://A.B/", "/a//b", "//a//b", "a//b", "//user@p.invalid:8000/q", "/x;p", "/x;", ";p", "x;p/y", "/x;p?q;r", "/x?", "/x#", "x?#", "?#", "/x??",
    "http://h/?", "http://h?", "http://h/a/../b?c=../d", "http://h\\@x/", "http:\\\\h\\x", "\\x", "http://h/\\..\\x", "/" + "y" * 3000, "http://h/" + "../" * 30, "http://a..b/", "http://.../", "http://-/", "http://h./", "ws://h/x", "wss://h/x", "@", "/@", "a@b", "//@",
]
ALPHABET = ["/", "/", "/", ".", "..", ":", "@", "?", "#", "[", "]", "%", "%41", "a", "b", "h", "1", "80", "http", "https", "http://", "//", ";", " ", "\\", "&", "=", "\"", "{", "|", "^", "~", "!", "$", "+", ",", "*", "(", "'"]
COUNT = 900


class Caught(Exception):
    """A request that would have gone out."""


async def caught(self, request, *arguments, **options):
    raise Caught(request.method, str(request.url), [[name.lower(), value] for name, value in request.headers.items()])


async def followed(client: httpx.AsyncClient, base: str, location: str) -> dict:
    request = client.build_request("POST", base, headers={"authorization": "Bearer k"}, content=b"{}")
    response = httpx.Response(307, headers=[("location", location)], request=request)
    try:
        redirected = client._build_redirect_request(request, response)
    except httpx.RemoteProtocolError as error:
        return {"refused": str(error)}
    except Exception as error:
        return {"failed": str(error)}
    try:
        await client._transport.handle_async_request(redirected)
    except Caught as sent:
        method, url, headers = sent.args
        return {"url": url, "headers": [[name, value] for name, value in headers if name == "authorization"]}
    except (httpx.RemoteProtocolError, httpx.ConnectError) as error:
        return {"refused": str(error)}
    except Exception as error:
        return {"failed": str(error)}


async def main():
    aiohttp.TCPConnector.connect = caught
    dice = random.Random(7)
    made = ["".join(dice.choices(ALPHABET, k=dice.randint(1, 9))) for _ in range(COUNT)]
    cases = []
    async with AsyncHTTPHandler().client as client:
        for location in [*WRITTEN, *made]:
            for base in BASES if location in WRITTEN else [dice.choice(BASES)]:
                case = {"base": base, "location": location, **await followed(client, base, location)}
                # Where a foreign scheme is told with its fragment, the words are yarl's own.
                if "#" not in case.get("failed", ""):
                    cases.append(case)
    sys.stdout.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


asyncio.run(main())
