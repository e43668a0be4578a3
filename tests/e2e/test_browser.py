"""The dashboard in a real browser: board and sample page, light and dark, wide and narrow; no error in the console."""
import json
import os
import shutil
import uuid

import pytest

from chat_cases import TOOL
from harness.crossfade import ADMIN_TOKEN, Crossfade
from harness.http import JSON_TYPE, ask, bearer
from harness.processes import until

pytestmark = [pytest.mark.crossfade, pytest.mark.browser]
CONTENT = "route: ocr\nstage: shadow\nmirror: 1.0\nhold: true\ncontent: { ttl: 1h, max_bytes: 65536 }\n"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


CLAUDE, CHAT = {"model": "claude", "max_tokens": 9}, {"model": "chat"}
STREAMS = [
    ("/v1/messages", "", CLAUDE), ("/v1/messages", "messages_change_delta", CLAUDE), ("/v1/messages", "messages_drop_last_event", CLAUDE),
    ("/v1/chat/completions", "", CHAT), ("/v1/chat/completions", "", {**CHAT, "tools": [TOOL]}),
    ("/v1/chat/completions", "", {**CHAT, "model": "claude", "max_tokens": 9}), ("/v1/chat/completions", "chat_change_delta", CHAT),
]


@pytest.fixture(scope="module")
def board(tapped, fleet, work):
    """Lanes with matches and, thanks to injected faults, mismatches to look at."""
    rules = {f"{route}.yaml": CONTENT.replace("ocr", route) for route in ("ocr", "messages", "chat_completions")}
    running = Crossfade(work / "browser", tapped.url, fleet.shadow_config, rules, tap_port=fleet.tap_port).start().ready()
    for number in range(40):
        running.set_fault("ocr_drop_last_page" if number >= 30 else "")
        body = json.dumps({"model": "ocr", "document": {"type": "document_url", "document_url": f"https://example.org/{number}.pdf"}}).encode()
        ask(running.url, "POST", "/v1/ocr", [*bearer(), JSON_TYPE], body)
    until(lambda: running.metric("crossfade_outcomes_total") >= 40, 30, "forty outcomes")
    for outcomes, (path, fault, asked) in enumerate(STREAMS, 41):
        running.set_fault(fault)
        body = json.dumps({"stream": True, "messages": [{"role": "user", "content": fault}], **asked}).encode()
        ask(running.url, "POST", path, [*bearer(), JSON_TYPE], body)
        until(lambda: running.metric("crossfade_outcomes_total") >= outcomes, 30, "the outcome of a stream")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "no chromium on PATH: run `scripts/setup test`"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


VIEWS = [(width, scheme) for width in (1440, 390) for scheme in ("light", "dark")]


@pytest.fixture(params=VIEWS, ids=lambda view: f"{view[0]}-{view[1]}")
def page(request, browser, board, tmp_path):
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, extra_http_headers={"authorization": f"Bearer {ADMIN_TOKEN}"})
    opened = context.new_page()
    opened.problems = []
    opened.on("console", lambda message: opened.problems.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: opened.problems.append(str(error)))
    opened.on("response", lambda response: opened.problems.append(f"{response.status} {response.url}") if response.status >= 400 else None)
    yield opened
    pictures = os.environ.get("E2E_PICTURES")
    if pictures:
        os.makedirs(pictures, exist_ok=True)
        opened.screenshot(path=os.path.join(pictures, f"{request.node.name.replace('/', '-')}.png"), full_page=True)
    context.close()


def assert_clean(page):
    assert page.problems == [], page.problems
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 1, f"the page scrolls sideways by {overflow} px"


def test_board(page, board):
    page.goto(board.admin + "/")
    page.get_by_text("ocr:mistral").first.wait_for(timeout=15_000)
    text = page.inner_text("body").lower()
    for word in ("shadow", "match", "mismatch", "hold"):
        assert word in text, f"the board does not say {word!r}:\n{text[:1500]}"
    assert "asks past every tap" in page.locator(".resting-row", has_text="count_tokens").last.inner_text()
    assert_clean(page)


def test_from_the_board_through_a_lane_to_a_sample(page, board):
    """The way of an operator who wants to know why a lane does not move."""
    page.goto(board.admin + "/")
    page.get_by_text("callers need the master key").wait_for(timeout=15_000)
    page.get_by_role("link", name="ocr:mistral").first.click()
    page.get_by_role("heading", name="Recent samples").wait_for(timeout=15_000)
    assert page.locator(".steps .step-here").inner_text() == "shadow"
    assert page.locator(".steps li").last.inner_text() == "full"
    assert "open cause" in page.locator(".page-head").inner_text(), "the causes of the mismatches are not shown"
    times = page.locator(".times tbody th").all_inner_texts()
    assert times == ["Python", "Python’s own part"], f"nothing is served natively here, and Python just was: {times}"
    page.get_by_role("button", name="Mismatch", exact=True).click()
    mismatches = len(board.api("/api/samples?lane=ocr:mistral&verdict=mismatch&limit=50")["samples"])
    page.wait_for_function(f"document.querySelectorAll('.table tbody tr').length === {mismatches}")
    rows = page.locator(".table tbody tr")
    assert mismatches and all("Mismatch" in row for row in rows.all_inner_texts())
    rows.first.get_by_role("link").click()
    page.get_by_role("heading", name="Differences").wait_for(timeout=15_000)
    page.get_by_role("button", name="Next").click()
    marked = page.evaluate("document.activeElement.dataset.way")
    assert marked and "pages" in marked, f"the first difference is at {marked!r}, the lost page was expected"
    page.get_by_role("link", name="ocr:mistral").first.click()
    page.get_by_role("heading", name="Recent samples").wait_for(timeout=15_000)
    assert_clean(page)


def test_who_acts_stands_in_the_journal(page, board):
    # Each view has a browser profile of its own, and all share one journal.
    name = f"Zoë {uuid.uuid4().hex[:8]}"
    page.goto(board.admin + "/")
    page.get_by_role("button", name="Freeze", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("named")
    dialog.get_by_label("Your name").fill(name)
    dialog.get_by_role("button", name="Freeze").click()
    dialog.wait_for(state="hidden")
    page.get_by_role("button", name="Unfreeze").click()
    dialog.get_by_label("Reason").fill("remembered")
    dialog.get_by_role("button", name="Unfreeze").click()
    dialog.wait_for(state="hidden")
    page.goto(f"{board.admin}/#/journal")
    page.locator(".actor", has_text=name).nth(1).wait_for(timeout=15_000)
    assert_clean(page)


def test_sample(page, board):
    samples = board.api("/api/samples?lane=ocr:mistral&verdict=mismatch&limit=5")["samples"]
    assert samples, "no mismatch to look at; does this build have the feature fault-injection?"
    page.goto(board.admin + "/")
    page.goto(f"{board.admin}/#/samples/{samples[0]['id']}")
    page.get_by_text("pages", exact=False).first.wait_for(timeout=15_000)
    assert_clean(page)


@pytest.mark.parametrize("number", [0, 1], ids=["last-event", "delta"])
def test_sample_of_a_stream(page, board, number):
    """Its message, its events side by side, its bytes on demand."""
    sample = board.api("/api/samples?lane=messages:anthropic&verdict=mismatch&limit=5")["samples"][number]
    page.goto(board.admin + "/")
    page.goto(f"{board.admin}/#/samples/{sample['id']}")
    page.get_by_role("heading", name="Differences").wait_for(timeout=15_000)
    stream = page.locator("[data-comparison=answer] .stream")
    assert "Events" in stream.locator(".stream-head").inner_text()
    # A ping may be there once: LiteLLM drops or keeps it by chance.
    unequal = stream.locator(".row-marked:not(.row-excused)")
    if number == 0:
        assert unequal.count() == 1 and "message_stop" in unequal.inner_text() and unequal.locator(".is-absent").count() == 1
    else:
        assert unequal.count() == 8 and "~The" in unequal.first.inner_text()
        assert "text" in page.locator("[data-comparison=answer] > .tree .row-marked").first.inner_text(), "the message does not come first"
    page.get_by_role("button", name="Next").click()
    assert page.evaluate("document.activeElement.dataset.way"), "the first difference is nowhere on the page"
    stream.get_by_text("Frames").click()
    assert "event: message_start" in stream.locator("pre").first.inner_text()
    page.get_by_text("What the provider answered").click()
    pace = page.locator(".pace")
    pieces = sample_pace(board, sample["id"])
    assert f"{pieces} piece" in pace.inner_text() and "answered in" in pace.inner_text()
    assert pace.locator(".pace-piece").count() == (pieces if pieces > 1 else 0)
    assert_clean(page)


def sample_pace(board, identity: str) -> int:
    """How many pieces the tape of a sample has times for."""
    pace = board.api(f"/api/samples/{identity}")["attempts"][0]["provider_response"]["pace"]
    assert pace["pieces"] == len(pace["pieces_at_ms"]) and pace["elapsed_ms"] > 0
    return pace["pieces"]


@pytest.mark.parametrize("provider, verdict", [("openai", "match"), ("openai", "mismatch"), ("anthropic", "match")])
def test_sample_of_a_chat_stream(page, board, provider, verdict):
    """The same of chunks: what they add up to, each beside its counterpart, and when they came."""
    [sample, *_] = board.api(f"/api/samples?lane=chat_completions:{provider}&verdict={verdict}&limit=5")["samples"]
    page.goto(board.admin + "/")
    page.goto(f"{board.admin}/#/samples/{sample['id']}")
    stream = page.locator("[data-comparison=answer] .stream")
    stream.wait_for(timeout=15_000)
    marked = stream.locator(".row-marked:not(.row-excused)")
    if verdict == "mismatch":
        assert marked.count() > 1 and "~" in marked.first.inner_text()
        # The first chunk has all that the others repeat.
        assert ["fp_mock" in marked.nth(number).inner_text() for number in range(2)] == [True, False], marked.nth(1).inner_text()
        assert "chunk" in marked.nth(1).inner_text() and "delta" in marked.nth(1).inner_text()
        message = page.locator("[data-comparison=answer] > .tree .row-marked:not(.row-excused)").first.inner_text()
        assert "content" in message, f"the message does not come first: {message}"
    else:
        assert marked.count() == 0
    if provider == "anthropic":
        # Ids that each leg makes up: marked where they first come, and excused.
        assert "all equal but for the" in stream.locator(".stream-head").inner_text()
        excused = stream.locator(".row-excused")
        assert excused.count() == 1 and excused.inner_text().startswith("≈") and "chatcmpl-" in excused.inner_text(), excused.all_inner_texts()
        assert "≈" in page.locator("[data-comparison=answer] > .tree .row-excused").first.inner_text()
        page.get_by_role("button", name="Previous").click()
        assert page.evaluate("document.activeElement.dataset.way") == "\0".join(["body", "events", "0"])
    stream.get_by_text("Frames").click()
    assert "data: [DONE]" in stream.locator("pre").first.inner_text()
    assert_clean(page)
