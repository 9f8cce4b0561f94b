// @ts-check
// What stands around every page of organisers: signing in, what is read, where else one goes.

import { Refused, Unreachable, signedIn } from "../client/index.js";
import { SignIn } from "../own/away.js";
import { troubleText } from "../own/forms.js";
import { session } from "../own/owner.js";
import { Button, Wrong } from "../parts/forms.js";
import { Page, entitle } from "../parts/page.js";
import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/** @param {string} name @returns {string} what stands behind `name` in the address */
export function named(name) {
  const parts = location.pathname.split("/");
  const at = parts.indexOf(name);
  return at < 0 ? "" : decodeURIComponent(parts[at + 1] ?? "");
}

/**
 * The pages of an event, in the order in which they are needed. The contract has the
 * cockpit at the event's own address.
 */
const OF_EVENT = [
  ["", "organise.cockpit"],
  ["edit", "organise.edit"],
  ["counter", "organise.counter"],
  ["orders", "organise.orders"],
  ["money", "organise.money"],
  ["promotions", "organise.promotions"],
];

/** @param {string} event @returns {[string, string, string][]} name, address, words */
export const tabsOfEvent = (event) => OF_EVENT.map(([name, words]) =>
  [name, `/organise/events/${encodeURIComponent(event)}${name && `/${name}`}`, words]);

/**
 * What a page shows, read as who is signed in, and read again when somebody signs in.
 * @template Known
 * @param {Translate} t
 * @param {() => Promise<Known>} read
 * @param {number} [everyMs] how often it is read again while somebody looks; 0 is never
 */
export function useRead(t, read, everyMs = 0) {
  const [known, setKnown] = useState(/** @type {Known | null} */ (null));
  const [nobody, setNobody] = useState(signedIn() === null);
  const [trouble, setTrouble] = useState("");
  const running = useRef(false);
  const load = async () => {
    if (running.current) return;
    running.current = true;
    try {
      setKnown(await read());
      setTrouble("");
      setNobody(false);
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
      const status = error instanceof Refused ? error.status : 0;
      const barred = status === 403 || status === 404;
      if (barred || status === 401) setNobody(true);
      setTrouble(barred ? t("organise.notYours") : status === 401 ? "" : troubleText(t, error));
    } finally {
      running.current = false;
    }
  };
  useEffect(() => {
    if (!nobody) load();
    const out = () => setNobody(true);
    session.addEventListener("ended", out);
    return () => session.removeEventListener("ended", out);
  }, []);
  useEffect(() => {
    if (!everyMs || nobody) return undefined;
    const look = () => document.visibilityState === "visible" && load();
    const timer = setInterval(look, everyMs);
    return () => clearInterval(timer);
  }, [everyMs, nobody]);
  return { known, setKnown, nobody, trouble, load };
}

/**
 * A page of organisers: its title, where else one goes, and what it has read.
 * @param {{t: Translate, title: string, about?: string, tabs?: [string, string, string][],
 *   here?: string, work: ReturnType<typeof useRead>, beside?: any, children?: any}} props
 *   `beside` stands beside the title; `children` are shown once there is something known
 */
export function Desk({ t, title, about = "", tabs = [], here = "", work, beside, children }) {
  const { known, nobody, trouble, load } = work;
  useEffect(() => entitle(about ? `${title}: ${about}` : title), [title, about]);
  return html`<${Page} t=${t}><div class="stack">
    <div class="row apart"><div><h1>${title}</h1>
      ${about && html`<p class="quiet" dir="auto">${about}</p>`}</div>${!nobody && beside}</div>
    ${tabs.length > 1 && html`<nav class="tabs" aria-label=${title}>${tabs.map(([name, address, words]) =>
      html`<a key=${name} href=${address} aria-current=${name === here ? "page" : undefined}>
        ${t(words)}</a>`)}</nav>`}
    <${Wrong} text=${trouble} />
    ${nobody ? html`<section class="card stack"><p>${t("organise.signIn")}</p>
        <${SignIn} t=${t} onDone=${load} /></section>`
      : html`${trouble && html`<div class="row">
          <${Button} onClick=${load}>${t("common.again")}<//></div>`}
        ${known !== null ? children : !trouble && html`<div class="card stack" aria-busy="true">
          <div class="skeleton title"></div><div class="skeleton block"></div></div>`}`}
  </div><//>`;
}
