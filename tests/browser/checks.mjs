// Opens pages in Chromium and checks what a reader needs: node checks.mjs CHROMIUM PAGE...  Prints one JSON document.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { HtmlValidate } from "html-validate";
import puppeteer from "puppeteer-core";

const [chromium, ...pages] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const widths = [1280, 768, 360];
const looks = { dark: ["prefers-color-scheme", "dark"], forced: ["forced-colors", "active"] };
// What a look can change: in the dark its colours; where they are the reader's, everything but them.
const asked = {
  dark: { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } },
  forced: { runOnly: { type: "tag", values: tags }, rules: { "color-contrast": { enabled: false } } },
};
const narrowest = 320; // a page of 1,280 pixels at 400 % zoom

const brief = (found) =>
  found.map((rule) => `${rule.id}: ${rule.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")}`);

async function accessibility(page, options = { runOnly: { type: "tag", values: tags } }) {
  await page.evaluate(axe); // through the debugger, so the page's security policy stays in force
  const found = await page.evaluate((values) => window.axe.run(document, values), options);
  return { violations: brief(found.violations), incomplete: brief(found.incomplete) };
}

const sideways = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

// Tab through the page once: what can be reached, and what has the focus without showing it.
async function keyboard(page) {
  const expected = await page.evaluate(() => {
    const all = [...document.querySelectorAll("a[href], summary, button, input, select, [tabindex='0']")];
    const usable = all.filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest("[inert]") && !e.disabled);
    usable.forEach((e, i) => { e.dataset.stop = i; });
    return usable.length;
  });
  await page.evaluate(() => { document.activeElement?.blur(); window.scrollTo(0, 0); });
  const reached = new Set();
  const unseen = [];
  for (let i = 0; i < expected + 5; i += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      if (!e || e === document.body) return null;
      const style = getComputedStyle(e);
      const seen = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none";
      return { stop: e.dataset.stop, seen, what: `${e.tagName} ${e.textContent.trim().slice(0, 40)}` };
    });
    if (!at) continue;
    reached.add(at.stop);
    if (!at.seen) unseen.push(at.what);
  }
  return { expected, reached: reached.size, unseen: [...new Set(unseen)] };
}

// The table that a script makes sortable: by the keyboard alone, under the page's own security policy.
async function sortable(page) {
  const button = await page.$("th button");
  if (!button) return null;
  await button.evaluate((found) => found.closest("details")?.setAttribute("open", ""));
  await button.focus();
  await page.keyboard.press("Enter");
  const sorted = await page.evaluate(() => document.querySelector("th[aria-sort='ascending'], th[aria-sort='descending']") !== null);
  const rows = () =>
    page.evaluate(() => [...document.querySelector("th button").closest("table").tBodies[0].rows].filter((r) => r.checkVisibility()).length);
  const before = await rows();
  const input = await page.$("input");
  await input.focus();
  await page.keyboard.type("kent");
  return { sorted, before, after: await rows() };
}

const text = (page) => page.evaluate(() => document.body.textContent.replace(/\s+/g, " ").trim());

async function check(browser, path) {
  const url = pathToFileURL(path).href;
  const outside = [];
  const result = { path, axe: {}, sideways: {} };
  const page = await browser.newPage();
  page.on("request", (request) => { if (!/^(file|data|about|blob):/.test(request.url())) outside.push(request.url()); });
  page.on("pageerror", (error) => outside.push(`error: ${error.message}`));
  for (const width of widths) {
    await page.setViewport({ width, height: 900 });
    await page.goto(url, { waitUntil: "load" });
    result.sideways[width] = await sideways(page);
    result.axe[width] = await accessibility(page);
    if (width === widths[0]) {
      result.shift = await page.evaluate(() => new Promise((done) => {
        let sum = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((e) => { sum += e.value; })).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 300);
      }));
      result.keyboard = await keyboard(page);
      result.sortable = await sortable(page);
    }
  }
  const protocol = await page.createCDPSession();
  for (const [look, [name, value]] of Object.entries(looks)) {
    await protocol.send("Emulation.setEmulatedMedia", { features: [{ name, value }] });
    for (const width of widths) {
      await page.setViewport({ width, height: 900 });
      if (look === "dark" || width === widths[0]) result.axe[`${width} ${look}`] = await accessibility(page, asked[look]);
    }
  }
  await protocol.send("Emulation.setEmulatedMedia", { features: [] });
  await page.setViewport({ width: narrowest, height: 900 });
  await page.goto(url, { waitUntil: "load" });
  result.sideways[narrowest] = await sideways(page);
  result.html = await page.evaluate(() => ({
    lang: document.documentElement.lang,
    title: document.title,
    description: document.querySelector("meta[name=description]")?.content ?? "",
    viewport: document.querySelector("meta[name=viewport]")?.content ?? "",
    policy: document.querySelector("meta[http-equiv='Content-Security-Policy']")?.content ?? "",
  }));
  await page.close();
  const still = await browser.newPage();
  await still.setJavaScriptEnabled(false);
  await still.goto(url, { waitUntil: "load" });
  result.textWithoutScripts = await text(still);
  result.rowsWithoutScripts = await still.evaluate(() => document.querySelectorAll("tbody tr").length);
  await still.close();
  result.outside = outside;
  const report = await new HtmlValidate({ extends: ["html-validate:standard"] }).validateFile(path);
  result.invalid = report.results.flatMap((r) => r.messages.map((m) => `${m.line}: ${m.ruleId}: ${m.message}`));
  return result;
}

const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const found = [];
  for (const path of pages) found.push(await check(browser, path));
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}
