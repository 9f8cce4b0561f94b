// @ts-check
// The code of a ticket: what its QR holds, read and believed without a server.
//
// A MessagePack array of version, event, number, generation, kind, place, day and key, and
// an Ed25519 signature over it, in base32. `server/shop/tickets/token.py` is its other half.

import { isSignedBy } from "../../parts/signatures.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"; // of ticket numbers
const CODE = /^[A-Z2-7]{1,160}$/;
const BITS = 5;
const SIGNATURE_BYTES = 64;
const NUMBER_LENGTH = 10;
const FIELDS = 8;

/**
 * @typedef {{event: string, number: string, generation: number, key: string,
 *   signed: Uint8Array, signature: Uint8Array}} Claims
 */

/** What scanners and people make of a code. @param {string} text */
export const tidied = (text) => text.trim().toUpperCase();

/** @param {string} code @returns {Uint8Array | null} */
function bytesOf(code) {
  if (!CODE.test(code)) return null;
  const data = new Uint8Array(Math.floor((code.length * BITS) / 8));
  let held = 0;
  let value = 0;
  let place = 0;
  for (const letter of code) {
    value = (value << BITS) | ALPHABET.indexOf(letter);
    held += BITS;
    if (held < 8) continue;
    held -= 8;
    data[place++] = value >> held;
    value &= (1 << held) - 1;
  }
  return held < BITS && value === 0 ? data : null;
}

/**
 * Read an array of whole numbers and nulls.
 * @param {Uint8Array} data @returns {(bigint | null)[] | null}
 */
function unpack(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const found = [];
  let at = 1;
  if (data[0] !== 0x90 + FIELDS) return null;
  try {
    while (found.length < FIELDS) {
      const kind = view.getUint8(at++);
      if (kind < 0x80) found.push(BigInt(kind));
      else if (kind === 0xc0) found.push(null);
      else if (kind === 0xcc) found.push(BigInt(view.getUint8(at++)));
      else if (kind === 0xcd) found.push(BigInt(view.getUint16((at += 2) - 2)));
      else if (kind === 0xce) found.push(BigInt(view.getUint32((at += 4) - 4)));
      else if (kind === 0xcf) found.push(view.getBigUint64((at += 8) - 8));
      else return null;
    }
  } catch {
    return null; // it ends too soon
  }
  return at === data.length ? found : null;
}

/** @param {bigint} number */
function lettered(number) {
  let text = "";
  for (let place = 0; place < NUMBER_LENGTH; place++) {
    text = LETTERS[Number((number >> BigInt(BITS * place)) & 31n)] + text;
  }
  return text;
}

/** @param {string} code @returns {Claims | null} what it says, believed or not */
export function claimsOf(code) {
  const data = bytesOf(code);
  if (data === null || data.length <= SIGNATURE_BYTES) return null;
  const signed = data.slice(0, -SIGNATURE_BYTES);
  const fields = unpack(signed);
  if (fields === null || fields[0] !== 1n) return null;
  const [, event, number, generation, , , , key] = fields;
  if (event === null || number === null || generation === null || key === null) return null;
  return {
    event: event.toString(16).padStart(16, "0"),
    number: lettered(number),
    generation: Number(generation),
    key: key.toString(16).padStart(8, "0"),
    signed,
    signature: data.slice(-SIGNATURE_BYTES),
  };
}

/**
 * Whether a code was signed with the key that it names.
 * @param {Claims} claims @param {Map<string, string>} keys public ones by id, as base64url
 */
export async function isSigned(claims, keys) {
  const kept = keys.get(claims.key);
  if (kept === undefined) return false;
  const letters = atob(kept.replaceAll("-", "+").replaceAll("_", "/"));
  const key = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  return isSignedBy(key, /** @type {any} */ (claims.signature), /** @type {any} */ (claims.signed));
}
