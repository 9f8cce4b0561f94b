// @ts-check
// A screen that stays on while somebody holds it before a scanner, or scans with it.

/** Keep the screen on as long as the page is seen. @returns {() => void} what ends it */
export function stayAwake() {
  /** @type {any} */
  let lock = null;
  let ended = false;
  const ask = async () => {
    if (document.hidden || ended) return;
    try {
      lock = await navigator.wakeLock?.request("screen");
      if (ended) lock?.release();
    } catch (error) {
      // The battery is low, or the browser may not: then the screen goes off as usual.
      if (!(error instanceof DOMException)) throw error;
    }
  };
  document.addEventListener("visibilitychange", ask);
  ask();
  return () => {
    ended = true;
    document.removeEventListener("visibilitychange", ask);
    lock?.release();
  };
}
