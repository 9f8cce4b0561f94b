// @ts-check
// What links of mails lead to: an address confirmed, a new password, an invitation, a
// registration to be cancelled.

import { ask, askJson, outliveTheTab, signOut, visitorToken } from "../client/index.js";
import { Button, Form, Wrong } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { noteRuns } from "../parts/runs.js";
import { roleText } from "./account_own.js";
import { NewPassword } from "./account_enter.js";
import { useWork } from "./forms.js";
import { askOwn, askOwnJson } from "./owner.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./secrets.js").Kind} Kind */
/**
 * @typedef {{t: Translate, code: string, known: any, onDone: (told: string) => any,
 *   reload: () => any}} Props
 */

const PARTS = {
  verify: Verify, reset: Reset, invitation: Invitation, registration: Registration,
  ticket: TicketOffer,
};

/** @param {any} props */
export function Link({ link, ...rest }) {
  const Part = PARTS[/** @type {Kind} */ (link.kind)];
  return html`<${Part} code=${link.code} ...${rest} />`;
}

/** @param {Props} props */
function Verify({ t, code, onDone }) {
  const work = useWork(t);
  const verify = () => work.run(async () => {
    await ask("/v1/auth/email/verify", { method: "POST", body: { code } });
    await onDone(t("own.verified"));
  });
  useEffect(() => { verify(); }, []);
  return html`<section class="card stack"><h2>${t("own.verifying")}</h2>
    <p role="status">${work.busy && t("own.moment")}</p>
    <${Wrong} text=${work.trouble} />
    ${work.trouble && html`<p>${t("own.verifyAgain")}</p>
      <div class="row"><${Button} onClick=${verify}>${t("common.again")}<//></div>`}
  </section>`;
}

/** @param {Props} props */
function Reset({ t, code, onDone }) {
  const work = useWork(t);
  const send = (/** @type {any} */ { password }) => work.run(async () => {
    await ask("/v1/auth/password/reset", { method: "POST", body: { code, password } });
    signOut(); // all sessions have ended
    await onDone(t("own.resetDone"));
  });
  return html`<section class="card stack"><h2>${t("own.reset")}</h2>
    <p class="quiet">${t("own.resetWords")}</p>
    <${Form} onSend=${send} data-testid="reset">
      <${NewPassword} t=${t} />
      <${Wrong} text=${work.trouble} />
      <${Button} kind="first" type="submit" busy=${work.busy}>${t("own.setPassword")}<//>
    <//>
    <div class="row"><${Button} kind="bare" onClick=${() => onDone("")}>${t("own.notNow")}<//></div>
  </section>`;
}

/** @param {Props} props */
function Registration({ t, code, onDone }) {
  const work = useWork(t);
  const cancel = () => work.run(async () => {
    await askJson("/v1/attendees/cancel", { method: "POST", body: { code } });
    await onDone(t("own.registrationCancelled"));
  });
  return html`<section class="card stack"><h2>${t("own.registration")}</h2>
    <p>${t("own.registrationWords")}</p>
    <${Wrong} text=${work.trouble} />
    <div class="row">
      <${Button} kind="first" onClick=${() => onDone("")}>${t("own.registrationKeep")}<//>
      <${Button} kind="danger" busy=${work.busy} onClick=${cancel}>
        ${t("own.registrationCancel")}<//>
    </div>
  </section>`;
}

/** @param {Props} props */
function Invitation({ t, code, known, onDone, reload }) {
  const [offer, setOffer] = useState(/** @type {any} */ (null));
  const work = useWork(t);
  const path = `/v1/invitations/${encodeURIComponent(code)}`;
  const me = known?.me ?? null;
  // It is for the address that the mail came to, which has to be somebody's for sure.
  const may = me?.email_verified === true;
  useEffect(() => {
    if (may) work.run(async () => setOffer(await askOwnJson(path)));
  }, [me?.id, may]);
  /** @param {"accept" | "decline"} what @param {string} told */
  const answer = (what, told) => work.run(async () => {
    await askOwn(`${path}/${what}`, { method: "POST" });
    if (what === "accept") noteRuns(true);
    await onDone(told);
  });
  const accept = () => answer("accept", t("own.invitationAccepted"));
  const decline = () => answer("decline", t("own.invitationDeclined"));
  return html`<section class="card stack"><h2>${t("own.invitation")}</h2>
    ${known !== null && me === null && html`<p>${t("own.invitationSignIn")}</p>`}
    ${me !== null && !may && html`<p>${t("own.invitationConfirm")}</p>
      <div class="row"><${Button} onClick=${reload}>${t("common.again")}<//></div>`}
    <${Wrong} text=${work.trouble} />
    ${offer && html`<p>${t("own.invitationFrom")} <b dir="auto">${offer.organisation.name}</b></p>
      <p class="quiet">${t("own.invitationRole", { role: roleText(t, offer.role) })}</p>
      <div class="row">
        <${Button} kind="first" busy=${work.busy} onClick=${accept}>${t("own.accept")}<//>
        <${Button} busy=${work.busy} onClick=${decline}>${t("own.decline")}<//>
      </div>`}
  </section>`;
}

/**
 * A ticket that somebody passes on. It belongs to whoever takes it: an account, or else the
 * guest of this browser.
 * @param {Props} props
 */
function TicketOffer({ t, code, known, onDone }) {
  const work = useWork(t);
  const [ticket, secret = ""] = code.split(".", 2);
  const path = `/v1/tickets/${encodeURIComponent(ticket)}/transfer/accept`;
  const asked = { method: "POST", body: { code: secret } };
  const me = known?.me ?? null;
  /** @param {() => Promise<any>} accept */
  const take = (accept) => work.run(async () => {
    try {
      await accept();
    } catch (error) {
      const { code: why } = /** @type {any} */ (error);
      if (why === "code_invalid") return work.setTrouble(t("own.offerOver"));
      throw error;
    }
    location.assign(`/tickets/${encodeURIComponent(ticket)}`);
  });
  const asGuest = () => take(async () => {
    const token = await visitorToken();
    outliveTheTab();
    await ask(path, { ...asked, token });
  });
  return html`<section class="card stack" data-testid="ticket-offer">
    <h2>${t("own.offer")}</h2>
    <p>${t("own.offerWords")}</p>
    ${known !== null && me === null && html`<p class="note">${t("own.offerSignIn")}</p>`}
    <${Wrong} text=${work.trouble} />
    <div class="row">
      ${me !== null && html`<${Button} kind="first" busy=${work.busy} data-testid="take-ticket"
        onClick=${() => take(() => askOwn(path, asked))}>${t("own.offerTake")}<//>`}
      ${known !== null && me === null && html`<${Button} busy=${work.busy}
        data-testid="take-ticket-guest" onClick=${asGuest}>${t("own.offerGuest")}<//>`}
      <${Button} kind="bare" onClick=${() => onDone("")}>${t("own.notNow")}<//></div>
  </section>`;
}
