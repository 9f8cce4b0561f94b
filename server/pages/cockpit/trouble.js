// @ts-check
// What goes wrong with steering a sale, in words.

import { Refused } from "../client/index.js";
import { troubleText, useWork } from "../own/forms.js";

/** By the codes of the interface; all else is as it is for buyers. */
const MEANINGS = {
  line_not_open: "cockpit.lineNotOpen",
  line_over: "cockpit.lineOver",
  wrong_state: "cockpit.otherNow",
  precondition_failed: "cockpit.otherNow",
  outcome_unknown: "cockpit.nobodyKnows",
  forbidden: "organise.notYours",
};

/** @param {import("../words/index.js").Translate} t @param {unknown} error */
function steerText(t, error) {
  const code = error instanceof Refused ? error.code ?? "" : "";
  if (code in MEANINGS) return t(MEANINGS[/** @type {keyof typeof MEANINGS} */ (code)]);
  if (code === "bad_field") return t("cockpit.badValue");
  return troubleText(t, error);
}

/** `useWork` with words for what steering is refused. @param {import("../words/index.js").Translate} t */
export const useSteering = (t) => useWork(t, steerText);
