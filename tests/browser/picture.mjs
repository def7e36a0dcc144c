// A picture of a page of -http: "node picture.mjs SONDE SOURCE VIEW FILE", as tools/picture asks for it.
import {launch, serve} from "./lib.mjs";

const [sonde, source, view, file] = process.argv.slice(2), SIZE = {width: 1100, height: 900}, SETTLED_MS = 500;
const server = await serve(sonde, ["-http=localhost:", "-no_browser", source], /Serving web UI on (.*)\/\n/), browser = await launch();
const page = await browser.newPage({viewport: SIZE, reducedMotion: "reduce"});
await page.goto(`${server.url}/${view}`);
await page.waitForFunction(() => document.documentElement.dataset.shown !== undefined);
await page.waitForTimeout(SETTLED_MS);
await page.screenshot({path: file});
await browser.close();
await server.stop();
