// Takes a picture of every page in every state, light and dark, wide and narrow, into shots/.
//   node shots.mjs http://127.0.0.1:22300 [filter]

import { mkdir } from "node:fs/promises";
import { chromium } from "playwright-core";

const [base = "http://127.0.0.1:22300", filter = ""] = process.argv.slice(2);
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const lane = (id) => `#/lanes/${encodeURIComponent(id)}`;
const VIEWS = [
  ["board-mixed", "mixed", "#/"], ["board-empty", "empty", "#/"], ["board-passthrough", "passthrough", "#/"], ["board-climbing", "climbing", "#/"],
  ["board-no-tape", "no_tape", "#/"], ["board-held", "held", "#/"], ["board-rolled-back", "rolled_back", "#/"], ["board-disagreeing", "disagreeing", "#/"],
  ["board-canary", "canary", "#/"], ["board-full", "full", "#/"], ["board-frozen", "frozen", "#/"], ["board-errors", "errors", "#/"],
  ["lane-rolled-back", "rolled_back", lane("ocr:vertex_ai:mistral-ocr-2505")], ["lane-held", "held", lane("messages:anthropic:claude-sonnet-production")],
  ["lane-declining", "held", lane("ocr:mistral:ocr-with-fallback")], ["lane-canary", "canary", lane("ocr:azure_ai")], ["lane-missing", "canary", lane("ocr:nowhere")],
  ["sample-match", "mixed", "#/samples/s-match"], ["sample-mismatch", "mixed", "#/samples/s-mismatch"], ["sample-off", "mixed", "#/samples/s-off"],
  ["sample-attempts", "mixed", "#/samples/s-attempts"], ["sample-headers", "mixed", "#/samples/s-headers"], ["sample-huge", "mixed", "#/samples/s-huge"],
  ["sample-stream", "mixed", "#/samples/s-stream"], ["sample-stream-off", "mixed", "#/samples/s-stream-off"],
  ["causes", "mixed", "#/causes"], ["causes-empty", "empty", "#/causes"], ["journal", "mixed", "#/journal"], ["journal-empty", "empty", "#/journal"],
  ["dialog-promote", "climbing", "#/", async (page) => { await page.getByRole("button", { name: "Promote ocr:mistral" }).click(); }],
  ["away", "canary", "#/", async (page) => { await state("canary", true); await page.getByText("Disconnected").waitFor({ timeout: 8000 }); }],
];

async function state(name, away = false) {
  await fetch(`${base}/fake/state`, { method: "POST", body: JSON.stringify({ state: name, away }) });
}

await mkdir("shots", { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
for (const colorScheme of ["light", "dark"]) {
  for (const width of [1440, 390]) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: width === 1440 ? 900 : 844 }, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.on("console", (message) => { if (["error", "warning"].includes(message.type())) console.log(colorScheme, width, message.text()); });
    page.on("pageerror", (error) => console.log(colorScheme, width, error.stack));
    for (const [name, wanted, hash, act] of VIEWS.filter(([view]) => view.includes(filter))) {
      await state(wanted);
      await page.goto("about:blank");
      await page.goto(`${base}/${hash}`);
      await page.locator(".page, .empty").first().waitFor({ timeout: 5000 }).catch(() => console.log("no page", name));
      await act?.(page);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 0) console.log(`overflow ${over}px: ${name} ${width}`);
      await page.screenshot({ path: `shots/${name}-${width}-${colorScheme}.png`, fullPage: !act });
    }
    await context.close();
  }
}
await browser.close();
