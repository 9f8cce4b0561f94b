// @ts-check
// Checks of a draw that anybody can do alone: the server's word counts for nothing that can
// be reckoned here. docs/fairness.md tells the bytes. No DOM.
//
// What this cannot do: the beacon's signature is of a kind that browsers do not know, and one
// bucket is a thousandth of the list. `onsale verify` checks all of it.

const BUCKETS = 1_024;
const STUB_BYTES = 16;
const LEAST_MS = 1_000; // so long before its round a list is told at least

/**
 * @typedef {"ok" | "bad" | "weak" | "open"} Mark what came of a check: `weak` holds, and proves
 *   less than it should; `open` is not to be done here
 */
/** @typedef {{name: string, mark: Mark}} Check */

const text = new TextEncoder();

/** @param {...(string | Uint8Array)} parts @returns {Uint8Array} */
function joined(...parts) {
  const all = parts.map((part) => (typeof part === "string" ? text.encode(part) : part));
  const whole = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {...(string | Uint8Array)} parts */
const hash = async (...parts) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", /** @type {any} */ (joined(...parts))));

/** @param {string} hex @returns {Uint8Array} */
export const bytesOf = (hex) =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** @param {Uint8Array} bytes */
export const hexOf = (bytes) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** @param {string} base64 @returns {Uint8Array} */
const unpacked = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** @param {number} number @returns {Uint8Array} as 8 bytes */
function long(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

/**
 * One spelling of JSON for each document: members in order, nothing between them.
 * @param {any} value @returns {string}
 */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map(
    (name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

/** @param {string} stub in hex @returns {number} which bucket of the list it is in */
export const bucketOf = (stub) => Number.parseInt(stub.slice(0, 3), 16) >> 2;

/** @param {string} entry the secret id of a place @returns {Promise<string>} its public half */
export const stubOf = async (entry) => hexOf((await hash("onsale entry 1\n", entry)).slice(0, STUB_BYTES));

/** @param {Uint8Array} one @param {Uint8Array} other @returns {number} as of two texts */
function compared(one, other) {
  const at = one.findIndex((byte, index) => byte !== other[index]);
  return at < 0 ? 0 : one[at] - other[at];
}

/** @param {Uint8Array} bytes @param {number} size @returns {Uint8Array[]} */
const cut = (bytes, size) =>
  Array.from({ length: bytes.length / size }, (_, at) => bytes.slice(at * size, (at + 1) * size));

/** @param {boolean} good @returns {Mark} */
const mark = (good) => (good ? "ok" : "bad");

/**
 * Whether the commitment that was shown before anybody joined holds.
 * @param {any} line as `GET …/line` has it @returns {Promise<Check[]>}
 */
export async function checkPromise({ rules, rules_hash, commitment, seed }) {
  const hashed = await hash(canonical(rules));
  const checks = [{ name: "rules", mark: mark(hexOf(hashed) === rules_hash) }];
  if (seed !== null) {
    const opened = await hash("onsale line commitment 1\n", bytesOf(seed), hashed);
    checks.push({ name: "commitment", mark: mark(hexOf(opened) === commitment) });
  }
  return checks;
}

/**
 * Whether the statement of the list is signed, was told in time, and is that of the line.
 * @param {any} line @param {string | null} key the receipt key, in hex
 * @param {{arrived_ms: number, waited: boolean, frame: any} | null} witness how this browser
 *   heard of it: whether it waited for it then, and when, by its own clock
 * @returns {Promise<Check[]>}
 */
export async function checkStatement(line, key, witness) {
  const { statement: told, rules } = line;
  const same = ["event", "draw", "root", "entries", "commitment", "round"].every(
    (name) => told[name] === line[name]);
  const { beacon } = rules;
  const timely = beacon === null || told.round === null ||
    (told.round_at_ms === 1_000 * (beacon.genesis_s + (told.round - 1) * beacon.period_s) &&
      told.at_ms <= told.round_at_ms - LEAST_MS);
  const checks = [{ name: "statement", mark: mark(same && timely) },
    { name: "signature", mark: await signedBy(key, told, line.signature) }];
  if (witness !== null && witness.frame.draw === line.draw) {
    const { op: _, signature, ...heard } = witness.frame;
    checks.push({ name: "told", mark: mark(
      canonical(heard) === canonical(told) && signature === line.signature) });
    if (told.round_at_ms !== null) {
      // Who came later hears it later; and the clock of a device may be wrong.
      const late = witness.waited ? "weak" : "open";
      const early = witness.arrived_ms < told.round_at_ms;
      checks.push({ name: "early", mark: /** @type {Mark} */ (early ? "ok" : late) });
    }
  }
  return checks;
}

/** @param {string | null} key @param {any} told @param {string} signature @returns {Promise<Mark>} */
async function signedBy(key, told, signature) {
  if (key === null) return "open";
  try {
    const public_ = await crypto.subtle.importKey(
      "raw", /** @type {any} */ (bytesOf(key)), "Ed25519", false, ["verify"]);
    const message = joined("onsale line fixed 1\n", canonical(told));
    return mark(await crypto.subtle.verify(
      "Ed25519", public_, /** @type {any} */ (bytesOf(signature)), /** @type {any} */ (message)));
  } catch (error) {
    // A browser that does not know this kind of signature.
    if (/** @type {Error} */ (error).name === "NotSupportedError") return "open";
    throw error;
  }
}

/**
 * Whether a place is on the list that was told.
 * @param {any} line @param {any} proof as `GET …/line/entrants` has it @param {string} stub
 * @returns {Promise<Check[]>}
 */
export async function checkListed(line, proof, stub) {
  const bucket = bucketOf(stub);
  const stubs = cut(unpacked(proof.stubs), STUB_BYTES);
  const hashes = cut(unpacked(proof.hashes), 32);
  hashes.splice(bucket, 0, await hash("onsale line bucket 1\n", ...stubs));
  const root = hexOf(await hash("onsale line entrants 1\n", long(line.entries), ...hashes));
  const ordered = stubs.every((one, at) => bucketOf(hexOf(one)) === bucket &&
    (at === 0 || compared(stubs[at - 1], one) < 0));
  const whole = proof.bucket === bucket && hashes.length === BUCKETS && ordered;
  const told = line.statement?.root ?? line.root;
  return [
    { name: "root", mark: mark(whole && root === told && proof.root === told) },
    { name: "listed", mark: mark(stubs.some((one) => hexOf(one) === stub)) },
  ];
}

/**
 * Whether a place is where its key puts it, among all of its bucket.
 * @param {any} line which is drawn @param {any} proof @param {string} stub
 * @param {number} rank that was told @returns {Promise<Check[]>}
 */
export async function checkOrder(line, proof, stub, rank) {
  const randomness = line.beacon === null ? new Uint8Array(32) : await hash(bytesOf(line.beacon));
  const key = await hash("onsale line key 1\n", bytesOf(line.seed), bytesOf(line.root),
    randomness, bytesOf(line.rules_hash));
  const stubs = cut(unpacked(proof.stubs), STUB_BYTES);
  const keyed = await Promise.all(stubs.map(async (one, at) => (
    { stub: hexOf(one), rank: proof.ranks[at], key: await hash(key, one) })));
  keyed.sort((one, other) => compared(one.key, other.key) || (one.stub < other.stub ? -1 : 1));
  const ascending = keyed.every((one, at) => Number.isInteger(one.rank) && one.rank >= 1 &&
    one.rank <= line.entries && (at === 0 || keyed[at - 1].rank < one.rank));
  const mine = keyed.find((one) => one.stub === stub);
  const checks = [{ name: "order", mark: mark(ascending && mine?.rank === rank) }];
  // Browsers know no signatures of this kind.
  if (line.beacon !== null) checks.push({ name: "beacon", mark: "open" });
  else checks.push({ name: "no_beacon", mark: "weak" });
  return checks;
}
