// @ts-check
// Signing in while places are held: they go over from the guest to the account.

import { Refused, Unreachable } from "../client/index.js";
import { Ask } from "../parts/dialog.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./sale.js").Sale} Sale */

/** @param {{t: Translate, sale: Sale, onDone: () => void}} props */
export function SignIn({ t, sale, onDone }) {
  const [asks, setAsks] = useState(false);
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const close = () => setAsks(false);
  const send = async (/** @type {any} */ { email, password }) => {
    if (busy) return;
    setBusy(true);
    setTrouble("");
    try {
      await sale.signIn(email.trim(), password);
      close();
      onDone();
    } catch (error) {
      if (error instanceof Unreachable) setTrouble(t("common.unreachable"));
      else if (error instanceof Refused)
        setTrouble(error.status === 401 ? t("buy.wrongPassword") : error.message);
      else throw error;
    } finally {
      setBusy(false);
    }
  };
  return html`<${Button} kind="bare" data-testid="sign-in" onClick=${() => setAsks(true)}>
      ${t("buy.signIn")}<//>
    ${
      asks &&
      html`<${Ask} title=${t("buy.signIn")} onClose=${close}><${Form} onSend=${send}>
      <p class="quiet small">${t("buy.signInHint")}</p>
      <${Field} label=${t("buy.email")} name="email" type="email" required
        autocomplete="username" data-testid="email" />
      <${Field} label=${t("buy.password")} name="password" type="password" required
        autocomplete="current-password" data-testid="password" />
      <${Wrong} text=${trouble} />
      <div class="row">
        <${Button} kind="first" type="submit" busy=${busy} data-testid="sign-in-submit">
          ${t("buy.signIn")}<//>
        <${Button} onClick=${close}>${t("common.close")}<//></div>
    <//><//>`
    }`;
}
