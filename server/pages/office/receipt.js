// @ts-check
// The receipt of an audit, checked by the browser: what was signed, by which key.

import { bytesOfHex, isSignedBy } from "../parts/signatures.js";

const PREFIX = "onsale receipt 1\n";
const KEY_BYTES = 32;
const KEY_ID_LENGTH = 16;

/** JSON with sorted names and without blanks: the same bytes for the same receipt.
 * @param {any} value @returns {string} */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const parts = Object.keys(value).sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${parts.join(",")}}`;
}

/**
 * What is true of a receipt: "good", "unsigned", "otherKey" than the shop's, or "changed".
 * @param {any} receipt @param {{key_id: string, public_key: string}} shop as `/v1/receipt-key`
 * @returns {Promise<"good" | "unsigned" | "otherKey" | "changed">}
 */
export async function judged(receipt, shop) {
  const { signature, ...rest } = receipt;
  if (!signature || !rest.signed_by) return "unsigned";
  const { key_id, public_key } = rest.signed_by;
  if (public_key !== shop.public_key || key_id !== shop.key_id) return "otherKey";
  const key = bytesOfHex(public_key);
  const signed = bytesOfHex(signature);
  if (key?.length !== KEY_BYTES || signed === null) return "changed";
  const named = new Uint8Array(await crypto.subtle.digest("SHA-256", key));
  const id = Array.from(named, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (id.slice(0, KEY_ID_LENGTH) !== key_id) return "changed";
  const text = new TextEncoder().encode(PREFIX + canonical(rest));
  return (await isSignedBy(key, signed, text)) ? "good" : "changed";
}
