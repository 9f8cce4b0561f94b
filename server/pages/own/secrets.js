// @ts-check
// What links of mails carry behind their #. It leaves the address bar before anything else:
// pictures of the screen, and who reads the history, need not have it.

/** @returns {string} what stands behind the #, once */
export function takeSecret() {
  const secret = decodeURIComponent(location.hash.slice(1));
  if (secret) history.replaceState(null, "", location.pathname + location.search);
  return secret;
}
