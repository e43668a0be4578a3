"""OCR, native against Python: the same provider requests, as many of them, and the same answer to the client.

All cases run before the first assertion, sixteen at a time, each on LiteLLM directly and then on the gateway: the
back-offs of retries overlap that way and the whole matrix takes a minute or two.
"""
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import DIRECT
from harness.compare import answer_differences, assert_same, provider_differences
from harness.crossfade import SERVED_BY
from harness.http import JSON_TYPE, MASTER_KEY, ask, bearer
from ocr_cases import all_cases

SIDE_BY_SIDE = 16
IDS = [case.id for case in all_cases("http://127.0.0.1:1/v1")]


def run(case, url: str, mock):
    """One leg: the client's answer and what the provider saw of it."""
    mock.script(case.id, *case.answers)
    names = {name.lower() for name, _ in case.headers}
    headers = bearer(MASTER_KEY if case.key == "master" else case.key) + case.headers
    if "content-type" not in names:
        headers.append(JSON_TYPE)
    answer = ask(url, case.method, case.path, headers, case.payload() if case.method == "POST" else None)
    return answer, mock.seen(case.id)


@pytest.fixture(scope="module")
def results(python, native, mock, ocr_cases):
    def both(case):
        return run(case, python.url, mock), run(case, native, mock)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        # The first request of each kind loads LiteLLM's modules; nobody should time out on that.
        both(ocr_cases[0])
        return dict(zip((case.id for case in ocr_cases), pool.map(both, ocr_cases)))


@pytest.mark.parametrize("identity", IDS)
def test_parity(identity, results, ocr_cases):
    case = next(case for case in ocr_cases if case.id == identity)
    (control, control_seen), (candidate, candidate_seen) = results[identity]
    found = provider_differences(control_seen, candidate_seen) + answer_differences(control, candidate)
    assert_same(found, f"{identity} (served by {candidate.header(SERVED_BY)})")
    if not DIRECT:
        assert candidate.header(SERVED_BY) in ("native", "python"), f"no {SERVED_BY} in {candidate.headers}"
        if case.native == "must":
            assert candidate.header(SERVED_BY) == "native", f"{identity} was left to Python although the native leg has to cover it"


def test_there_are_enough_cases():
    assert len(IDS) >= 80
