// Test Anything Protocol.
let count = 0, failed = 0;

export function ok(holds, name, detail = "") {
  console.log(`${holds ? "ok" : "not ok"} ${++count} - ${name}`);
  if (!holds && detail !== "")
    console.log(`#  got: ${detail}`.replaceAll("\n", "\n#       "));
  failed += holds ? 0 : 1;
}

export const is = (got, wanted, name) => ok(got === wanted, name, `${got}\nwant: ${wanted}`);
export const like = (got, wanted, name) => ok(wanted.test(got), name, `${got}\nwant: ${wanted}`);

/** A fact that cannot be tested here. */
export const skip = (name, reason) => console.log(`ok ${++count} - ${name} # SKIP ${reason}`);

/** The plan, and the status. */
export function done() {
  console.log(`1..${count}`);
  process.exit(failed ? 1 : 0);
}
