// Pictures of a page for the README: node screenshots.mjs CHROMIUM PAGE FOLDER
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [chromium, path, folder] = process.argv.slice(2);
const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage();
  for (const [name, width, height] of [["desktop", 1280, 900], ["phone", 390, 780]]) {
    await page.setViewport({ width, height, deviceScaleFactor: 1 });
    await page.goto(pathToFileURL(path).href, { waitUntil: "load" });
    await page.screenshot({ path: `${folder}/report-${name}.png` });
  }
} finally {
  await browser.close();
}
