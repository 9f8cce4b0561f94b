// @ts-check
// What goes wrong with orders of others, in words.

import { Refused } from "../client/index.js";
import { troubleText } from "../own/forms.js";
import { useRef, useState } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/** By the codes of the interface; all else is as it is for buyers. */
const MEANINGS = {
  refund_too_much: "office.tooMuch",
  refund_closed: "office.refundClosed",
  refund_not_found: "office.refundClosed",
  letter_not_found: "office.noLetter",
  letters_used_up: "office.lettersUsedUp",
  no_address: "office.noAddress",
  order_closed: "office.orderClosed",
  order_not_found: "office.noOrder",
  already_in: "office.alreadyIn",
  key_reused: "office.keyReused",
  wrong_state: "office.wrongState",
};

/** @param {Translate} t @param {unknown} error */
export function meaning(t, error) {
  const code = error instanceof Refused ? error.code ?? "" : "";
  if (code in MEANINGS) return t(MEANINGS[/** @type {keyof typeof MEANINGS} */ (code)]);
  return troubleText(t, error);
}

/** Something that takes a moment, one at a time, as `useWork` of `own` with words of ours.
 * @param {Translate} t */
export function useDeed(t) {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const running = useRef(false);
  /** @param {() => Promise<any>} deed */
  async function run(deed) {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setTrouble("");
    try {
      await deed();
    } catch (error) {
      setTrouble(meaning(t, error));
    } finally {
      running.current = false;
      setBusy(false);
    }
  }
  return { busy, trouble, run };
}
