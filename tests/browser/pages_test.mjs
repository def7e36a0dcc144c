// The pages of -http in a browser: "node pages_test.mjs SONDE FOLDER PICTURES", with the profiles that tests/e2e/pages_test.sh makes.
// Numbers on the pages are held against -json; a picture of each view is kept for a person.  Prints TAP.
import {existsSync, mkdirSync, readFileSync} from "node:fs";
import {createServer} from "node:http";
import {createRequire} from "node:module";
import {asked, viewOf} from "../../web/app_state.js";
import {launch, output, serve} from "./lib.mjs";
import {done, is, like, ok, skip} from "./tap.mjs";

const [sonde, folder, pictures] = process.argv.slice(2), SAID = /Serving web UI on (.*)\/\n/;
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js"), WAIT = {timeout: 20000}, STEP_MS = 20;
const VIEWS = ["flamegraph", "top", "graph", "peek", "source", "disasm", "traces", "difference"], OF_RECORD = ["timeline", "death"];
const browser = await launch(), complaints = [], foreign = [];
mkdirSync(pictures, {recursive: true});

const pages = (...options) => serve(sonde, ["-http=localhost:", "-no_browser", `-source_path=${process.cwd()}`, ...options], SAID,
  {HOME: folder, XDG_CONFIG_HOME: `${folder}/config`});
const json = (views, ...options) => JSON.parse(output(sonde, `-json=${views}`, ...options));

/** A browser's page with what is asked of it often. */
async function open(url, path, options = {}) {
  const context = await browser.newContext({viewport: {width: 1280, height: 800}, reducedMotion: "reduce", acceptDownloads: true, bypassCSP: options.bypassCSP ?? false, ...options});
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && !/status of (4|5)/.test(message.text()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => request.url().startsWith(url) || request.url().startsWith("data:") || foreign.push(request.url()));
  const p = {
    page, context,
    /** Until what the address says is there, or an error is; the address may still change. */
    shown: async () => {
      const isShown = (wanted) => document.documentElement.dataset.shown === wanted || document.querySelector(".alert:not([hidden])") !== null;
      for (let ms = 0; ms < WAIT.timeout; ms += STEP_MS) {
        const address = new URL(page.url());
        if (await page.evaluate(isShown, `${viewOf(address.pathname).path}?${asked(address.searchParams)}`))
          return;
        await page.waitForTimeout(STEP_MS);
      }
      throw new Error(`nothing is shown at ${page.url()}`);
    },
    go: async (to) => {
      await page.goto(url + to);
      await p.shown();
    },
    /** An item of a menu in the header. */
    choose: async (menu, item) => {
      await page.locator(".menus button[aria-haspopup]").filter({hasText: menu}).click();
      await page.getByRole("menuitem", {name: new RegExp(`^${item}`)}).first().click();
      await page.waitForTimeout(30);
      await p.shown();
    },
    alert: () => page.locator(".alert").innerText(),
    address: () => page.evaluate(() => decodeURIComponent(location.pathname + location.search)),
    result: async () => {
      await page.waitForFunction(() => document.querySelector(".result").textContent, null, WAIT);
      return page.locator(".result").innerText();
    },
    /** Rows of -top as the page has them: flat, cum, name. */
    rows: () => page.locator("table.top tbody tr:not([hidden])").evaluateAll((rows) => rows.map((row) =>
      [...row.querySelectorAll("[data-value]")].map((cell) => cell.dataset.value).join(" ") + " " + row.querySelector(".name-button").textContent).join("\n")),
    picture: (name) => page.screenshot({path: `${pictures}/${name}.png`}),
  };
  if (path)
    await p.go(path);
  return p;
}

const topOf = (document) => document.top.map((row) => `${row.flat} ${row.cum} ${row.name}`).join("\n");

/** What axe finds that matters. */
async function seriousFaults(p) {
  await p.page.addScriptTag({path: AXE});
  return p.page.evaluate(async () => {
    const found = await globalThis.axe.run(document, {resultTypes: ["violations"]});
    return found.violations.filter(({impact}) => impact === "serious" || impact === "critical")
      .map(({id, nodes}) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")}`).join("\n");
  });
}

/** Each view of a profile: it is there, says nothing wrong, and its numbers are those of -json. */
async function testViews(name, profile, focus, views) {
  const server = await pages(profile), p = await open(server.url), all = json("top,graph,samples", "-nodecount=500", profile);
  for (const view of views) {
    await p.go(`/${view}${["peek", "source", "disasm"].includes(view) ? `?f=${encodeURIComponent(focus)}` : ""}`);
    const text = await p.page.locator("main").innerText(), alert = await p.page.locator(".alert").isHidden() ? "" : await p.alert();
    ok(alert === "" && text.length > 10, `${name}: ${view} is shown`, alert || text);
    await p.picture(`${name}-${view}`);
    await checkNumbers(p, name, view, focus, all, profile);
  }
  await server.stop();
  await p.context.close();
}

/** A number as it is printed: "119.64MB", "1.05s", "12"; "." is 0. */
function parsed(text) {
  const units = {"": 1, B: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, ns: 1, us: 1e3, ms: 1e6, s: 1e9, mins: 60e9, hrs: 3600e9};
  const [, number, unit] = /^\s*(-?[\d.]+)\s*([A-Za-z]*)/.exec(text) ?? [null, "0", ""];
  return text.trim() === "." ? 0 : Number(number) * units[unit];
}

const isNear = (got, wanted) => Math.abs(got - wanted) <= 0.01 * Math.abs(wanted) + 1;

/** Boxes have the values of -json; so have their texts, and those of the arrows. */
async function checkGraph(p, name, profile) {
  const {nodes, edges} = json("graph", "-nodecount=150", "-nodefraction=0", "-edgefraction=0", profile).graph, ids = new Map(nodes.map((node) => [node.id, node]));
  const boxes = await p.page.locator("g.node[role='button']").evaluateAll((all) => all.map((group) => ({...group.dataset, number: group.id, text: [...group.querySelectorAll("text")].map((line) => line.textContent).join("\n")})));
  const wrong = boxes.filter((box) => !nodes.some((node) => node.name === box.name && node.flat === Number(box.flat) && node.cum === Number(box.cum)));
  ok(boxes.length > 0 && !wrong.length, `${name}: the boxes of the graph are nodes of -json`, JSON.stringify(wrong));
  const untold = boxes.filter((box) => box.flat !== box.cum && box.cum !== "0" && !box.text.split("\n").some((line) => isNear(parsed(line.replace(/^.*of /, "")), Number(box.cum))));
  is(untold.map((box) => `${box.name} ${box.cum}: ${box.text}`).join("\n"), "", `${name}: their texts say so`);
  const shown = await p.page.evaluate(async () => (await (await fetch("/api/graph")).json()).data.nodes.map((node) => node.name));
  const arrows = await p.page.locator("g.edge").evaluateAll((all) => all.map((edge) => [edge.dataset.call, edge.querySelector("text")?.textContent ?? ""]));
  const calls = arrows.map(([call, text]) => [/^N(\d+)->N(\d+)$/.exec(call), text]).filter(([call, text]) => call && text)
    .map(([call, text]) => [shown[call[1] - 1], shown[call[2] - 1], text]);
  const odd = calls.filter(([from, to, text]) => !edges.some((edge) => ids.get(edge.from).name === from && ids.get(edge.to).name === to && isNear(parsed(text), edge.weight)));
  ok(calls.length > 0 && !odd.length, `${name}: its arrows are calls of -json`, JSON.stringify(odd));
}

/** What -json has of the functions that match, when all samples without them are left out. */
function functionsOf(profile, focus, ...options) {
  return json("top", "-nodecount=0", "-nodefraction=0", `-focus=${focus}`, ...options, profile).top.filter((row) => new RegExp(focus).test(row.name));
}

const sumOf = (numbers) => numbers.reduce((sum, number) => sum + number, 0);

/** Functions hold, with what they call, what -json says; their lines add up to what they hold themselves. */
async function checkSource(p, name, profile, focus) {
  const listed = await p.page.locator(".listed").evaluateAll((all) => all.map((one) => ({
    name: one.querySelector("h2").textContent, summary: one.querySelector(".summary").textContent,
    flats: [...one.querySelectorAll(".source-line")].map((line) => Number(line.querySelector(":scope > .flat, :scope > summary > .flat").dataset.value)),
  })));
  const rows = functionsOf(profile, focus), wrong = listed.filter((one) => {
    const [, flat, cum] = /^flat (\S+), cum (\S+) /.exec(one.summary), row = rows.find((r) => r.name === one.name);
    return !isNear(parsed(cum), row?.cum ?? 0) || !isNear(sumOf(one.flats), parsed(flat));
  });
  ok(listed.length > 0 && !wrong.length, `${name}: source lines add up, and functions are those of -json`, JSON.stringify(wrong.map(({name: n, summary, flats}) => [n, summary, sumOf(flats)])));
}

/** So do instructions, where calls are not inlined. */
async function checkDisassembly(p, name, profile, focus) {
  const texts = await p.page.locator(".instruction .flat").allInnerTexts(), sum = sumOf(texts.map(parsed));
  const wanted = sumOf(functionsOf(profile, focus, "-noinlines").map((row) => row.flat));
  ok(texts.length > 0 && isNear(sum, wanted), `${name}: instructions add up to what -json has of the functions`, `${sum}, ${wanted}`);
}

async function checkNumbers(p, name, view, focus, all, profile) {
  if (view === "top")
    is(await p.rows(), topOf(all), `${name}: the table is that of -json`);
  if (view === "flamegraph") {
    const total = await p.page.evaluate(async () => (await (await fetch("/api/top")).json()).data.total);
    is(total, all.total, `${name}: the total is that of -json`);
    like(await p.page.locator(".status").innerText(), /^all cum \S+ \(100%\)/, `${name}: all of it is in the flame graph`);
  }
  if (view === "peek") {
    const ids = new Map(all.graph.nodes.map((node) => [node.id, node])), node = all.graph.nodes.find((n) => new RegExp(focus).test(n.name));
    const wanted = all.graph.edges.filter((edge) => edge.to === node.id && !edge.residual).map((edge) => `${edge.weight} ${ids.get(edge.from).name}`).sort().join("\n");
    const got = await p.page.locator(`table.peek[data-function="${node.name}"] tr.edge`).evaluateAll((rows) => rows.filter((row) => row.querySelector(".kind").textContent === "caller")
      .map((row) => `${row.querySelector("[data-value]").dataset.value} ${row.querySelector(".name-button").textContent}`).sort().join("\n"));
    is(got, wanted, `${name}: callers are those of -json`);
  }
  if (view === "traces") {
    const got = await p.page.locator(".trace .head").evaluateAll((heads) => heads.map((head) => Number(head.dataset.value)));
    is(got.join(), all.samples.map((s) => s.value).sort((l, r) => Math.abs(r) - Math.abs(l)).slice(0, 200).join(), `${name}: samples are those of -json, the heaviest first`);
  }
  if (view === "graph")
    await checkGraph(p, name, profile);
  if (view === "source")
    await checkSource(p, name, profile, focus);
  if (view === "disasm")
    await checkDisassembly(p, name, profile, focus);
}

async function testMenus(profile, focus) {
  const server = await pages(profile), p = await open(server.url, "/top");
  const exact = `^${focus.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")}$`;
  for (const [view, title] of [["graph", "Graph"], ["traces", "Traces"], ["flamegraph", "Flame graph"], ["top", "Top"]]) {
    await p.choose("View", title);
    is(new URL(p.page.url()).pathname, `/${view}`, `View: ${title}`);
  }
  const types = json("top", profile).types;
  await p.choose("Sample", types[0].type);
  is(await p.rows(), topOf(json("top", "-nodecount=500", `-sample_index=${types[0].type}`, profile)), "Sample: another type's values");
  await p.page.goBack();
  await p.shown();
  is(await p.rows(), topOf(json("top", "-nodecount=500", profile)), "back: those before");
  for (const [item, flag] of [["Focus", "focus"], ["Ignore", "ignore"], ["Hide", "hide"], ["Show", "show"], ["Show from", "show_from"]]) {
    await p.go("/top");
    await p.page.locator(`.name-button[data-name="${focus}"]`).click({button: "right"});
    await p.page.getByRole("menuitem", {name: item, exact: true}).click();
    await p.page.waitForTimeout(30);
    await p.shown();
    is(await p.rows(), topOf(json("top", "-nodecount=500", `-${flag}=${exact}`, profile)), `right click: ${item}`);
    like(await p.page.locator(".chip").innerText(), new RegExp(`^${flag.replace("_", " ")}`), "the filter is shown");
  }
  await p.page.locator(".chip button").click();
  await p.shown();
  is(await p.page.locator(".chip").count(), 0, "and taken away by its button");
  await p.page.locator(`.name-button[data-name="${focus}"]`).click();
  await p.page.getByRole("menuitem", {name: "Peek"}).click();
  await p.page.waitForTimeout(30);
  await p.shown();
  ok(await p.page.locator(".peek").count() === 1 && (await p.address()).startsWith("/peek?f=^"), "an exact name is peeked at", await p.address());
  await p.choose("Refine", "Reset");
  is(await p.address(), "/peek", "Refine: Reset takes all filters away");
  await server.stop();
  await p.context.close();
}

async function testConfigs(profile) {
  const server = await pages(profile), p = await open(server.url, "/top?g=lines&n=20");
  const file = `${folder}/config/pprof/settings.json`;
  p.page.once("dialog", (dialog) => dialog.accept("by line"));
  await p.choose("Config", "Save as");
  await p.page.waitForTimeout(200);
  ok(existsSync(file) && JSON.parse(readFileSync(file, "utf8")).configs[0].granularity === "lines", "Config: settings are saved");
  await p.choose("Config", "Default");
  is(await p.address(), "/top", "Config: the usual ones");
  await p.choose("Config", "by line");
  is(await p.address(), "/top?g=lines&n=20", "Config: saved ones");
  p.page.once("dialog", (dialog) => dialog.accept());
  await p.choose("Config", "Delete by line");
  await p.page.waitForTimeout(200);
  is(JSON.parse(readFileSync(file, "utf8")).configs.length, 0, "Config: they are deleted");
  const [download] = await Promise.all([p.page.waitForEvent("download"), p.page.getByText("Download").click()]);
  is(json("top", await download.path()).total, json("top", profile).total, "Download: the profile");
  await server.stop();
  await p.context.close();
}

async function testControls(labelled) {
  const server = await pages(labelled), p = await open(server.url, "/top");
  await p.page.getByText("Settings").click();
  const set = async (label, act) => {
    await act(p.page.locator(".fields label").filter({hasText: label}).locator("input, select"));
    await p.page.waitForTimeout(30);
    await p.shown();
    return p.rows();
  };
  const wanted = (...options) => topOf(json("top", "-nodecount=500", ...options, labelled));
  is(await set("Granularity", (field) => field.selectOption("lines")), wanted("-lines"), "granularity");
  is(await set("Granularity", (field) => field.selectOption("")), wanted(), "and back");
  is(await set("Tag root", async (field) => { await field.fill("route"); await field.press("Enter"); }), wanted("-tagroot=route"), "tagroot");
  is(await set("Tag root", async (field) => { await field.fill(""); await field.press("Enter"); }), wanted(), "none");
  is(await set("Tag leaf", async (field) => { await field.fill("route"); await field.press("Enter"); }), wanted("-tagleaf=route"), "tagleaf");
  await set("Tag leaf", async (field) => { await field.fill(""); await field.press("Enter"); });
  is(await set("Nodes", async (field) => { await field.fill("2"); await field.press("Enter"); }), wanted("-nodecount=2"), "nodecount");
  await set("Unit", (field) => field.selectOption("us"));
  like(await p.page.locator("table.top .value").first().innerText(), /us$/, "unit");
  await set("No inlined calls", (field) => field.check());
  like(await p.address(), /noinlines=t/, "switches");
  await p.picture("controls");
  await server.stop();
  await p.context.close();
}

async function testSearch(profile, focus) {
  const server = await pages(profile), p = await open(server.url, "/top"), all = json("top", "-nodecount=500", "-nodefraction=0", profile);
  const part = Math.abs(json("top", `-focus=${focus}`, "-relative_percentages", profile).total / all.total) * 100;
  await p.page.keyboard.press("/");
  await p.page.keyboard.type(focus);
  const got = await p.result();
  ok(Math.abs(Number(/, ([\d.]+)%$/.exec(got)?.[1]) - part) < 0.06, "what is searched for has a share of the total", `${got}, ${part}`);
  ok((await p.rows()).split("\n").every((row) => row.includes(focus)), "rows that match are shown");
  await p.page.keyboard.press("Enter");
  await p.page.waitForTimeout(30);
  await p.shown();
  is(await p.address(), `/top?f=${focus}`, "Enter focuses on it");
  await p.go("/flamegraph");
  await p.page.keyboard.press("/");
  await p.page.keyboard.type(focus);
  like(await p.result(), /^\d+ functions?, ≥? ?[\d.]+%$/, "in the flame graph, too");
  await p.page.keyboard.press("Enter");
  like(await p.page.locator(".status").innerText(), new RegExp(focus), "where Enter goes to what is found");
  is(await p.address(), `/flamegraph?search=${focus}`, "the address has it");
  await server.stop();
  await p.context.close();
}

/** A link shows the same again; back and forward too. */
async function testAddresses(profile, focus) {
  const server = await pages(profile), p = await open(server.url, "/flamegraph"), canvas = ".window canvas:first-child";
  const pixels = (page) => page.evaluate((selector) => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() =>
    resolve(document.querySelector(selector).toDataURL())))), canvas);
  const becomes = async (wanted) => { // a busy machine draws late
    for (let i = 0; i < 50 && await pixels(p.page) !== wanted; i++)
      await p.page.waitForTimeout(100);
    return await pixels(p.page) === wanted;
  };
  await p.page.locator(".functions tbody tr").first().waitFor();
  const before = await pixels(p.page), box = await p.page.locator(canvas).boundingBox();
  await p.page.mouse.click(box.x + 20, box.y + 5.5 * 21);
  like(await p.address(), /zoom=\d+/, "a zoom is in the address");
  const zoomed = await pixels(p.page);
  ok(zoomed !== before, "it is seen");
  await p.page.goBack();
  ok(await becomes(before), "back: as before");
  await p.page.goForward();
  ok(await becomes(zoomed), "forward: as after");
  await p.page.keyboard.press("f");
  const other = await open(server.url, (await p.address()));
  await other.page.mouse.move(0, 0);
  ok(await pixels(other.page) !== zoomed, "what is upside down is seen");
  const flipped = await open(server.url, (await p.address()));
  ok(await pixels(flipped.page) === await pixels(other.page), "a link shows the same");
  await p.page.getByRole("button", {name: "Callers"}).click();
  await p.page.waitForTimeout(30);
  await p.shown();
  like(await p.address(), /tree=callers/, "so it is with callers");
  is(await p.page.getByRole("button", {name: "Callers"}).getAttribute("aria-pressed"), "true", "which are shown");
  await p.page.goBack();
  await p.shown();
  is(await p.page.getByRole("button", {name: "Callees"}).getAttribute("aria-pressed"), "true", "back to callees");
  await p.go(`/top?f=${focus}&column=cum`);
  is(await p.page.locator("th.cum").getAttribute("aria-sort"), "descending", "a table's order is in the address");
  for (const one of [p, other, flipped])
    await one.context.close();
  await server.stop();
}

async function testKeyboard(profile, focus) {
  const server = await pages(profile), p = await open(server.url, "/flamegraph"), {keyboard} = p.page;
  for (let i = 0; i < 6 && !(await p.page.evaluate(() => document.activeElement.textContent.startsWith("View"))); i++)
    await keyboard.press("Tab");
  await keyboard.press("ArrowDown");
  is(await p.page.evaluate(() => document.activeElement.getAttribute("role")), "menuitem", "a menu opens by a key");
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await p.page.waitForTimeout(30);
  await p.shown();
  is(await p.address(), "/top", "its items are chosen by keys");
  await p.page.locator(`.name-button[data-name="${focus}"]`).focus();
  await keyboard.press("Enter");
  await keyboard.press("Escape");
  is(await p.page.evaluate(() => document.activeElement.dataset.name), focus, "Esc closes a menu, and the focus is where it was");
  await keyboard.press("m");
  for (let i = 0; i < 3; i++)
    await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await p.page.waitForTimeout(30);
  await p.shown();
  like(await p.address(), /^\/top\?f=/, "what can be done with a function is done by keys");
  await keyboard.press("3");
  await p.page.waitForTimeout(30);
  await p.shown();
  is(new URL(p.page.url()).pathname, "/graph", "views have keys");
  await p.page.locator("g.node[tabindex]").first().focus();
  await keyboard.press("ArrowRight");
  await keyboard.press("+");
  like(await p.page.locator(".graph-frame svg > g").getAttribute("transform"), /^matrix\(1\.2 0 0 1\.2 -/, "the graph is moved and scaled by keys");
  await keyboard.press("Enter");
  await p.page.waitForTimeout(30);
  await p.shown();
  like(await p.address(), /^\/graph\?f=\^/, "and focused");
  await p.go("/flamegraph");
  await p.page.locator(".window canvas:first-child").focus();
  for (const key of ["ArrowDown", "ArrowDown", "m"])
    await keyboard.press(key);
  is(await p.page.locator(".menu.context [role='menuitem']").count(), 9, "a box has its menu");
  await p.picture("context-menu");
  await server.stop();
  await p.context.close();
}

/** Names that would be code in a page are text in each view. */
async function testHostile(profile) {
  const server = await pages(profile), p = await open(server.url);
  let dialogs = 0;
  p.page.on("dialog", (dialog) => {
    dialogs++;
    return dialog.dismiss();
  });
  for (const view of VIEWS) {
    await p.go(`/${view}?tagroot=evil`);
    const state = await p.page.evaluate(() => [globalThis.hacked, document.querySelectorAll("main script, main img, main iframe, header script, [onerror]").length].join());
    is(state, ",0", `hostile names: ${view}`);
    await p.picture(`hostile-${view}`);
  }
  await p.go("/top");
  ok((await p.rows()).includes("<script>hacked=1</script>"), "they are shown as they are");
  await p.page.getByText("<script>hacked=1</script>").click();
  await p.page.getByRole("menuitem", {name: "Focus"}).click();
  await p.page.waitForTimeout(30);
  await p.shown();
  is((await p.rows()).split("\n").length, 2, "and can be focused on");
  await p.go("/flamegraph?f=%28&si=cpu");
  like(await p.alert(), /parsing focus regexp/, "a wrong parameter is told of on the page");
  await p.go("/top?load=77");
  like(await p.alert(), /no load number 77/, "so is a load that is gone");
  is(dialogs, 0, "nothing of them ran");
  await server.stop();
  await p.context.close();
}

async function testLooks(name, profile, focus, views) {
  const server = await pages(profile), p = await open(server.url, "", {colorScheme: "dark", bypassCSP: true});
  for (const view of views) {
    await p.go(`/${view}${["peek", "source", "disasm"].includes(view) ? `?f=${encodeURIComponent(focus)}` : ""}`);
    await p.picture(`${name}-${view}-dark`);
    is(await seriousFaults(p), "", `axe finds nothing serious: ${name}, ${view}, dark`);
    await p.page.emulateMedia({colorScheme: "light"});
    is(await seriousFaults(p), "", "nor light");
    await p.page.setViewportSize({width: 390, height: 800});
    await p.page.waitForTimeout(50);
    is(await seriousFaults(p), "", "nor on a phone, light");
    await p.page.emulateMedia({colorScheme: "dark"});
    is(await seriousFaults(p), "", "or dark");
    const wide = await p.page.evaluate(() => document.documentElement.scrollWidth);
    ok(wide <= 390, "it fits on a phone", wide);
    await p.picture(`${name}-${view}-phone`);
    await p.page.setViewportSize({width: 1280, height: 800});
  }
  await p.go("/top");
  await p.page.locator(".menus button").first().click();
  is(await seriousFaults(p), "", "nor in an open menu");
  await server.stop();
  await p.context.close();
}

async function testLive() {
  const server = await serve(sonde, ["run", "-http=localhost:0", "-rate=16KiB", "--", `${process.env.PROGRAMS}/shelves`, "on"], /pages at (.*)\/, profiles/);
  const p = await open(server.url);
  for (let i = 0; i < 100 && !(await fetch(`${server.url}/debug/pprof/heap`)).ok; i++) // it has allocated nothing yet
    await p.page.waitForTimeout(100);
  await p.page.waitForTimeout(300);
  await p.go("/flamegraph");
  const total = () => p.page.locator(".total").innerText(), first = await total();
  await p.page.waitForTimeout(400);
  await p.page.getByRole("button", {name: "Refresh"}).click();
  await p.page.waitForFunction((text) => document.querySelector(".total")?.textContent !== text, first, WAIT);
  ok(await total() !== first, "Refresh: what is there now", `${first}, ${await total()}`);
  await p.choose("Moments", "Difference against the first load");
  like(await p.address(), /^\/difference\?base=1/, "a difference against the first load");
  like(await p.page.locator(".status").innerText(), /change \+.* now .* before /, "it tells of both");
  await p.picture("live-difference");
  await p.choose("Moments", "First load");
  await p.choose("View", "Flame graph");
  is(await total(), first, "the first load is still there");
  await p.choose("View", "Time line");
  is(await p.page.locator(".mark.known").count(), 2, "the time line has the loads");
  await p.picture("live-timeline");
  await p.page.locator(".chart").focus();
  await p.page.keyboard.press("Home");
  await p.page.keyboard.press("Enter");
  await p.page.waitForTimeout(30);
  await p.shown();
  is(await p.address(), "/flamegraph?load=1", "a place on it opens the nearest heap that is known");
  is(await p.page.evaluate(async () => (await fetch("/debug/pprof/heap")).status), 200, "the endpoints are beside it");
  await server.stop();
  await p.context.close();
}

/** A server that has a heap, and a CPU profile for who asks for 10 seconds of it. */
async function testRecord(heap, cpu) {
  let asked = "";
  const http = createServer((request, response) => {
    const isCpu = request.url.startsWith("/debug/pprof/profile");
    asked += isCpu ? request.url : "";
    response.end(readFileSync(isCpu ? cpu : heap));
  });
  await new Promise((listening) => http.listen(0, "127.0.0.1", listening));
  const server = await pages(`http://127.0.0.1:${http.address().port}/debug/pprof/heap`), p = await open(server.url, "/flamegraph");
  await p.page.getByRole("button", {name: "Record CPU"}).click();
  await p.page.waitForURL(/load=2/, WAIT);
  await p.shown();
  is(asked, "/debug/pprof/profile?seconds=10", "Record CPU asks the same server");
  like(await p.page.locator(".total").innerText(), /cpu/, "and shows what came");
  await server.stop();
  http.close();
  await p.context.close();
}

async function testTimeLine(record) {
  const server = await pages(record), p = await open(server.url, "/timeline"), line = await p.page.evaluate(async () => (await fetch("/api/timeline")).json());
  const most = Math.max(...line.ticks.map((t) => Math.max(t.heap, t.resident, t.cgroup)));
  const text = await p.page.locator(".mark-text.peak").textContent();
  like(text, /^peak [\d.]+[kMG]B$/, "the peak is marked");
  ok(Math.abs(Number(/[\d.]+/.exec(text)[0]) * {k: 2 ** 10, M: 2 ** 20, G: 2 ** 30}[/([kMG])B/.exec(text)[1]] / most - 1) < 0.01, "with its value", text);
  await p.page.locator(".chart").click();
  await p.page.waitForTimeout(30);
  await p.shown();
  is(await p.address(), "/flamegraph?load=1", "a click opens the heap at the nearest moment that is known");
  await server.stop();
  await p.context.close();
  await testDeath("record", record, 0);
}

/** The page says what "sonde oom -json" says; with a limit its account adds up to that. */
async function testDeath(name, record, limit) {
  const server = await pages(record), p = await open(server.url, "/death"), oom = JSON.parse(output(sonde, "oom", "-json", record));
  const rows = await p.page.locator("table.account [data-line]").evaluateAll((all) => all.map((row) => `${row.dataset.line} ${row.querySelector("[data-value]").dataset.value}`));
  const left = oom.limit_bytes > oom.charge_bytes ? [`left ${oom.limit_bytes - oom.charge_bytes}`] : [];
  is(rows.join("\n"), [...oom.account.map(({line, bytes}) => `${line} ${bytes}`), ...left].join("\n"), `${name}: the account is that of sonde oom`);
  const total = Number(await p.page.locator("table.account tr.self [data-value]").getAttribute("data-value"));
  is(total, Math.max(limit, oom.charge_bytes), `${name}: it adds up to ${limit ? "the limit" : "the charge"}`);
  const widths = await p.page.locator(".account-bar .part").evaluateAll((boxes) => boxes.map((box) => box.getBoundingClientRect().width));
  const heaviest = oom.account[0].bytes / (limit || oom.charge_bytes), whole = widths.reduce((l, r) => l + r, 0);
  ok(whole > 0 ? Math.abs(widths[0] / whole - heaviest) < 0.06 : oom.charge_bytes === 0, `${name}: in the picture, too`, `${widths} ${heaviest}`);
  like(await p.page.locator(".verdict").innerText(), new RegExp(`^${oom.program} \\(process ${oom.pid}\\) ${limit ? "was killed after .*: out of memory" : ""}`), `${name}: the verdict`);
  is((await p.page.locator(".cause").innerText()).split("\n").filter((text) => text).join("\n"), [oom.sentence, ...oom.facts].join("\n"), `${name}: its evidence`);
  is(oom.next.length ? await p.page.locator(".next").innerText() : "", oom.next.join("\n"), `${name}: what to do next`);
  for (const view of ["death", "timeline"]) {
    await p.go(`/${view}`);
    const texts = await p.page.locator(".events li").evaluateAll((items) => items.map((item) => item.lastChild.textContent.trim()));
    is(texts.join("\n"), oom.events.map(({text}) => text).join("\n"), `${name}: ${view}: what happened on the way`);
    is(await p.page.locator(".mark.event").count(), oom.events.length, `${name}: ${view}: it is marked`);
  }
  await p.go("/death");
  like(await p.page.locator(".graph-part .status").innerText(), /^all cum \S+ \(100%\)/, `${name}: the heap at the end`);
  await server.stop();
  await p.context.close();
}

/** Pages that are handed around as one file: opened from disk, they ask nobody for anything. */
async function testFiles(name, ways, has) {
  const context = await browser.newContext({viewport: {width: 1280, height: 800}, reducedMotion: "reduce"}), page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => /^(file|data):/.test(request.url()) || foreign.push(request.url()));
  for (const [what, options] of Object.entries(ways)) {
    const path = `${folder}/${name}-${what}.html`;
    output(sonde, ...options.slice(0, -1), `-output=${path}`, options.at(-1));
    await page.goto(`file://${path}`);
    await page.waitForTimeout(300);
    const text = await page.locator("body").innerText();
    like(text, has, `${name}: ${what} opens from disk`);
    is(await page.evaluate(() => document.querySelectorAll("[src], link, [href^=http]").length), 0, `${name}: ${what} is one file`);
    is(await page.evaluate(() => typeof globalThis.hacked), "undefined", `${name}: ${what} runs nothing but its own script`);
    await page.screenshot({path: `${pictures}/file-${name}-${what}.png`});
  }
  await context.close();
}

async function testTen(profile) {
  const server = await pages(profile), views = ["flamegraph", "top", "graph", "peek?f=main", "traces"];
  const all = await Promise.all(Array.from({length: 10}, async (_, i) => {
    const p = await open(server.url);
    for (let k = 0; k < 3; k++)
      await p.go(`/${views[(i + k) % views.length]}${k === 2 ? `${views[(i + k) % views.length].includes("?") ? "&" : "?"}i=none${i}` : ""}`);
    const fine = await p.page.locator(".alert").isHidden();
    await p.context.close();
    return fine;
  }));
  is(all.filter((fine) => fine).length, 10, "ten browsers at once are answered");
  await server.stop();
}

const file = (name) => `${folder}/${name}`;
const tests = [
  ...existsSync(file("go.pb.gz")) ? [() => testViews("go", file("go.pb.gz"), "main.spin", VIEWS)] : [() => skip("the views of a Go profile", "no go")],
  () => testViews("record", file("record"), "shelf::Keeper", [...VIEWS, ...OF_RECORD]),
  () => testViews("cpp", file("cpp.pb.gz"), "work", VIEWS),
  () => testMenus(file("record"), "main"),
  () => testConfigs(file("labelled.pb.gz")),
  () => testControls(file("labelled.pb.gz")),
  () => testSearch(file("labelled.pb.gz"), "parse"),
  () => testAddresses(file("record"), "main"),
  () => testKeyboard(file("record"), "main"),
  () => testHostile(file("hostile.pb.gz")),
  () => testLooks("record", file("record"), "shelf::Keeper", [...VIEWS, ...OF_RECORD]),
  () => testLive(),
  () => testRecord(file("record"), file("cpp.pb.gz")),
  () => testTimeLine(file("record")),
  ...existsSync(file("oom")) ? [
    () => testViews("oom", file("oom"), "remember", [...VIEWS, ...OF_RECORD]), () => testDeath("oom", file("oom"), 128 << 20),
    () => testLooks("oom", file("oom"), "remember", OF_RECORD),
  ] : [() => skip("the views of an OOM kill's record", "no control group can be made")],
  () => testFiles("record", {flame: ["-flame", file("record")], lines: ["-flame", "-lines", "-focus=Keeper", file("record")], code: ["-weblist=Keeper", file("record")]}, /Keeper/),
  () => testFiles("hostile", {flame: ["-flame", file("hostile.pb.gz")], difference: ["-flame", `-diff_base=${file("labelled.pb.gz")}`, file("hostile.pb.gz")]}, /<script>hacked=1<.script>/),
  ...existsSync(file("oom")) ? [() => testFiles("oom", {death: ["oom", "-html", file("oom")], flame: ["-flame", file("oom")]}, /remember/)] : [],
  () => testTen(file("wide.pb.gz")),
];
for (const test of tests)
  await Promise.resolve(test()).catch((error) => ok(false, String(test), error.stack));
is(complaints.join("\n"), "", "the browser complained of nothing");
is(foreign.join("\n"), "", "the pages asked nobody else for anything");
await browser.close();
done();
