// @ts-check
// The page of an account: who one is here, and what one has.

import { Refused, Unreachable, guestTokens, signedIn } from "../client/index.js";
import { Page, entitle, show } from "../parts/page.js";
import { Button } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { words } from "../words/index.js";
import { Bought } from "./account_bought.js";
import { Enter } from "./account_enter.js";
import { toTitle } from "./forms.js";
import { askOwnJson, session } from "./owner.js";
import { linkOf, takeSecret } from "./secrets.js";

// What most visitors of this page do not need, and what is needed for sure at once.
const LATER = {
  own: () => import("./account_own.js"),
  links: () => import("./account_links.js"),
  notices: () => import("./notices.js"),
  places: () => import("../line/own_places.js"),
};
if (signedIn() !== null) LATER.own().catch(() => undefined); // asked for once more below
const t = await words("own");

/** @typedef {{me: any, unreachable: boolean} | null} Known null until it is known */

/** @returns {Promise<Known>} who is signed in; `me` is null where nobody is */
async function look() {
  if (signedIn() === null) return { me: null, unreachable: false };
  try {
    return { me: await askOwnJson("/v1/me"), unreachable: false };
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return { me: null, unreachable: false };
    if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
    return { me: null, unreachable: true };
  }
}

function Account() {
  const [known, setKnown] = useState(/** @type {Known} */ (null));
  const [link, setLink] = useState(() => linkOf(takeSecret()));
  const [told, setTold] = useState("");
  const load = () => look().then(setKnown);
  useEffect(() => {
    entitle(t("common.account"));
    load();
    const onLink = () => {
      const next = linkOf(takeSecret());
      if (next !== null) setLink(next);
    };
    addEventListener("hashchange", onLink);
    session.addEventListener("ended", load);
    return () => {
      removeEventListener("hashchange", onLink);
      session.removeEventListener("ended", load);
    };
  }, []);
  const tell = async (/** @type {string} */ text) => {
    await load();
    setTold(text);
    toTitle();
  };
  const done = async (/** @type {string} */ text) => {
    await tell(text);
    setLink(null);
  };
  return html`<${Page} t=${t} here="account" narrow><div class="stack">
    <h1>${t("common.account")}</h1>
    <p class=${told ? "note good" : ""} role="status">${told}</p>
    ${link && html`<${Later} key=${link.code} load=${LATER.links} part="Link" t=${t} link=${link}
      known=${known} onDone=${done} reload=${load} />`}
    <${Shown} known=${known} load=${load} done=${tell} link=${link} />
  </div><//>`;
}

/** @param {{known: Known, load: () => any, done: (text: string) => any, link: any}} props */
function Shown({ known, load, done, link }) {
  if (known === null) return html`<${Waiting} />`;
  if (known.unreachable) {
    return html`<p class="note wait" role="status">${t("own.unreachable")}</p>
      <div class="row"><${Button} onClick=${load}>${t("common.again")}<//></div>`;
  }
  const guests = guestTokens().map((token) =>
    html`<${Later} key=${`${token} places`} load=${LATER.places} part="Places" token=${token} quiet />
    <${Bought} key=${token} t=${t} token=${token} guest>
      <${Later} load=${LATER.notices} part="Notices" t=${t} token=${token} quiet /><//>`);
  if (known.me !== null) {
    return html`<${Later} load=${LATER.own} part="Own" t=${t} me=${known.me} reload=${load}
      done=${done}>${guests}<//>`;
  }
  // What the link is for has forms of its own.
  return html`${link?.kind !== "reset" && html`<${Enter} t=${t} onDone=${done} />`}${guests}`;
}

/**
 * A part that is fetched when it is there to be seen.
 * @param {{load: () => Promise<any>, part: string, quiet?: boolean, [more: string]: any}} props
 *   `quiet` is one that most have nothing in, of which nobody waits to hear
 */
function Later({ load, part, quiet = false, ...rest }) {
  const [Part, setPart] = useState(/** @type {any} */ (null));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    load().then((module) => setPart(() => module[part]), () => setFailed(true));
  }, []);
  if (Part !== null) return html`<${Part} ...${rest} />`;
  if (quiet) return null;
  if (!failed) return html`<${Waiting} />`;
  return html`<p class="note wait" role="status">${t("own.unreachable")}</p>
    <div class="row"><${Button} onClick=${() => location.reload()}>${t("common.again")}<//></div>`;
}

const Waiting = () => html`<div class="card stack" aria-busy="true">
  <div class="skeleton title"></div><div class="skeleton line"></div>
  <div class="skeleton block"></div></div>`;

show(html`<${Account} />`);
