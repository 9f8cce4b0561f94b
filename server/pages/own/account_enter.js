// @ts-check
// Getting in: with an account, with a new one, or by a mail where the password is forgotten.

import { ask, register } from "../client/index.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";
import { language } from "../words/index.js";
import { SignIn } from "./away.js";
import { useWork } from "./forms.js";

/** @typedef {import("../words/index.js").Translate} Translate */

export const PASSWORD_MIN = 8;

/** @param {{t: Translate, onDone: (told: string) => any}} props */
export function Enter({ t, onDone }) {
  const [way, setWay] = useState("in");
  const head = useRef(/** @type {HTMLElement | null} */ (null));
  const first = useRef(true);
  useEffect(() => {
    // What had the focus is gone with the other form.
    if (!first.current) head.current?.focus();
    first.current = false;
  }, [way]);
  const titles = { in: t("own.signIn"), new: t("own.newAccount"), lost: t("own.forgot") };
  const others = /** @type {(keyof titles)[]} */ (Object.keys(titles)).filter((one) => one !== way);
  return html`<section class="card stack">
    <h2 ref=${head} tabindex="-1">${titles[/** @type {keyof titles} */ (way)]}</h2>
    ${way === "in" && html`<p class="quiet">${t("own.signInWords")}</p>
      <${SignIn} t=${t} onDone=${() => onDone(t("own.welcomeBack"))} />`}
    ${way === "new" && html`<${Register} t=${t} onDone=${onDone} />`}
    ${way === "lost" && html`<${Forgot} t=${t} />`}
    <div class="row">${others.map((one) => html`<${Button} kind="bare" key=${one}
      data-testid=${`way-${one}`} onClick=${() => setWay(one)}>${titles[one]}<//>`)}</div>
  </section>`;
}

/** @param {{t: Translate, onDone: (told: string) => any}} props */
function Register({ t, onDone }) {
  const work = useWork(t);
  const send = (/** @type {any} */ { email, password, name, stays }) => work.run(async () => {
    // Its mails are in the language of the page that asked for them.
    await register({ email, password, name, locale: language }, stays === "on");
    await onDone(t("own.registered", { email }));
  });
  return html`<p class="quiet">${t("own.registerWords")}</p>
    <${Form} onSend=${send} data-testid="register">
    <${Field} label=${t("own.name")} name="name" required maxlength="200" autocomplete="name" />
    <${Field} label=${t("own.email")} name="email" type="email" required autocomplete="email" />
    <${NewPassword} t=${t} />
    <label class="check"><input type="checkbox" name="stays" />${t("own.stay")}</label>
    <${Wrong} text=${work.trouble} />
    <${Button} kind="first" type="submit" busy=${work.busy}>${t("own.register")}<//>
  <//>`;
}

/** @param {{t: Translate, name?: string, label?: string}} props */
export const NewPassword = ({ t, name = "password", label = t("own.newPassword") }) =>
  html`<${Field} label=${label} name=${name} type="password" required minlength=${PASSWORD_MIN}
    autocomplete="new-password" hint=${t("own.passwordHint")} />`;

/**
 * Has a mail sent, if there is such an account; whether there is one is not told.
 * @param {{t: Translate}} props
 */
function Forgot({ t }) {
  const work = useWork(t);
  const [told, setTold] = useState(false);
  const send = (/** @type {any} */ body) => work.run(async () => {
    setTold(false);
    await ask("/v1/auth/password/forgot", { method: "POST", body });
    setTold(true);
  });
  return html`<${Form} onSend=${send} data-testid="forgot">
    <p class="quiet">${t("own.forgotWords")}</p>
    <${Field} label=${t("own.email")} name="email" type="email" required autocomplete="email" />
    <${Wrong} text=${work.trouble} />
    <p class=${told ? "note good" : ""} role="status">${told && t("own.forgotTold")}</p>
    <${Button} kind="first" type="submit" busy=${work.busy}>${t("own.sendLink")}<//>
  <//>`;
}
