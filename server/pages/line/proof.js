// @ts-check
// Proof of work, by the protocol of ALTCHA: a number is looked for whose digest is known, by
// the worker of its widget, so that the page goes on meanwhile.

import { startWorker } from "../parts/worker.js";

/**
 * Solve a challenge; some seconds of work on a slow phone.
 * @param {{algorithm: string, challenge: string, salt: string, signature: string,
 *   maxnumber: number}} asked
 * @returns {Promise<string>} what is sent as `proof`
 */
export async function solved({ algorithm, challenge, salt, signature, maxnumber }) {
  const worker = startWorker(new URL("../vendor/altcha/worker.js", import.meta.url));
  try {
    const { number } = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = reject;
      const payload = { algorithm, challenge, salt };
      worker.postMessage({ type: "work", payload, start: 0, max: maxnumber });
    });
    return btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
  } finally {
    worker.terminate();
  }
}
