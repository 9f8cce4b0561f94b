// @ts-check
// Setting up a device: its key, or who signs in; then list, gate and direction.

import { Refused } from "../client/index.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { allowSound } from "./signals.js";

/**
 * @typedef {{t: import("../words/index.js").Translate, vault: import("./gate/vault.js").Vault,
 *   device: import("./gate/device.js").Device, event: string,
 *   former: import("./gate/gate.js").Settings | null,
 *   done: (settings: import("./gate/gate.js").Settings) => void}} Props
 */

const LISTS_MS = 15_000;

/** @param {any} event @returns {Record<string, string>} what a form has */
function filled(event) {
  event.preventDefault();
  return /** @type {any} */ (Object.fromEntries(new FormData(event.target)));
}

/** @param {Props} props */
export function Pair({ t, vault, device, event, former, done }) {
  const [lists, setLists] = useState(/** @type {any[] | null} */ (null));
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);

  /** @param {import("./gate/gate.js").Settings} settings */
  const keep = async (settings) => {
    await vault.put(`settings ${event}`, settings);
    done(settings);
  };
  // There is nothing to choose but a name, which can wait: people wait in front of a door.
  const ask = async (/** @type {boolean} */ isNew) => {
    const path = `/v1/events/${encodeURIComponent(event)}/checkin/lists`;
    const answer = await device.askJson(path, { signal: AbortSignal.timeout(LISTS_MS) });
    const [first, ...others] = answer.items;
    const usual = { list: first.id, gate: "", direction: /** @type {"in"} */ ("in") };
    const known = answer.items.some((/** @type {any} */ one) => one.id === former?.list);
    if (isNew && known && former !== null) return keep(former);
    if (isNew && others.length === 0) return keep(usual);
    setLists(answer.items);
  };
  /** @param {() => Promise<void>} begin @param {"key" | "signIn"} way */
  const attempt = async (begin, way, isNew = true) => {
    setBusy(true);
    setTrouble("");
    try {
      await begin();
      await ask(isNew);
    } catch (error) {
      setTrouble(wrong(t, error, way));
      // One that did not work is nobody's.
      if (error instanceof Refused) await device.forget();
    }
    setBusy(false);
  };
  useEffect(() => {
    if (device.credential !== null) attempt(async () => {}, "key", false);
  }, []);

  return html`<div class="stack" aria-busy=${busy}>
    <h1>${lists === null ? t("door.pairTitle") : t("door.setTitle")}</h1>
    ${!isSecureContext && html`<p class="note wait">${t("door.insecure")}</p>`}
    ${isSecureContext && !vault.lasting && html`<p class="note wait">${t("door.notLasting")}</p>`}
    ${trouble && html`<p class="note bad" role="alert">${trouble}</p>`}
    ${lists === null
      ? html`<${Who} t=${t} device=${device} attempt=${attempt} busy=${busy} />`
      : html`<${Where} t=${t} lists=${lists} former=${former} keep=${keep} />
        <${Unpair} t=${t} vault=${vault} device=${device} forgotten=${() => setLists(null)} />`}
  </div>`;
}

/** @param {any} props */
function Who({ t, device, attempt, busy }) {
  const pair = (/** @type {any} */ event) => {
    const { key } = filled(event);
    attempt(() => device.pair(key), "key");
  };
  const signIn = (/** @type {any} */ event) => {
    const { email, password } = filled(event);
    attempt(() => device.signIn(email, password), "signIn");
  };
  return html`
    <form class="card stack" onSubmit=${pair}>
      <p class="quiet">${t("door.pairHint")}</p>
      <label class="field"><span>${t("door.key")}</span>
        <input name="key" type="password" required autocomplete="off" autocapitalize="off"
          spellcheck="false" dir="ltr" data-testid="device-key" /></label>
      <button class="button first" disabled=${busy} data-testid="device-pair">
        ${t("door.pair")}</button>
    </form>
    <form class="card stack" onSubmit=${signIn} data-testid="sign-in">
      <h2>${t("door.orSignIn")}</h2>
      <label class="field"><span>${t("door.email")}</span>
        <input name="email" type="email" required autocomplete="username"
          data-testid="email" /></label>
      <label class="field"><span>${t("door.password")}</span>
        <input name="password" type="password" required autocomplete="current-password"
          data-testid="password" /></label>
      <button class="button" disabled=${busy} data-testid="sign-in-submit">
        ${t("door.signIn")}</button>
    </form>`;
}

/** @param {any} props */
function Where({ t, lists, former, keep }) {
  const known = lists.some((/** @type {any} */ one) => one.id === former?.list);
  const [list, setList] = useState(known ? former.list : lists[0].id);
  const reentry = lists.find((/** @type {any} */ one) => one.id === list).reentry;
  const begin = (/** @type {any} */ submitted) => {
    const { gate, direction } = filled(submitted);
    // Sound is allowed from a touch on.
    allowSound();
    return keep({ list, gate: gate.trim(), direction: reentry ? direction : "in" });
  };
  const usual = reentry ? former?.direction ?? "in" : "in";
  const way = (/** @type {"in" | "out"} */ one) => html`<label class="door-choice">
    <input type="radio" name="direction" value=${one} disabled=${one === "out" && !reentry}
      defaultChecked=${one === usual} data-testid=${`direction-${one}`} />
    ${t(`door.${one}`)}</label>`;
  return html`<form class="card stack" onSubmit=${begin}>
    <label class="field"><span>${t("door.list")}</span>
      <select value=${list} data-testid="checkin-list"
        onChange=${(/** @type {any} */ change) => setList(change.target.value)}>
        ${lists.map((/** @type {any} */ one) => html`
          <option value=${one.id} selected=${one.id === list}>${one.name}</option>`)}
      </select></label>
    <label class="field"><span>${t("door.gate")}</span>
      <input name="gate" maxlength="100" autocomplete="off" dir="auto"
        defaultValue=${former?.gate ?? ""} data-testid="gate-name" />
      <span class="hint">${t("door.gateHint")}</span></label>
    <fieldset class="door-choices"><legend>${t("door.direction")}</legend>
      ${way("in")}${way("out")}
      ${!reentry && html`<p class="quiet small">${t("door.noOut")}</p>`}</fieldset>
    <button class="button first" data-testid="begin">${t("door.begin")}</button>
  </form>`;
}

/** @param {any} props */
function Unpair({ t, vault, device, forgotten }) {
  const [waits, setWaits] = useState(0);
  const forget = async () => {
    // Of any event: all goes with the device.
    const scans = await vault.all("scan ");
    const unsent = scans.filter((/** @type {any} */ one) => one.sent === 0).length;
    if (unsent > 0 && waits === 0) return setWaits(unsent);
    await vault.clear();
    await device.forget();
    forgotten();
  };
  return html`<div class="stack">
    ${waits > 0 && html`<p class="note bad" role="alert">
      ${t("door.unpairWaits", { n: waits })}</p>`}
    <button type="button" class="button danger" onClick=${forget}>
      ${t(waits > 0 ? "door.unpairSure" : "door.unpair")}</button></div>`;
}

/**
 * @param {import("../words/index.js").Translate} t @param {unknown} error
 * @param {"key" | "signIn"} way
 */
function wrong(t, error, way) {
  if (!(error instanceof Refused)) return t("door.unreachable");
  if (error.status === 404) return t("door.noEvent");
  if (error.status === 401) return t(way === "key" ? "door.keyWrong" : "door.signInWrong");
  if (error.status === 403) return t(way === "key" ? "door.keyForbidden" : "door.signInForbidden");
  return t("door.failed", { detail: error.message });
}
