// @ts-check
// Scripts that run beside a page: its service worker, and others. Their addresses must be
// trusted ones, and the policy that says so can be made once only.

const types = /** @type {any} */ (globalThis).trustedTypes;
const policy = types?.createPolicy("onsale", { createScriptURL: (/** @type {string} */ url) => url });

/** @param {string} address of our own @returns {string} that browsers run */
const trusted = (address) => policy?.createScriptURL(address) ?? address;

/** Register a page's service worker. @param {string} address as "/tickets/worker.js" */
export function keepForLater(address) {
  // Without it all works but for reloading where there is no network.
  navigator.serviceWorker?.register(trusted(address)).catch(() => {});
}

/** Start a worker that is a module. @param {URL} address of our own @returns {Worker} */
export const startWorker = (address) => new Worker(trusted(address.href), { type: "module" });
