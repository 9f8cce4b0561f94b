// @ts-check
// What is shown to who may not see the page: how they can.

import { ask, signIn } from "../client/index.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { troubleText, useWork } from "./forms.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/**
 * The form to sign in with an account.
 * @param {{t: Translate, onDone: () => Promise<any> | void}} props
 */
export function SignIn({ t, onDone }) {
  const work = useWork(t);
  const send = (/** @type {any} */ fields, /** @type {HTMLFormElement} */ form) =>
    work.run(async () => {
      try {
        await signIn(fields.email, fields.password, fields.stays === "on");
      } catch (error) {
        const code = /** @type {any} */ (error).code;
        if (code === "unauthenticated") return work.setTrouble(t("own.wrongSignIn"));
        throw error;
      }
      form.reset();
      await onDone();
    });
  return html`<${Form} data-testid="sign-in" onSend=${send}>
    <${Field} label=${t("own.email")} name="email" type="email" required
      autocomplete="username" data-testid="email" />
    <${Field} label=${t("own.password")} name="password" type="password" required
      autocomplete="current-password" data-testid="password" />
    <label class="check"><input type="checkbox" name="stays" />${t("own.stay")}</label>
    <${Wrong} text=${work.trouble} />
    <${Button} kind="first" type="submit" busy=${work.busy} data-testid="sign-in-submit">
      ${t("own.signIn")}<//>
  <//>`;
}

/**
 * Has a link mailed, if reference and address fit; whether they do is not told.
 * @param {{t: Translate}} props
 */
export function LookUp({ t }) {
  const work = useWork(t);
  const [told, setTold] = useState(false);
  const send = (/** @type {any} */ body) =>
    work.run(async () => {
      setTold(false);
      await ask("/v1/orders/lookup", { method: "POST", body });
      setTold(true);
    });
  return html`<${Form} data-testid="look-up" onSend=${send}>
    <p>${t("own.lookUpWords")}</p>
    <${Field} label=${t("own.reference")} name="reference" required maxlength="64"
      autocomplete="off" />
    <${Field} label=${t("own.email")} name="email" type="email" required
      autocomplete="email" data-testid="buyer-email" />
    <${Wrong} text=${work.trouble} />
    <p class=${told ? "note good" : ""} role="status">${told && t("own.lookUpTold")}</p>
    <${Button} type="submit" busy=${work.busy}>${t("own.sendLink")}<//>
  <//>`;
}

/**
 * @param {{t: Translate, title: string, why: any, refused?: any, looksUp?: boolean,
 *   onDone: () => any}} props `why` is "nobody", or the refusal; `refused` that of a secret
 */
export function Away({ t, title, why, refused = null, looksUp = false, onDone }) {
  return html`<div class="stack">
    <h1>${title}</h1>
    ${refused && html`<p class="note bad" role="alert">
      ${refused.code === "code_invalid" ? t("own.linkInvalid") : troubleText(t, refused)}</p>`}
    <p>${why === "nobody" ? t("own.nobody") : t("own.notYours")}</p>
    <section class="card stack"><h2>${t("own.signIn")}</h2>
      <${SignIn} t=${t} onDone=${onDone} /></section>
    ${looksUp && html`<section class="card stack"><h2>${t("own.lookUp")}</h2>
      <${LookUp} t=${t} /></section>`}
  </div>`;
}
