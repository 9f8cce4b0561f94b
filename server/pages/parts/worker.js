// @ts-check
// Registers a page's service worker. The address of a script must be a trusted one.

/** @param {string} address of our own, as "/tickets/worker.js" */
export function keepForLater(address) {
  const types = /** @type {any} */ (globalThis).trustedTypes;
  const policy = types?.createPolicy("onsale", { createScriptURL: (/** @type {string} */ url) => url });
  // Without it all works but for reloading where there is no network.
  navigator.serviceWorker?.register(policy?.createScriptURL(address) ?? address);
}
