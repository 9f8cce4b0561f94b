// @ts-check
// Proof of work, by the protocol of ALTCHA: a number is looked for whose digest is known.

const AT_ONCE = 512;

/** @param {ArrayBuffer} bytes */
const hex = (bytes) =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * Solve a challenge; some seconds of work on a slow phone.
 * @param {{algorithm: string, challenge: string, salt: string, signature: string,
 *   maxnumber: number}} asked
 * @returns {Promise<string>} what is sent as `proof`
 */
export async function solved({ algorithm, challenge, salt, signature, maxnumber }) {
  const text = new TextEncoder();
  for (let first = 0; first <= maxnumber; first += AT_ONCE) {
    const size = Math.min(AT_ONCE, maxnumber - first + 1);
    const digests = await Promise.all(
      Array.from({ length: size }, (_, at) =>
        crypto.subtle.digest(algorithm, text.encode(`${salt}${first + at}`))),
    );
    const found = digests.findIndex((digest) => hex(digest) === challenge);
    if (found >= 0) {
      return btoa(JSON.stringify({ algorithm, challenge, number: first + found, salt, signature }));
    }
  }
  throw new Error("No number solves the challenge.");
}
