// @ts-check
// Whether something was signed by a key: by the browser, or where it has no Ed25519 by a
// library that is fetched then.

/** @param {string} hex @returns {Uint8Array<ArrayBuffer> | null} null where it is none */
export function bytesOfHex(hex) {
  if (!/^([0-9a-f]{2})+$/.test(hex)) return null;
  return Uint8Array.from(hex.match(/../g) ?? [], (two) => parseInt(two, 16));
}

/**
 * Whether an Ed25519 signature over bytes is by this key. Throws for bytes that are no key.
 * @param {Uint8Array<ArrayBuffer>} key @param {Uint8Array<ArrayBuffer>} signature
 * @param {Uint8Array<ArrayBuffer>} signed
 * @returns {Promise<boolean>}
 */
export async function isSignedBy(key, signature, signed) {
  try {
    const read = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, read, signature, signed);
  } catch (error) {
    if (/** @type {any} */ (error).name !== "NotSupportedError") throw error;
  }
  // Browsers before 2025.
  const { verifyAsync } = await import("../vendor/noble/ed25519.js");
  return verifyAsync(signature, signed, key, { zip215: false });
}
