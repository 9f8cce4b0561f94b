// @ts-check
// What the troubles of the buyer's own pages mean in words, and work that may have some.

import { Refused, Unreachable, ask, freshen } from "../client/index.js";
import { save } from "../parts/forms.js";
import { useRef, useState } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/** @param {Translate} t @param {Refused} refused */
function fieldsText(t, refused) {
  /** @type {string[]} */
  const fields = (refused.problem.errors ?? []).map((/** @type {any} */ one) => one.field);
  if (fields.some((one) => one.endsWith("email"))) return t("own.badEmail");
  if (fields.some((one) => one.endsWith("password"))) return t("own.badPassword");
  return t("own.badField");
}

/** By the codes of the interface; `detail` of a problem is English, and for who calls it. */
const MEANINGS = {
  unauthenticated: (/** @type {Translate} */ t) => t("own.signedOut"),
  wrong_password: (/** @type {Translate} */ t) => t("own.wrongPassword"),
  password_needed: (/** @type {Translate} */ t) => t("own.passwordNeeded"),
  code_invalid: (/** @type {Translate} */ t) => t("own.codeInvalid"),
  email_taken: (/** @type {Translate} */ t) => t("own.emailTaken"),
  account_suspended: (/** @type {Translate} */ t) => t("own.suspended"),
  last_owner: (/** @type {Translate} */ t) => t("own.lastOwner"),
  order_closed: (/** @type {Translate} */ t) => t("own.orderClosed"),
  cancel_too_late: (/** @type {Translate} */ t) => t("own.cancelTooLate"),
  already_in: (/** @type {Translate} */ t) => t("own.alreadyIn"),
  ticket_passed_on: (/** @type {Translate} */ t) => t("own.passedOn"),
  ticket_not_valid: (/** @type {Translate} */ t) => t("own.ticketNotValid"),
  transfer_open: (/** @type {Translate} */ t) => t("own.offeredAlready"),
  provider_unavailable: (/** @type {Translate} */ t) => t("own.providerAway"),
  script_not_printed: (/** @type {Translate} */ t) => t("own.notPrinted"),
  registration_pending: (/** @type {Translate} */ t) => t("own.registrationPending"),
  invitation_not_found: (/** @type {Translate} */ t) => t("own.codeInvalid"),
  already_member: (/** @type {Translate} */ t) => t("own.alreadyMember"),
  rate_limited: (/** @type {Translate} */ t) => t("own.tooMany"),
  overloaded: (/** @type {Translate} */ t) => t("own.tooMany"),
};

/**
 * What went wrong, and what to do next. Throws what is no trouble but a mistake of ours.
 * @param {Translate} t @param {unknown} error
 */
export function troubleText(t, error) {
  if (error instanceof Unreachable) return t("own.unreachable");
  if (!(error instanceof Refused)) throw error;
  const code = /** @type {keyof typeof MEANINGS} */ (error.code);
  if (error.code === "bad_field") return fieldsText(t, error);
  if (code in MEANINGS) return MEANINGS[code](t);
  return error.status >= 500 ? t("own.unreachable") : t("own.refused");
}

/**
 * Something that takes a moment, one at a time, and may go wrong.
 * @param {Translate} t
 * @param {typeof troubleText} [tell] what went wrong, where a page knows more codes
 */
export function useWork(t, tell = troubleText) {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const running = useRef(false);
  /** @param {() => Promise<any>} work @returns {Promise<boolean>} whether it was done */
  async function run(work) {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setTrouble("");
    try {
      await work();
      return true;
    } catch (error) {
      setTrouble(tell(t, error));
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  }
  return { busy, trouble, run, setTrouble };
}

/** Give the focus to the page's title: what had it is gone, and what is new stands below. */
export function toTitle() {
  // Once what is new is there.
  requestAnimationFrame(() => {
    const title = document.querySelector("h1");
    title?.setAttribute("tabindex", "-1");
    title?.focus();
  });
}

/**
 * Save a file that only its owner gets: the server wants to know who asks, which a plain
 * link cannot say.
 * @param {string} address @param {string} name @param {string | null} token
 */
export async function download(address, name, token) {
  await freshen();
  save(await (await ask(address, { token })).blob(), name);
}
