// @ts-check
// From a hold to an order: who buys, what it comes to, and on to the payment's page.
//
// An order is asked for under a key that is kept with what was asked, so that a second tap, a
// reload or a lost answer finds the order that was made, and never makes another.

import {
  Refused,
  Unreachable,
  askJson,
  newKey,
  ofTab,
  read,
  signedIn,
  visitorToken,
} from "../client/index.js";
import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";
import { moneyText } from "../words/format.js";
import { language } from "../words/index.js";
import { Codes } from "./codes.js";
import { Sum } from "./hold.js";
import { OF_CODES } from "./quote.js";
import { SignIn } from "./sign_in.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./sale.js").Sale} Sale */

const ASKED = "onsale.order";
const BUYER = "onsale.buyer"; // of this tab: a reload need not be typed again
const TRIES = 5;
const AGAIN_MS = 1_000;
const AGAIN = new Set(["unavailable", "overloaded", "outcome_unknown"]);

/** The key for just this order: that of before where the very same was asked.
 * @param {unknown} body @returns {string} */
function keyOf(body) {
  const text = JSON.stringify(body);
  const kept = ofTab.read(ASKED);
  if (kept?.text === text) return kept.key;
  const key = newKey();
  ofTab.write(ASKED, { text, key });
  return key;
}

/** Make the order; repeat it with its key while nobody answers.
 * @param {unknown} body @param {(waits: boolean) => void} onWait @returns {Promise<any>} */
async function order(body, onWait) {
  const key = keyOf(body);
  for (let tries = 1; ; tries++) {
    try {
      return await askJson("/v1/orders", {
        method: "POST",
        token: await visitorToken(),
        key,
        body,
      });
    } catch (error) {
      const again =
        error instanceof Unreachable || (error instanceof Refused && AGAIN.has(error.code ?? ""));
      if (!again || tries === TRIES) throw error;
      onWait(true);
      await new Promise((done) => setTimeout(done, AGAIN_MS * tries));
    } finally {
      onWait(false);
    }
  }
}

/**
 * Whether what will be paid has been shown; where nobody could be asked until now, it is now.
 * @param {Sale} sale
 */
async function isTold(sale) {
  if (sale.quote !== null) return true;
  await sale.price();
  const total = sale.quote?.total;
  if (!total || total.amount === sale.hold?.total?.amount) return true;
  sale.say({ code: "price_changed", total });
  return false;
}

/** Go to where an order is paid, so that going back leads to the order. @param {any} made */
function leave(made) {
  const own = `/orders/${encodeURIComponent(made.order)}`;
  history.replaceState(null, "", own);
  location.assign(made.payment?.url ?? own);
}

/**
 * What the account of who is signed in says of them: the token has no names.
 * @returns {Promise<{name: string | null, email: string | null}>}
 */
async function readMe() {
  try {
    return await read("/v1/me");
  } catch (error) {
    // Then they are typed, as by a guest.
    if (error instanceof Refused || error instanceof Unreachable) return { name: "", email: "" };
    throw error;
  }
}

/** @param {{t: Translate, sale: Sale, onBack: () => void}} props */
export function Checkout({ t, sale, onBack }) {
  const user = signedIn();
  const [buyer, setBuyer] = useState(ofTab.read(BUYER) ?? { email: "", name: "" });
  const [me, setMe] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const [waits, setWaits] = useState(false);
  const first = useRef(/** @type {HTMLInputElement | null} */ (null));
  const { quote, event } = sale;
  useEffect(() => first.current?.focus({ preventScroll: true }), []);
  useEffect(() => {
    if (!user) return;
    readMe().then(({ name, email }) => {
      setMe({ name });
      // What was typed meanwhile, or before, is what is meant.
      setBuyer((/** @type {any} */ typed) => ({
        email: typed.email || (email ?? ""),
        name: typed.name || (name ?? ""),
      }));
    });
  }, [user?.id]);
  const write =
    (/** @type {string} */ name) =>
    (/** @type {any} */ { target }) => {
      const next = { ...buyer, [name]: target.value };
      setBuyer(next);
      ofTab.write(BUYER, next);
    };
  const submit = async (/** @type {Event} */ given) => {
    given.preventDefault();
    if (busy) return;
    setBusy(true);
    sale.say(null);
    if (!(await isTold(sale))) return setBusy(false);
    const said = Object.fromEntries(
      Object.entries(buyer)
        .map(([name, text]) => [name, text.trim()])
        .filter(([, text]) => text),
    );
    const total = sale.quote?.total ? { total: sale.quote.total } : {};
    try {
      const made = await order(
        { ...sale.wanted, ...total, buyer: { ...said, locale: language } },
        setWaits,
      );
      sale.ordered();
      leave(made);
    } catch (error) {
      setBusy(false);
      refused(sale, error);
    }
  };
  const pays =
    event.payment === "required" && (quote?.total?.amount ?? sale.hold?.total?.amount ?? 0) > 0;
  const sum = quote?.total ?? sale.hold?.total;
  return html`<section class="stack checkout" aria-labelledby="checkout-title">
    <h2 id="checkout-title">${t("buy.checkout")}</h2>
    <p class="quiet small">${
      user ? t("buy.asUser", { name: me?.name ?? "" }) : t("buy.asGuest")
    }</p>
    ${!user && html`<div><${SignIn} t=${t} sale=${sale} onDone=${() => sale.update()} /></div>`}
    <form class="stack" onSubmit=${submit}>
    <label class="field"><span>${t("buy.email")}</span>
      <input ref=${first} data-testid="buyer-email" type="email" maxlength="254"
        autocomplete="email"
        value=${buyer.email} onInput=${write("email")} aria-describedby="email-hint" />
      <span id="email-hint" class="hint">${t("buy.emailHint")}</span></label>
    <label class="field"><span>${t("buy.name")}</span>
      <input data-testid="buyer-name" maxlength="200" autocomplete="name" dir="auto"
        value=${buyer.name} onInput=${write("name")} /></label>
    ${(quote?.currency ?? sale.hold?.total) && html`<${Codes} t=${t} sale=${sale} />`}
    <${Sum} t=${t} sale=${sale} />
    <button class="button first" data-testid="pay" aria-disabled=${busy}>
      ${pays ? t("buy.payNow", { total: moneyText(sum) }) : t("buy.orderNow")}</button>
    ${pays && html`<p class="quiet small">${t("buy.payHint")}</p>`}
    ${!pays && (sum?.amount ?? 0) > 0 && html`<p class="quiet small">${t("buy.atDoor")}</p>`}
    <p role="status" class="small">${waits ? t("buy.stillTrying") : ""}</p>
    <button type="button" class="button bare" onClick=${onBack} disabled=${busy}>
      ${t("buy.back")}</button>
    </form></section>`;
}

/** @param {Sale} sale @param {unknown} error */
function refused(sale, error) {
  if (error instanceof Unreachable) return sale.say({ code: "unreachable" });
  if (!(error instanceof Refused)) throw error;
  sale.say({ code: error.code ?? "unknown", ...error.problem });
  // The next try is another order: nothing came of this one.
  if (error.code !== "provider_unavailable") ofTab.write(ASKED, null);
  // Which of them it is nobody says, and by whom: this buyer may have redeemed it before.
  if (OF_CODES.has(error.code ?? "")) sale.setCodes([]);
  if (error.code === "price_changed") sale.price();
  if (error.code?.startsWith("hold_") || error.code === "already_booked") sale.refresh();
}
