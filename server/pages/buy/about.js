// @ts-check
// The head of an event's page: its name, when and where, what it costs, and taking it along.

import { save } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { Picture, SalePill, priceText, saleWords, whenText } from "./facts.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./sale.js").Sale} Sale */

/** @param {{t: Translate, sale: Sale}} props */
function Along({ t, sale }) {
  const [told, setTold] = useState("");
  const { event } = sale;
  const share = async () => {
    const url = location.href;
    try {
      if (navigator.share) await navigator.share({ title: event.name, url });
      else {
        await navigator.clipboard.writeText(url);
        setTold(t("buy.copied"));
      }
    } catch (error) {
      // Whoever closes the system's dialog has decided not to share.
      if (/** @type {Error} */ (error).name !== "AbortError") setTold(t("buy.copyYourself"));
    }
  };
  const calendar = async () => {
    try {
      save(await sale.calendar(), "event.ics");
      setTold(t("buy.calendarSaved"));
    } catch {
      setTold(t("common.unreachable"));
    }
  };
  return html`<div class="row along">
    <button type="button" class="button" onClick=${calendar}>${t("buy.calendar")}</button>
    <button type="button" class="button" onClick=${share}>${t("buy.share")}</button>
    <span role="status" class="small quiet">${told}</span></div>`;
}

/** @param {{t: Translate, event: any}} props */
export function Description({ t, event }) {
  return (
    event.description &&
    html`<section class="description stack" aria-labelledby="about-title">
    <h2 id="about-title">${t("buy.about")}</h2><p dir="auto">${event.description}</p>
    ${
      event.tags.length > 0 &&
      html`<ul class="row">${event.tags.map(
        (/** @type {string} */ tag) =>
          html`<li key=${tag}><a class="pill" dir="auto"
            href=${`/?tag=${encodeURIComponent(tag)}`}>#${tag}</a></li>`,
      )}</ul>`
    }
  </section>`
  );
}

/** @param {{t: Translate, sale: Sale}} props */
export function About({ t, sale }) {
  const { event, state } = sale;
  const left = state?.position ? state.counts().free : event.counts.free;
  return html`<header class=${event.image ? "about pictured" : "about"}>
    <${Picture} image=${event.image} large=${true} />
    <div class="stack">
      <h1 dir="auto">${event.name}</h1>
      <p class="row"><${SalePill} words=${saleWords(t, event, left)} />
        ${event.category && html`<span class="pill" dir="auto">${event.category}</span>`}</p>
      <p><time datetime=${event.starts_at}>${whenText(event)}</time>
        ${event.venue_name && html`<br /><span dir="auto">${event.venue_name}</span>`}</p>
      <p><b>${priceText(t, event)}</b></p>
      <${Along} t=${t} sale=${sale} />
    </div>
  </header>`;
}
