// @ts-check
// One's places in the lines of all events, on one's own page: those that are not over.

import { Refused, Unreachable, askJson, freshen, sessionToken } from "../client/index.js";
import { readAll } from "../own/owner.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { dayText, numberText } from "../words/format.js";
import { words } from "../words/index.js";

const t = await words("line");
const AGAIN_MS = 15_000;

/** @typedef {{place: any, event: any}} Known with the event that it is of */

/** @param {string | null} guest a guest's token; null is who is signed in */
async function placesOf(guest) {
  if (guest === null) await freshen();
  const token = guest ?? sessionToken();
  if (token === null) return [];
  const ask = (/** @type {string} */ path) => askJson(path, { token });
  const places = await readAll("/v1/line/entries", (path) => ask(`${path}&live=true`));
  return Promise.all(places.map(async (place) => {
    const path = `/v1/events/${encodeURIComponent(place.event)}`;
    const [event, now] = await Promise.all([ask(path), ask(`${path}/line/entries/me`)]);
    return { place: now, event };
  }));
}

/** @param {{token?: string | null}} props a guest's token; else the session's */
export function Places({ token = null }) {
  const [known, setKnown] = useState(/** @type {Known[]} */ ([]));
  useEffect(() => {
    let timer = 0;
    let ended = false;
    const load = async () => {
      try {
        setKnown(await placesOf(token));
      } catch (error) {
        // Who is nobody any more, or has no network, is told so by what stands beside this.
        if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
      }
      if (!ended) timer = setTimeout(load, AGAIN_MS);
    };
    load();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, []);
  if (known.length === 0) return null;
  return html`<section class="card stack" data-testid="places"><h2>${t("line.yourPlaces")}</h2>
    <ul class="things">${known.map((one) =>
      html`<${Item} key=${one.place.entry} ...${one} />`)}</ul></section>`;
}

/** @param {Known} props */
function Item({ place, event }) {
  const turn = place.state === "turn";
  return html`<li data-testid="place" data-state=${place.state}>
    <a href=${`/events/${encodeURIComponent(place.event)}`}><strong dir="auto">${event.name}</strong>
      <span>${turn ? t(place.turn.hold ? "line.placeOffer" : "line.placeTurn", {
        until: dayText(Date.parse(place.turn.until)) }) : rankText(place)}</span>
      ${place.wish && html`<span class="quiet small">${
        t("line.wishCount", { n: place.wish.quantity })}</span>`}</a>
    <span class=${turn ? "pill good" : "pill wait"}>${
      t(turn ? "line.pillTurn" : place.state === "paused" ? "line.pillPaused" : "line.pillWaits")}</span>
  </li>`;
}

/** @param {any} place */
function rankText({ rank, ahead }) {
  if (rank === null) return t("line.placeListed");
  const told = t("line.placeRank", { rank: numberText(rank) });
  return ahead === null ? told : `${told} · ${t("line.ahead", { n: ahead })}`;
}
