// @ts-check
// Signing in while places are held: they go over from the guest to the account.

import { Refused, Unreachable } from "../client/index.js";
import { html, useRef, useState } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./sale.js").Sale} Sale */

/** @param {{t: Translate, sale: Sale, onDone: () => void}} props */
export function SignIn({ t, sale, onDone }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [said, setSaid] = useState({ email: "", password: "" });
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const write =
    (/** @type {string} */ name) =>
    (/** @type {any} */ { target }) =>
      setSaid({ ...said, [name]: target.value });
  const close = () => dialog.current?.close();
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    setTrouble("");
    try {
      await sale.signIn(said.email.trim(), said.password);
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
  return html`<button type="button" class="button bare" data-testid="sign-in"
      onClick=${() => dialog.current?.showModal()}>${t("buy.signIn")}</button>
    <dialog ref=${dialog} aria-labelledby="sign-in-title">
      <form class="stack" onSubmit=${submit}>
        <h2 id="sign-in-title">${t("buy.signIn")}</h2>
        <p class="quiet small">${t("buy.signInHint")}</p>
        <label class="field"><span>${t("buy.email")}</span><input data-testid="email"
          type="email" required
          autocomplete="username" value=${said.email} onInput=${write("email")} /></label>
        <label class="field"><span>${t("buy.password")}</span><input data-testid="password"
          type="password" required
          autocomplete="current-password" value=${said.password} onInput=${write("password")} />
            </label>
        <div role="alert">${trouble && html`<p class="note bad">${trouble}</p>`}</div>
        <div class="row"><button class="button first" data-testid="sign-in-submit" disabled=${busy}>
            ${t("buy.signIn")}</button>
          <button type="button" class="button" onClick=${close}>${t("common.close")}</button></div>
      </form></dialog>`;
}
