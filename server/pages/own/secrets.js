// @ts-check
// What links of mails carry behind their #. It leaves the address bar before anything else:
// pictures of the screen, and who reads the history, need not have it.

/** @returns {string} what stands behind the #, once */
export function takeSecret() {
  const secret = decodeURIComponent(location.hash.slice(1));
  if (secret) history.replaceState(null, "", location.pathname + location.search);
  return secret;
}

const KINDS = ["verify", "reset", "invitation", "registration", "ticket"];
/** @typedef {"verify" | "reset" | "invitation" | "registration" | "ticket"} Kind */

/**
 * What the link of a mail is for.
 * @param {string} secret what stood behind the # @returns {{kind: Kind, code: string} | null}
 */
export function linkOf(secret) {
  const [kind, code] = secret.split("=", 2);
  return KINDS.includes(kind) && code ? { kind: /** @type {Kind} */ (kind), code } : null;
}
