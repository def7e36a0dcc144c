// The flame graph's page in a browser: "node flame_test.mjs FOLDER", with flame.html, diff.html and wide.html that
// tests/e2e/browser_test.sh makes.  Prints TAP.
import {pathToFileURL} from "node:url";
import {launch} from "./lib.mjs";
import {done, is, like, ok} from "./tap.mjs";

const folder = process.argv[2], ROW = 21, TYPED_MS = 250, ZOOMED_MS = 600;

const browser = await launch();
const complaints = [], requests = [];

/** A page of the folder, with what is asked of it often.  It does not move, unless that is asked for. */
async function open(name, hash = "", options = {}) {
  const context = await browser.newContext({viewport: {width: 1280, height: 800}, reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"], ...options});
  const page = await context.newPage();
  page.on("console", (message) => message.text().startsWith("Canvas2D: Multiple readback") || complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(`${pathToFileURL(`${folder}/${name}`)}${hash && `#${hash}`}`);
  /** Until what was done is painted. */
  const settle = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done)))));
  await settle();
  const text = (selector) => page.locator(selector).innerText();
  /** Where share of a level is on the screen; rows count from the top of the canvas. */
  const at = async (row, share) => {
    const box = await page.locator(".window canvas:first-child").boundingBox();
    return [box.x + share * box.width, box.y + row * ROW + ROW / 2];
  };
  return {
    page, context, text, at, settle,
    typed: () => page.waitForTimeout(TYPED_MS).then(settle),
    hash: () => page.evaluate(() => location.hash),
    hover: async (row, share) => page.mouse.move(...await at(row, share)),
    click: async (row, share) => {
      await page.mouse.click(...await at(row, share));
      await settle();
    },
    press: async (...keys) => {
      for (const key of keys)
        await page.keyboard.press(key);
      await settle();
    },
    status: () => text(".status"),
    functions: () => page.locator(".functions tbody tr").evaluateAll((rows) => rows.map((row) => row.innerText.replace(/\s+/g, " "))),
    /** The colour at a place of the canvas: red, green, blue, opacity. */
    colour: async (row, share) => page.evaluate(([y, part]) => {
      const canvas = document.querySelector(".window canvas:first-child"), ratio = canvas.width / canvas.clientWidth;
      return [...canvas.getContext("2d").getImageData(part * canvas.width, (y + 2) * ratio, 1, 1).data];
    }, [row * ROW, share]),
    isPainted: async function (row, share) {
      return (await this.colour(row, share))[3] > 40;
    },
  };
}

async function testFirstLook() {
  const p = await open("flame.html");
  is(await p.page.title(), "server: cpu", "the page has a title");
  is(await p.text("summary"), "server 1us", "it says what it shows, and how much in all");
  like(await p.status(), /^all cum 1us \(100%\)/, "the root is described");
  await p.hover(2, 0.3);
  like((await p.text(".tooltip")).replace(/\s+/g, " "), /^serve server\/main\.c cum 700ns 70\.0% flat 0 0%$/, "a tooltip has the name, the file, values and parts");
  await p.hover(3, 0.5);
  like(await p.text(".tooltip"), /^read\n/, "of the box under the pointer");
  const marked = () => p.page.evaluate(() => !document.querySelector(".mark.hover").hidden);
  await p.settle();
  ok(await marked(), "which has an outline");
  await p.hover(10, 0.5);
  await p.settle();
  ok(!await marked(), "and no other");
  ok(await p.page.locator(".tooltip").isHidden(), "where there is no box there is no tooltip");
  ok(await p.isPainted(2, 0.99) && await p.isPainted(3, 0.69) && !await p.isPainted(3, 0.72), "boxes are as wide as their parts");
  await p.hover(3, 0.65);
  like(await p.text(".tooltip"), /^write<b>"<\/script>\n/, "any name is shown as it is");
  await p.context.close();
}

async function testZoom() {
  const p = await open("flame.html");
  await p.click(2, 0.3);
  like(await p.status(), /^serve cum 700ns \(70\.0%\)/, "a click selects a box");
  like(await p.hash(), /^#zoom=\d+$/, "zooms to it, and the address says so");
  ok(await p.isPainted(3, 0.99), "it has all the width then");
  await p.hover(3, 0.2);
  like(await p.text(".tooltip"), /57\.1% of what is zoomed to/, "a box's part of it is told");
  await p.click(3, 0.7);
  like(await p.status(), /^read /, "a zoomed box's callee can be zoomed to");
  await p.page.goBack();
  await p.settle();
  ok(!await p.isPainted(4, 0.1), "back goes one step back");
  await p.page.goForward();
  await p.settle();
  like(await p.status(), /^read /, "and forward forward");
  await p.click(2, 0.9);
  await p.hover(3, 0.1);
  like(await p.text(".tooltip"), /^parse\n/, "a click on a caller zooms out to it");
  await p.press("Escape");
  is(await p.hash(), "", "Esc shows all again");
  ok(await p.isPainted(2, 0.99) && !await p.isPainted(3, 0.99), "as it was");
  await p.click(2, 0.3);
  await p.page.getByRole("button", {name: "Zoom out"}).click();
  is(await p.hash(), "", "so does the button");
  await p.context.close();
}

async function testMotion() {
  const p = await open("flame.html", "", {reducedMotion: "no-preference"});
  await p.click(2, 0.3);
  await p.page.waitForTimeout(ZOOMED_MS);
  await p.settle();
  ok(await p.isPainted(3, 0.99), "what moves arrives");
  await p.context.close();
}

async function testKeys() {
  const p = await open("flame.html");
  await p.page.locator(".window canvas:first-child").focus();
  await p.press("ArrowDown", "ArrowDown");
  like(await p.status(), /^serve /, "down goes to the widest callee");
  await p.press("ArrowRight");
  like(await p.status(), /^idle /, "right to the box beside");
  await p.press("ArrowRight");
  like(await p.status(), /^idle /, "and no further than the last");
  await p.press("ArrowLeft", "ArrowDown", "ArrowRight");
  like(await p.status(), /^read cum 200ns/, "left, and down again");
  await p.press("ArrowUp", "Enter");
  like(await p.hash(), /^#zoom=/, "Enter zooms");
  await p.press("ArrowDown", "ArrowRight", "ArrowRight", "c");
  is(await p.page.evaluate(() => navigator.clipboard.readText()), 'write<b>"</script>', "c copies the name");
  await p.press("Home");
  like(await p.status(), /^all /, "Home goes to the root");
  await p.press("Escape", "f");
  is(await p.hash(), "#flip=1", "f turns the graph");
  await p.page.locator(".window canvas:first-child").focus();
  await p.press("ArrowUp");
  like(await p.status(), /^main /, "then up goes to the callee");
  await p.press("?");
  ok(await p.page.getByRole("dialog").isVisible(), "? shows the help");
  await p.press("Escape");
  ok(await p.page.getByRole("dialog").isHidden(), "which Esc closes");
  is(await p.hash(), "#flip=1", "and nothing else");
  await p.context.close();
}

async function testSearch() {
  const p = await open("flame.html"), input = p.page.getByRole("searchbox");
  const plain = await p.colour(3, 0.02);
  await p.press("/");
  await p.page.keyboard.type("^(parse|copy)$");
  await p.typed();
  is(await p.text(".result"), "2 functions, 60.0%", "what is found is counted, and weighed");
  const found = await p.colour(3, 0.02), other = await p.colour(2, 0.9);
  ok(found.join() !== plain.join() && found[3] > 250, "it has another colour", `${found} ${plain}`);
  ok(other[3] < 200, "and all else is paler", other.join());
  is((await p.functions()).join("|"), "400ns 40.0% 400ns 40.0% parse|200ns 20.0% 200ns 20.0% copy", "the table shows these only");
  await p.press("Enter");
  like(await p.status(), /^parse /, "Enter goes to the heaviest");
  await p.press("Enter");
  like(await p.status(), /^copy .*inlined/, "and then to the next; it was inlined");
  like(await p.hash(), /search=/, "the address has the expression");
  await input.fill("write<b>\"(");
  await p.typed();
  ok(await input.evaluate((node) => node.classList.contains("literal")), "what is no expression is marked");
  is(await p.text(".result"), "nothing found", "and looked for as it is");
  await input.fill("PARSE");
  await p.typed();
  is(await p.text(".result"), "nothing found", "capitals are meant");
  await input.fill("Se");
  await p.typed();
  await input.fill("se");
  await p.typed();
  is(await p.text(".result"), "2 functions, 70.0%", "what is below what is found is not weighed twice");
  await p.press("Escape");
  is(await p.hash(), "", "Esc ends the search");
  await p.context.close();
}

async function testTable() {
  const p = await open("flame.html");
  is((await p.functions()).slice(0, 3).join("|"), "400ns 40.0% 400ns 40.0% parse|300ns 30.0% 300ns 30.0% idle|200ns 20.0% 200ns 20.0% copy",
    "the functions that hold most come first");
  await p.page.getByRole("button", {name: "Cum"}).click();
  is((await p.functions())[0], "0 0% 1us 100% main", "or those that weigh most with their callees");
  is(await p.page.locator("th.cum").getAttribute("aria-sort"), "descending", "which readers are told");
  await p.page.getByRole("button", {name: "Function"}).click();
  like((await p.functions())[0], /copy$/, "or in the order of their names");
  await p.page.locator(".functions tbody tr").first().focus();
  await p.press("ArrowDown", "Enter");
  is(await p.page.getByRole("searchbox").inputValue(), "^idle$", "Enter on a row finds the function");
  is(await p.text(".result"), "1 function, 30.0%", "in the graph");
  is(await p.page.evaluate(() => document.activeElement.innerText.includes("idle")), true, "and the row keeps the focus");
  await p.press("Enter");
  is(await p.page.getByRole("searchbox").inputValue(), "", "once more ends that");
  await p.context.close();
}

async function testChoices() {
  const p = await open("flame.html");
  await p.page.getByLabel("Sample type").selectOption("requests");
  await p.settle();
  is(await p.text("summary"), "server 100", "another type has another total");
  await p.hover(2, 0.1);
  like(await p.text(".tooltip"), /^idle\n/, "and the heaviest is at the left");
  await p.page.getByRole("button", {name: "By name"}).click();
  await p.settle();
  await p.hover(2, 0.95);
  like(await p.text(".tooltip"), /^serve\n/, "or the first of the names");
  is(await p.hash(), "#type=requests&order=name", "the address tells both");
  await p.page.getByRole("button", {name: "Callers"}).click();
  await p.settle();
  await p.hover(1, 0.2);
  like(await p.text(".tooltip"), /^idle\n/, "callers begin with what holds something");
  await p.hover(2, 0.2);
  like(await p.text(".tooltip"), /^main\n/, "and then who called it");
  await p.context.close();
  const again = await open("flame.html", "type=requests&tree=callers&flip=1&search=idle");
  is(await again.text(".result"), "1 function, 90.0%", "an address brings all back");
  const bottom = await again.page.locator(".window canvas:first-child").evaluate((canvas) => Math.floor(canvas.clientHeight));
  ok(await again.isPainted((bottom - ROW) / ROW, 0.5) && !await again.isPainted(0, 0.5), "upside down, the root is below");
  await again.context.close();
  const odd = await open("flame.html", "type=nothing&zoom=99999&tree=x&order=%F0");
  like(await odd.status(), /^all /, "an address that names nothing shows all");
  await odd.context.close();
}

async function testDifference() {
  const p = await open("diff.html");
  is(await p.text("summary"), "server 1us before", "a difference says what was before");
  like(await p.status(), /^all change \+200ns \(20\.0%\) · now 1\.20us \(120\.0%\) · before 1us \(100%\)/, "and what is now");
  const [parseRed, parseGreen] = await p.colour(3, 0.02), [idleRed, idleGreen] = await p.colour(2, 0.99);
  ok(parseRed > parseGreen + 30, "what is more is red", `${parseRed} ${parseGreen}`);
  ok(idleGreen > idleRed + 30, "what is less is green", `${idleRed} ${idleGreen}`);
  await p.hover(3, 0.02);
  like((await p.text(".tooltip")).replace(/\s+/g, " "), /change \+400ns 40\.0% now 800ns 80\.0% before 400ns 40\.0%/, "a tooltip has all three");
  is((await p.functions())[0], "+400ns 40.0% +400ns 40.0% parse", "the table is of changes");
  ok((await p.functions()).includes("-200ns 20.0% -200ns 20.0% idle"), "of both signs", (await p.functions()).join("|"));
  await p.context.close();
}

async function testWide() {
  const p = await open("wide.html"), start = Date.now();
  is(await p.text("summary"), "server 61.80us", "a page of many boxes");
  await p.click(2, 0.5);
  await p.press("Escape");
  ok(Date.now() - start < 5000, "answers in time", `${Date.now() - start} ms`);
  const height = await p.page.locator(".scroll").evaluate((node) => node.scrollHeight > node.clientHeight);
  ok(height, "what is deep can be scrolled");
  await p.page.locator(".scroll").evaluate((node) => node.scrollTop = node.scrollHeight);
  await p.settle();
  ok(await p.isPainted(20, 0.01), "and is painted there");
  await p.context.close();
}

async function testAppearance() {
  const dark = await open("flame.html", "", {colorScheme: "dark"}), light = await open("flame.html", "", {colorScheme: "light"});
  const paper = (p) => p.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  ok(await paper(dark) !== await paper(light), "dark is dark, and light light");
  ok((await dark.colour(2, 0.05)).join() !== (await light.colour(2, 0.05)).join(), "boxes too");
  await dark.page.emulateMedia({colorScheme: "light"});
  await dark.settle();
  is((await dark.colour(2, 0.05)).join(), (await light.colour(2, 0.05)).join(), "as soon as that changes");
  await dark.context.close();
  await light.context.close();
  const narrow = await open("flame.html", "", {viewport: {width: 400, height: 800}});
  ok(await narrow.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "a narrow window has no part outside");
  await narrow.click(2, 0.3);
  like(await narrow.status(), /^serve /, "and the same can be done in it");
  await narrow.context.close();
}

async function testConfinement() {
  const p = await open("flame.html"), before = complaints.length;
  const ran = await p.page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.injected = true";
    document.body.append(script);
    return Boolean(window.injected);
  });
  ok(!ran, "no other script runs in the page");
  const loaded = await p.page.evaluate(() => fetch("data:,x").then(() => true, () => false));
  ok(!loaded, "nothing is loaded");
  complaints.length = before; // the browser's, about these two
  await p.context.close();
}

for (const test of [testFirstLook, testZoom, testMotion, testKeys, testSearch, testTable, testChoices, testDifference, testWide, testAppearance, testConfinement])
  await test().catch((error) => ok(false, test.name, error.stack));
is(complaints.join("\n"), "", "the browser complained of nothing");
is(requests.filter((url) => !url.startsWith("file:") && !url.startsWith("data:")).join(" "), "", "the pages asked nobody for anything");
await browser.close();
done();
