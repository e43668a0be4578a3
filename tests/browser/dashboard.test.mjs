// The dashboard in a real Chromium. `DASHBOARD_URL` names a server to test; without it the fake one is
// started. What depends on made-up states is skipped against a real server.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const FAKE = fileURLToPath(new URL("fake_admin.py", import.meta.url));
const VERTEX = "ocr:vertex_ai:mistral-ocr-2505";
const given = process.env.DASHBOARD_URL;

let base = given;
let server;
let browser;
let page;
let problems = [];

before(async () => {
  if (!base) {
    server = spawn("python3", [FAKE], { stdio: ["ignore", "pipe", "inherit"] });
    base = String((await once(server.stdout, "data"))[0]).trim();
  }
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
});

after(async () => {
  await browser?.close();
  server?.kill();
});

beforeEach(() => { problems = []; });

afterEach(async () => {
  await page?.context().close();
  page = null;
  assert.deepEqual(problems, [], "the console and the page stay free of errors");
});

async function newPage(width, colorScheme = "light") {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, reducedMotion: "reduce" });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  page = await context.newPage();
  page.on("console", (message) => { if (message.type() === "error") problems.push(message.text()); });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => { if (!request.url().startsWith(base)) problems.push(`foreign request: ${request.url()}`); });
}

async function state(name, more = {}) {
  await fetch(`${base}/fake/state`, { method: "POST", body: JSON.stringify({ state: name, ...more }) });
}

async function visit(hash) {
  if (!page) await newPage(1440);
  await page.goto(`${base}/${hash}`);
  await page.locator(".page").waitFor();
}

async function sent() { return (await fetch(`${base}/fake/requests`)).json(); }

function overflow() { return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth); }

const PAGES = [["#/", "Lanes"], ["#/causes", "Causes"], ["#/journal", "Journal"]];
const FAKE_PAGES = [...PAGES, [`#/lanes/${encodeURIComponent(VERTEX)}`, "Recent samples"], ["#/samples/s-match", "Provider requests"],
  ["#/samples/s-mismatch", "Differences"], ["#/samples/s-off", "Content is off"], ["#/samples/s-attempts", "Attempt 3"], ["#/samples/s-huge", "Differences"],
  ["#/samples/s-stream", "Events"], ["#/samples/s-stream-off", "Events"]];

for (const [width, colorScheme] of [[1440, "light"], [390, "light"], [390, "dark"]]) {
  for (const [hash, words] of given ? PAGES : FAKE_PAGES) {
    test(`${hash} loads at ${width} px, ${colorScheme}`, async () => {
      if (!given) await state("mixed");
      await newPage(width, colorScheme);
      await visit(hash);
      await page.getByText(words).first().waitFor();
      assert.equal(await overflow(), 0, "nothing sticks out sideways");
    });
  }
}

describe("with made-up states", { skip: Boolean(given) }, () => {
  const BOARDS = [
    ["empty", "No lanes yet"], ["passthrough", "Plain pass-through"], ["no_tape", "The tap has not seen provider traffic."], ["climbing", "more comparisons without a mismatch"],
    ["held", "Held"], ["rolled_back", "Rolled back: 23 mismatches"], ["disagreeing", "this build imitates 1.102.4"], ["canary", "canary 5 %"],
    ["full", "Unwatched"], ["frozen", "Frozen: no lane rises."], ["errors", "did you mean `minimum_time`?"],
  ];
  for (const [name, words] of BOARDS) {
    test(`the board says what matters when ${name}`, async () => {
      await state(name);
      await newPage(390);
      await visit("#/");
      await page.getByText(words).first().waitFor();
      assert.equal(await overflow(), 0);
    });
  }

  test("promoting asks for a reason and sends it", async () => {
    await state("climbing");
    await visit("#/");
    await page.getByRole("button", { name: "Promote ocr:mistral" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Promote" }).click();
    await dialog.getByText("Say why").waitFor();
    assert.deepEqual(await sent(), [], "nothing is sent without a reason");
    await dialog.getByLabel("Reason").fill("  compared for a day  ");
    await dialog.getByRole("button", { name: "Promote" }).click();
    await dialog.waitFor({ state: "hidden" });
    assert.deepEqual(await sent(), [{ path: "/api/lanes/ocr%3Amistral/promote", body: { reason: "compared for a day" }, authorization: null, admin: "1", operator: null }]);
    await page.getByText("canary 1 %", { exact: true }).first().waitFor();
  });

  test("who acts is asked, remembered and shown in the journal", async () => {
    await state("climbing");
    await visit("#/");
    const dialog = page.getByRole("dialog");
    const act = async (name, reason) => {
      await page.getByRole("button", { name, exact: true }).click();
      await dialog.getByLabel("Reason").fill(reason);
      await dialog.getByRole("button", { name }).click();
      await dialog.waitFor({ state: "hidden" });
    };
    await act("Freeze", "nobody says who");
    await page.getByRole("button", { name: "Unfreeze", exact: true }).click();
    await dialog.getByLabel("Your name").fill(" Zoë 5% ");
    await page.keyboard.press("Escape");
    await act("Unfreeze", "a name that was not sent is not remembered");
    await page.getByRole("button", { name: "Freeze", exact: true }).click();
    await dialog.getByLabel("Your name").fill(" Zoë 5% ");
    await page.keyboard.press("Tab");
    await dialog.getByLabel("Reason").fill("named");
    await dialog.getByRole("button", { name: "Freeze" }).click();
    await dialog.waitFor({ state: "hidden" });
    await page.reload();
    await page.locator(".page").waitFor();
    await page.getByRole("button", { name: "Unfreeze", exact: true }).click();
    assert.equal(await dialog.getByLabel("Your name").inputValue(), "Zoë 5%");
    await page.keyboard.press("Escape");
    await act("Unfreeze", "remembered");
    assert.deepEqual((await sent()).map((request) => request.operator), [null, null, "Zo%C3%AB%205%25", "Zo%C3%AB%205%25"]);
    await visit("#/journal");
    const entry = page.locator(".entry", { hasText: "remembered" }).first();
    assert.equal(await entry.locator(".actor").textContent(), "Zoë 5%");
  });

  test("a lane shows its way, its times, who promotes it and what is open", async () => {
    await state("canary");
    await visit("#/");
    const card = page.locator(".card");
    await card.getByText("Manual", { exact: true }).waitFor();
    assert.equal(await card.getByRole("link", { name: "2 open causes" }).getAttribute("href"), "#/causes");
    await page.getByText("callers need the master key").waitFor();
    await visit("#/lanes/ocr%3Aazure_ai");
    const way = await page.locator(".steps li").evaluateAll((steps) => steps.map((step) => [step.textContent, step.className, step.getAttribute("aria-current")]));
    assert.deepEqual(way, [["shadow", "step-passed", null], ["1 %", "step-passed", null], ["5 %", "step-here", "step"], ["25 %", "step-ahead", null], ["50 %", "step-ahead", null], ["full", "step-ahead", null]]);
    const times = await page.locator(".times tbody tr").evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
    assert.deepEqual(times, [["Python", "431 ms", "2210 ms"], ["Native", "403 ms", "2054 ms"], ["Python’s own part", "9.1 ms", "39 ms"], ["Native’s own part", "86 µs", "412 µs"]]);
    await state("climbing");
    await visit("#/");
    assert.equal(await page.locator(".card").getByText("open cause").count(), 0);
    assert.deepEqual(await page.locator(".card .times tbody th").allTextContents(), ["Python", "Python’s own part"], "what did not happen has no time");
  });

  test("the token is asked once, kept for the tab, and forgotten when refused", async () => {
    await state("climbing", { token: true });
    await visit("#/");
    await page.getByRole("button", { name: "Freeze" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Reason").fill("incident");
    for (const secret of ["", "wrong", "test-token"]) {
      if (secret) await dialog.getByLabel("Admin token").fill(secret);
      await dialog.getByRole("button", { name: "Freeze" }).click();
      if (secret !== "test-token") await dialog.getByText(secret ? "not accepted" : "needs the admin token").waitFor();
    }
    await dialog.waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Unfreeze" }).click();
    await dialog.getByLabel("Reason").fill("over");
    await dialog.getByRole("button", { name: "Unfreeze" }).click();
    await dialog.waitFor({ state: "hidden" });
    assert.deepEqual((await sent()).map((request) => request.authorization), [null, "Bearer wrong", "Bearer test-token", "Bearer test-token"]);
    assert.equal(await page.evaluate(() => localStorage.length), 0);
    // The browser itself reports each 401 in the console.
    problems = problems.filter((text) => !text.includes("401"));
  });

  test("a refusal is shown in the dialog, which stays open", async () => {
    await state("climbing");
    await visit("#/");
    await page.getByRole("button", { name: "Promote ocr:mistral" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Reason").fill("refuse me");
    await dialog.getByRole("button", { name: "Promote" }).click();
    await dialog.getByText("The gate is closed: 412 more comparisons.").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    problems = problems.filter((text) => !text.includes("409"));
  });

  test("where reading needs the token, the page asks for it", async () => {
    await state("climbing", { token: "read" });
    await newPage(1440);
    await page.goto(`${base}/#/`);
    await page.getByLabel("Admin token").fill("test-token");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.locator(".page").waitFor();
    problems = problems.filter((text) => !text.includes("401"));
  });

  test("a sample marks what differs, on the side where it is", async () => {
    await state("mixed");
    await visit("#/samples/s-mismatch");
    const marked = await page.locator(".row-marked").evaluateAll((rows) => rows.map((row) => [row.dataset.way.split("\u0000").join("/"), row.querySelector(".gutter span").textContent, [...row.querySelectorAll("mark")].map((mark) => mark.textContent)]));
    assert.deepEqual(marked, [
      ["body/document/document_url", "≠", ["pdf", "PDF"]],
      ["body/pages_limit", "+", []],
      ["headers/x-litellm-call-id", "≠", ["6c0f2e19-9f5e-4a52-8a56-3a2e52f3e7e0", "0d3b5c66-1f2e-4b8b-b3a6-9d1f0a9e77c4"]],
      ["headers/x-litellm-response-cost", "≠", ["001", "003"]],
      ["body/pages/0/markdown", "≠", ["1 204.00", "1204.0"]],
      ["body/pages/2", "−", []],
      ["body/usage_info/pages_processed", "T", ["3", "\"3\""]],
    ]);
    assert.equal(await page.locator(".kind-missing .side-right.is-absent").count(), 1);
    assert.equal(await page.locator(".text-diff del").textContent(), "1 204.00");
    assert.equal(await page.locator(".text-diff ins").textContent(), "1204.0");
  });

  test("going through the differences puts the focus on them", async () => {
    await state("mixed");
    await visit("#/samples/s-huge");
    assert.ok(await page.locator(".row").count() < 150, "large equal parts start closed");
    const ways = [];
    for (let turn = 0; turn < 3; turn += 1) {
      await page.getByRole("button", { name: "Next" }).click();
      ways.push(await page.evaluate(() => document.activeElement.dataset.way?.split("\u0000").join("/")));
    }
    assert.deepEqual(ways, ["body/pages/97/markdown", "body/pages/141/images/2/id", "body/pages/12/dimensions/dpi"]);
    assert.match(await page.locator(".kind-spelling").textContent(), /200\.0.*200/);
  });

  test("without content only structure is shown", async () => {
    await state("mixed");
    await visit("#/samples/s-off");
    await page.getByText("Content is off for this lane").waitFor();
    const text = await page.locator("main").textContent();
    assert.ok(!text.includes("Harbour Timber"));
    assert.match(text, /string\(174\)/);
  });

  test("copying gives the whole sample as JSON", async () => {
    await state("mixed");
    await visit("#/samples/s-mismatch");
    await page.getByRole("button", { name: "Copy as JSON" }).click();
    await page.getByText("Copied").waitFor();
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    assert.equal(copied.id, "s-mismatch");
    assert.equal(copied.differences.length, 7);
  });

  test("a refresh keeps focus, open parts and scroll", async () => {
    await state("mixed");
    await visit("#/");
    await page.locator(".strip summary").click();
    const button = page.getByRole("button", { name: "Hold ocr:mistral", exact: true });
    await button.focus();
    await page.evaluate(() => { window.scrollTo(0, 600); window.first = document.activeElement; window.card = document.querySelector(".card"); });
    const match = page.locator(".card", { has: button }).locator(".figure-match dd");
    const was = await match.textContent();
    const scroll = await page.evaluate(() => window.scrollY);
    await page.waitForFunction(([text]) => [...document.querySelectorAll(".card")].some((card) => card.getAttribute("aria-label") === "Lane ocr:mistral" && card.querySelector(".figure-match dd").textContent !== text), [was]);
    assert.deepEqual(await page.evaluate(() => [document.activeElement === window.first, document.querySelector(".card") === window.card, document.querySelector(".strip details").open, window.scrollY]), [true, true, true, scroll]);
  });

  test("it says when the admin port is away, and comes back by itself", async () => {
    await state("canary");
    await visit("#/");
    await state("canary", { away: true });
    await page.getByText("Disconnected, retrying").waitFor();
    assert.equal(await page.locator(".card").count(), 1, "what was known stays on the page");
    await state("canary");
    await page.getByText("Disconnected, retrying").waitFor({ state: "hidden" });
    problems = problems.filter((text) => !text.includes("502"));
  });

  test("acknowledging a cause closes it", async () => {
    await state("mixed");
    await visit("#/causes");
    await page.getByRole("button", { name: /^Acknowledge \$\.usage_info/ }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("fixed in the next build");
    await page.getByRole("dialog").getByRole("button", { name: "Acknowledge" }).click();
    await page.getByText("Show 2 acknowledged causes").waitFor();
    assert.equal((await sent())[0].path, "/api/causes/c-17/acknowledge");
  });

  test("the samples of a lane can be filtered by verdict", async () => {
    await state("rolled_back");
    await visit(`#/lanes/${encodeURIComponent(VERTEX)}`);
    await page.getByRole("button", { name: "Mismatch", exact: true }).click();
    await page.waitForFunction(() => document.querySelectorAll(".table tbody tr").length === 2);
    await page.getByRole("button", { name: "All", exact: true }).click();
    await page.waitForFunction(() => document.querySelectorAll(".table tbody tr").length === 17);
  });
});
