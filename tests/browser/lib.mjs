// For the tests in a browser: the browser, and programs beside it.
import {spawn, spawnSync} from "node:child_process";
import {chromium} from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export const launch = () => chromium.launch({executablePath: process.env.CHROMIUM, args: FLAGS});

/** What a program prints. */
export function output(program, ...options) {
  const got = spawnSync(program, options, {maxBuffer: 1 << 30, encoding: "utf8"});
  return got.stdout;
}

/** Starts a program that says where it serves; resolves to {url, pid, stop}. */
export function serve(program, options, said, env = {}) {
  const child = spawn(program, options, {env: {...process.env, ...env}, stdio: ["ignore", "ignore", "pipe"]});
  let text = "";
  return new Promise((resolve, reject) => {
    child.stderr.on("data", (bytes) => {
      text += bytes;
      const found = said.exec(text);
      if (found)
        resolve({url: found[1], pid: child.pid, stop: () => new Promise((stopped) => {
          child.on("exit", stopped);
          child.kill();
        })});
    });
    child.on("exit", () => reject(new Error(`${program} ${options.join(" ")}: ${text}`)));
  });
}
