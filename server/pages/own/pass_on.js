// @ts-check
// Passing a ticket on: to a person by the address of their mail, and taking it back.

import { Refused, askJson, ask, newKey } from "../client/index.js";
import { Ask } from "../parts/dialog.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { useWork } from "./forms.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {{t: Translate, path: string, token: string, onDone: () => Promise<any>}} Props */

/** @param {Props} props */
export function PassOn({ t, path, token, onDone }) {
  const [asks, setAsks] = useState(false);
  const work = useWork(t);
  const asked = useRef({ email: "", key: "" }); // a repetition is the same offer
  const send = (/** @type {any} */ fields) => work.run(async () => {
    const email = fields.email.trim();
    if (asked.current.email !== email) asked.current = { email, key: newKey() };
    const { key } = asked.current;
    await askJson(`${path}/transfer`, { method: "POST", token, key, body: { email } });
    await onDone();
    setAsks(false);
  });
  return html`<${Button} data-testid="pass-on" onClick=${() => setAsks(true)}>
      ${t("own.passOn")}<//>
    ${asks && html`<${Ask} title=${t("own.passOn")} onClose=${() => setAsks(false)}>
      <${Form} onSend=${send}>
        <p>${t("own.passOnWords")}</p>
        <${Field} label=${t("own.passOnTo")} name="email" type="email" required
          autocomplete="off" data-testid="pass-on-email" />
        <${Wrong} text=${work.trouble} />
        <div class="row"><${Button} onClick=${() => setAsks(false)}>${t("own.notNow")}<//>
          <${Button} kind="first" type="submit" busy=${work.busy} data-testid="pass-on-send">
            ${t("own.passOnSend")}<//></div>
      <//><//>`}`;
}

/** To whom a ticket is on its way, as who offered it knows. @param {Props} props */
export function Offered({ t, path, token, onDone }) {
  const [offer, setOffer] = useState(/** @type {any} */ (null));
  const work = useWork(t);
  useEffect(() => {
    work.run(async () => {
      try {
        setOffer(await askJson(`${path}/transfer`, { token }));
      } catch (error) {
        // Taken, or taken back elsewhere: the ticket says so.
        if (!(error instanceof Refused) || error.status !== 404) throw error;
        await onDone();
      }
    });
  }, [path]);
  const withdraw = () => work.run(async () => {
    await ask(`${path}/transfer`, { method: "DELETE", token });
    await onDone();
  });
  return html`${offer && html`<p data-testid="offered-to">${t("own.offeredTo", {
      email: offer.email, time: dayText(Date.parse(offer.expires_at)) })}</p>`}
    <${Wrong} text=${work.trouble} />
    <div class="row centre"><${Button} busy=${work.busy} data-testid="take-back"
      onClick=${withdraw}>${t("own.takeBack")}<//></div>`;
}
