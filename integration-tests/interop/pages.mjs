// Opens pages in a real browser, light and dark, wide and narrow: axe-core finds nothing to object to, nothing scrolls
// sideways, and nothing is loaded from elsewhere, run, or kept.
// usage: node pages.mjs BASE MODULES BROWSER PATH…; prints what is wrong, a line each, and fails if anything is.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [base, modules, executablePath, ...paths] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const WIDTHS = [1280, 360];
/** WCAG 2.2, 1.4.10: two dimensions of scrolling are never needed at this width. */
const NARROWEST = 320;
const QUIET = ["no-first-run", "disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"];

const faults = [];
/** Undecided by axe-core, since no tool can: said, not counted. */
const undecided = new Map();

const browser = await chromium.launch({ executablePath, args: QUIET.map((name) => `--${name}`) });
for (const colorScheme of ["light", "dark"]) {
  const context = await browser.newContext({ colorScheme, reducedMotion: "reduce" });
  for (const path of paths) {
    const wrong = (what) => faults.push(`${path} (${colorScheme}): ${what}`);
    const page = await context.newPage();
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== base) wrong(`asks for ${request.url()}`);
    });
    // Violations of the content security policy are told here too.
    page.on("console", (message) => wrong(`console: ${message.text()}`));
    page.on("pageerror", (error) => wrong(`script error: ${error.message}`));

    const response = await page.goto(base + path, { waitUntil: "load" });
    if (response.status() !== 200) wrong(`status ${response.status()}`);
    for (const script of await page.evaluate(scripts)) wrong(`script: ${script}`);
    // What axe-core itself does to the page is not the page's doing.
    page.removeAllListeners();

    await page.evaluate(axe);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const { violations, incomplete } = await page.evaluate(check);
      for (const { id, help, nodes } of violations) {
        for (const node of nodes) wrong(`${width} px: ${id}: ${help}: ${node.target} ${node.any[0]?.message ?? ""}`);
      }
      for (const { id, nodes } of incomplete) undecided.set(id, (undecided.get(id) ?? 0) + nodes.length);
    }
    for (const width of [...WIDTHS, NARROWEST]) {
      await page.setViewportSize({ width, height: 900 });
      const needed = await page.evaluate(() => document.documentElement.scrollWidth);
      if (needed > width) wrong(`scrolls sideways: ${needed} px needed where ${width} are there`);
    }
    await page.close();
  }
  for (const { name } of await context.cookies()) faults.push(`a cookie was set: ${name}`);
  await context.close();
}
await browser.close();

for (const [id, count] of undecided) console.log(`not decided by axe-core: ${id}, ${count} times`);
if (faults.length > 0) {
  console.log(faults.join("\n"));
  process.exit(1);
}

/** In the page: whatever could run. */
function scripts() {
  const found = [...document.querySelectorAll('script:not([type="application/ld+json"])')].map((s) => s.outerHTML);
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on") || /^\s*javascript:/i.test(value)) found.push(`<${element.localName} ${name}="${value}">`);
    }
  }
  return found;
}

/** In the page: every rule that is not experimental, and the size of what is tapped. Nothing is fetched for it. */
function check() {
  return axe.run({ preload: false, resultTypes: ["violations", "incomplete"], rules: { "target-size": { enabled: true } } });
}
