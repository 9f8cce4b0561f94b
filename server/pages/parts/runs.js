// @ts-check
// Whether who is signed in runs something: then each page leads to where they do.

import { signedIn } from "../client/tokens.js";
import { ofBrowser } from "../client/storage.js";

const RUNS = "onsale.runs";

/** Note whether who is signed in belongs to an organisation. @param {boolean} does */
export function noteRuns(does) {
  const user = signedIn()?.id ?? null;
  if (does) ofBrowser.write(RUNS, user);
  else if (ofBrowser.read(RUNS) === user) ofBrowser.write(RUNS, null);
}

/** Whether who is signed in runs something, as far as this browser knows. */
export function runsSomething() {
  const who = signedIn();
  if (who === null) return false;
  return who.role === "organizer" || who.role === "admin" || ofBrowser.read(RUNS) === who.id;
}
