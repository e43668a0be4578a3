"""Python down, slow or coming back: the client gets a clear answer in LiteLLM's shape, readiness says so, nothing needs a restart."""
import json
import signal
import socket
import threading
import time

import pytest

from harness.crossfade import Crossfade, command_line
from harness.http import JSON_TYPE, ask, bearer
from harness.mock import Mock
from harness.processes import free_port, until

pytestmark = pytest.mark.crossfade
CHAT = json.dumps({"model": "chat", "messages": [{"role": "user", "content": "x"}]}).encode()


def chat(url: str):
    return ask(url, "POST", "/v1/chat/completions", [*bearer(), JSON_TYPE], CHAT, timeout=30)


def assert_litellm_error(answer, statuses: tuple[int, ...]):
    """LiteLLM's envelope: message, type, param and code, the code being the status as text."""
    assert answer.status in statuses, f"{answer.status}: {answer.text()[:300]}"
    assert (answer.header("content-type") or "").startswith("application/json"), answer.headers
    error = json.loads(answer.body)["error"]
    assert set(error) >= {"message", "type", "param", "code"}, error
    assert str(error["code"]) == str(answer.status) and error["message"], error


def test_python_down_then_up(work, tmp_path):
    port = free_port()
    running = Crossfade(work / "down", f"http://127.0.0.1:{port}").start()
    try:
        assert_litellm_error(chat(running.url), (502, 503))
        assert ask(running.admin, "GET", "/health/live").status == 200, "it lives although Python does not"
        until(lambda: ask(running.admin, "GET", "/health/ready").status == 503, 10, "readiness to say 503")
        until(lambda: running.metric("crossfade_upstream_up") == 0, 10, "crossfade_upstream_up 0")
        back = Mock(tmp_path, port=port)
        try:
            until(lambda: chat(running.url).status == 200, 20, "recovery without a restart")
        finally:
            back.process.stop()
        until(lambda: chat(running.url).status in (502, 503), 20, "the error after Python went away again")
    finally:
        running.stop()


def test_readiness_follows_litellm(work, fleet):
    """The real thing, stopped in its tracks and woken again."""
    open_ = fleet.open.ready()
    running = Crossfade(work / "paused", open_.url, open_.config).start().ready()
    try:
        open_.process.pause()
        until(lambda: ask(running.admin, "GET", "/health/ready").status == 503, 30, "readiness 503 while LiteLLM hangs")
        open_.process.resume()
        until(lambda: ask(running.admin, "GET", "/health/ready").status == 200, 60, "readiness 200 after it goes on")
    finally:
        open_.process.resume()
        running.stop()


def test_python_slow(work, mock):
    running = Crossfade(work / "slow", mock.url, arguments=["--upstream-timeout", "1s"]).start()
    try:
        mock.script("slow", {"gate": "never"})
        answer = ask(running.url, "POST", "/v1/chat/completions", [*bearer(), JSON_TYPE, ("x-mock-case", "slow")], CHAT, timeout=30)
        assert_litellm_error(answer, (504,))
        assert mock.seen("slow", ended=1)[0]["progress"] == "aborted", "the request given up here still runs there"
        assert len(mock.seen("slow")) == 1, "a POST was sent twice"
    finally:
        running.stop()


def test_upstream_that_answers_nonsense(work, tmp_path):
    """A peer that is no HTTP server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def babble():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(65536)
                    peer.sendall(b"SSH-2.0-nonsense\r\n")

        threading.Thread(target=babble, daemon=True).start()
        running = Crossfade(work / "nonsense", f"http://127.0.0.1:{listener.getsockname()[1]}").start()
        try:
            assert_litellm_error(chat(running.url), (502, 503))
        finally:
            running.stop()


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_sent_post_is_never_sent_again(front, mock, case, ending):
    mock.script(case, {ending: True}, {"text": "second"})
    answer = ask(front.url, "POST", "/v1/chat/completions", [("x-mock-case", case), JSON_TYPE], CHAT, timeout=30)
    assert_litellm_error(answer, (502, 503))
    assert len(mock.seen(case)) == 1


def test_a_connection_python_has_closed_is_not_used(work, tmp_path):
    """Python closes idle connections after five seconds; a restart closes them all at once. The next POST must not fall into that hole."""
    port = free_port()
    first = Mock(tmp_path, port=port)
    running = Crossfade(work / "restart", first.url).start()
    try:
        assert chat(running.url).status == 200
        first.process.stop()
        second = Mock(tmp_path, port=port)
        try:
            answer = chat(running.url)
            assert answer.status == 200, f"{answer.status}: a stale connection was used: {answer.text()[:200]}"
        finally:
            second.process.stop()
    finally:
        running.stop()


def test_a_pause_of_python_costs_no_request(work, fleet):
    """A held-up LiteLLM closes what has idled for five seconds before it reads what has come in: no request may wait there."""
    running = Crossfade(work / "held-up", fleet.open.ready().url, fleet.open.config).start().ready()
    body = json.dumps({"model": "nobody", "messages": []}).encode()

    def post():
        return ask(running.url, "POST", "/v1/chat/completions", [*bearer(), JSON_TYPE], body, timeout=30)

    try:
        expected = post().status
        closes = time.monotonic() + 5
        until(lambda: time.monotonic() > closes - 3.5, 5, "an idle connection")
        fleet.open.process.pause()
        answers = []
        asking = threading.Thread(target=lambda: answers.append(post()))
        asking.start()
        until(lambda: time.monotonic() > closes + 0.5, 10, "the end of its time")
        fleet.open.process.resume()
        asking.join(30)
        assert [answer.status for answer in answers] == [expected], answers[0].text()[:300]
    finally:
        fleet.open.process.resume()
        running.stop()


def test_start_up_is_quick_and_small(work, mock):
    """Under 200 ms to the first answer and 30 MiB idle are the released binary's promise; the unoptimised one gets some slack."""
    running = Crossfade(work / "quick", mock.url)
    begun = time.monotonic()
    running.start()
    try:
        until(lambda: ask(running.url, "GET", "/v1/models").status == 200, 5, "the first answer")
        assert time.monotonic() - begun < 2
        assert running.process.resident_bytes() < 48 << 20, f"{running.process.resident_bytes() >> 20} MiB idle"
    finally:
        running.stop()


def test_sigterm_ends_it_every_time(work, mock):
    """A listener that outlives its runtime spins and fills the log: with several starts the race shows."""
    for number in range(8):
        running = Crossfade(work / f"ended-{number}", mock.url).start()
        ask(running.url, "GET", "/v1/models")
        running.process.signal(signal.SIGTERM)
        try:
            until(lambda: not running.process.alive(), 6, f"the end of start {number} after SIGTERM with a drain time-out of 1 s")
            assert running.process.log.stat().st_size < 1 << 20, f"the log grew to {running.process.log.stat().st_size >> 20} MiB while it ended"
        finally:
            running.process.kill()


def test_sigterm_lets_requests_finish(work, mock):
    running = Crossfade(work / "drained", mock.url, arguments=["--drain-timeout", "20s"]).start()
    try:
        mock.script("drained", {"gate": "answer", "text": "whole"})
        answers = []
        asking = threading.Thread(target=lambda: answers.append(ask(running.url, "POST", "/v1/chat/completions", [("x-mock-case", "drained")], CHAT)))
        asking.start()
        mock.seen("drained", at_least=1)
        running.process.signal(signal.SIGTERM)
        until(lambda: ask(running.admin, "GET", "/health/ready").status == 503, 10, "readiness 503 while draining")
        mock.open_gate("drained", "answer")
        asking.join(20)
        assert [answer.text() for answer in answers] == ["whole"]
        assert answers[0].header("connection") == "close", "the next request on this connection would meet a closed one"
        until(lambda: not running.process.alive(), 10, "the end once the last request is answered")
    finally:
        running.process.kill()


def test_a_drain_with_a_delay_goes_on_answering(work, mock):
    """Balancers get the time to see readiness fail, and each answer ends its connection meanwhile."""
    running = Crossfade(work / "delayed", mock.url, arguments=["--drain-delay", "20s"]).start()
    try:
        running.process.signal(signal.SIGTERM)
        until(lambda: ask(running.admin, "GET", "/health/ready").status == 503, 10, "readiness 503 while draining")
        for _ in range(3):
            answer = ask(running.url, "GET", "/v1/models")
            assert (answer.status, answer.header("connection")) == (200, "close")
        running.process.signal(signal.SIGINT)
        until(lambda: not running.process.alive(), 5, "the end at the second signal")
    finally:
        running.process.kill()


def test_an_address_is_one_crossfades(work, mock):
    first = Crossfade(work / "first", mock.url, arguments=["--threads", "2"]).start()
    try:
        second = command_line("serve", "--upstream", mock.url, "--listen", f"127.0.0.1:{first.port}", "--admin", "127.0.0.1:0",
                              "--threads", "2", "--reports", str(work / "second"), timeout=20)
        assert second.returncode == 1 and f"127.0.0.1:{first.port}" in second.stderr, second.stderr
    finally:
        first.stop()
