// @ts-check
// What stands around every page: the top with the shop's name, the foot with its language.

import { ofTab } from "../client/storage.js";
import { signedIn } from "../client/tokens.js";
import { html, render } from "../vendor/preact/standalone.js";
import { LANGUAGES, choose, language } from "../words/index.js";
import { runsSomething } from "./runs.js";

/** @param {string} name @returns {string} what the shell says of this shop */
const told = (name) =>
  document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? "";

/** The shop's name. */
export const brand = told("application-name");
const logo = told("onsale-logo");
const EMBED = "onsale.embed";

/** Whether the page is part of somebody else's: in a frame, or by `?embed=1`. */
function isEmbedded() {
  const asked = new URLSearchParams(location.search).get("embed");
  // For as long as the tab is there: payments lead back to an address without it.
  if (asked !== null) ofTab.write(EMBED, asked === "1" || null);
  return globalThis.parent !== globalThis || ofTab.read(EMBED) === true;
}

const embedded = isEmbedded();

/**
 * @param {{t: import("../words/index.js").Translate, here?: "events" | "account",
 *   narrow?: boolean, children?: any}} props
 */
export function Page({ t, here, narrow = false, children }) {
  const current = (/** @type {string} */ name) => (here === name ? "page" : undefined);
  const below = (/** @type {string} */ path) =>
    (location.pathname.startsWith(path) ? "page" : undefined);
  return html`
    <a class="skip" href="#main">${t("common.skip")}</a>
    ${!embedded && html`<header class="top"><div>
      <a class="brand" href="/">${logo ? html`<img src=${logo} alt=${brand} />` : brand}</a>
      <nav aria-label=${t("common.pages")}>
        <a href="/" aria-current=${current("events")}>${t("common.events")}</a>
        ${runsSomething() && html`<a href="/organise" aria-current=${below("/organise")}>
          ${t("common.organise")}</a>`}
        ${signedIn()?.role === "admin" && html`<a href="/admin" aria-current=${below("/admin")}>
          ${t("common.admin")}</a>`}
        <a href="/account" aria-current=${current("account")}>${t("common.account")}</a>
      </nav>
    </div></header>`}
    <main id="main" class=${narrow ? "main narrow" : "main"} tabindex="-1">${children}</main>
    ${!embedded && html`<footer class="foot"><div>
      <span dir="auto">${brand}</span>
      <label class="row">${t("common.language")}
        <select value=${language} onChange=${(/** @type {any} */ event) => choose(event.target.value)}>
          ${Object.entries(LANGUAGES).map(([code, name]) =>
            html`<option value=${code} selected=${code === language} lang=${code}>${name}</option>`)}
        </select></label>
    </div></footer>`}`;
}

/** Show a page in the place that the shell has for it. @param {any} content */
export function show(content) {
  render(content, /** @type {HTMLElement} */ (document.getElementById("page")));
}

/** Say in the window's title what is on show. @param {string} text */
export function entitle(text) {
  document.title = text ? `${text} – ${brand}` : brand;
}
