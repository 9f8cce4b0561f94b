// @ts-check
// What the interface says no to about venues, in words.

import { Refused } from "../client/index.js";
import { troubleText } from "../own/forms.js";

/** @typedef {import("../words/index.js").Translate} Translate */

const MEANINGS = {
  venue_in_use: "stage.inUse",
  venue_not_found: "stage.notFound",
  forbidden: "stage.forbidden",
  precondition_failed: "stage.changedMeanwhile",
  limit_reached: "stage.limitReached",
  too_large: "stage.tooLarge",
  bad_frame: "stage.noJson",
  bad_field: "stage.faulty",
  key_reused: "stage.keyReused",
};

/** As `troubleText`, with what is told of venues. @param {Translate} t @param {unknown} error */
export function venueText(t, error) {
  const code = error instanceof Refused ? error.code ?? "" : "";
  if (code in MEANINGS) return t(MEANINGS[/** @type {keyof typeof MEANINGS} */ (code)]);
  return troubleText(t, error);
}
