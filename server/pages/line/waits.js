// @ts-check
// A place in the line: which, how many are before it, how long it may take, how likely it
// is to find what is wished for; and what its holder may do.

import { serverNow } from "../client/index.js";
import { Ask } from "../parts/dialog.js";
import { Button } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { dayText, leftText, numberText } from "../words/format.js";
import { OtherDevice } from "./device.js";
import { WishForm } from "./wish.js";
import { wishText } from "./wish_text.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./place.js").Place} Place */

const HOUR_MS = 3_600_000;
const MINUTE_S = 60;
const SPOKEN_MS = 60_000;

/** How long it is until then, or when that is. @param {number} at_ms */
export function untilText(at_ms) {
  const left = at_ms - serverNow();
  return left > HOUR_MS ? dayText(at_ms) : leftText(left);
}

/** @param {Translate} t @param {{from_s: number, to_s: number} | null} range */
function rangeText(t, range) {
  if (range === null) return t("line.rangeUnknown");
  const from = Math.floor(range.from_s / MINUTE_S);
  const to = Math.max(1, Math.ceil(range.to_s / MINUTE_S));
  if (to <= 1) return t("line.rangeSoon");
  return from === to || from === 0 ? t("line.rangeUpTo", { n: to }) :
    t("line.range", { from, n: to });
}

/** @param {{t: Translate, place: Place}} props */
export function Waits({ t, place }) {
  const { phase, line } = place;
  const list = line.mode === "list";
  const wish = place.mine?.wish ?? null;
  const [sound, setSound] = useState(place.sound.context !== null);
  const hear = (/** @type {any} */ { target }) => {
    place.sound.turn(target.checked);
    setSound(target.checked);
  };
  return html`<h2>${t(list ? "line.onList" : "line.inLine")}</h2>
    ${phase === "gathering" && html`<${Gathers} t=${t} place=${place} />`}
    ${phase === "drawing" && html`<p data-testid="line-drawing">${drawingText(t, place)}</p>`}
    ${place.rank !== null && html`<${Rank} t=${t} place=${place} list=${list} />`}
    ${place.rank === null && phase !== "gathering" && phase !== "drawing" &&
      html`<p role="status">${t("line.beingRanked")}</p>`}
    ${place.state === "paused" && html`<p class="note wait" data-testid="line-paused">
      ${t("line.isPaused")}</p>`}
    ${line.paused && html`<p class="note">${t("line.linePaused")}</p>`}
    ${wish && html`<p>${t("line.yourWish")} <b>${wishText(t, wish, place.sale.map)}</b></p>`}
    ${wish === null && phase === "waitlist" && html`<p class="note wait">${t("line.wishNow")}</p>`}
    ${place.rank !== null && html`<p class="quiet small">${
      t(wish && line.rules?.serve_away ? "line.mayLeave" : "line.stayHere")}</p>`}
    <label class="tick"><input type="checkbox" data-testid="line-sound" checked=${sound}
      onChange=${hear} /> ${t("line.sound")}</label>
    <${Acts} t=${t} place=${place} wish=${wish} />`;
}

/** @param {{t: Translate, place: Place}} props */
function Gathers({ t, place }) {
  const { line } = place;
  const closes = line.rules?.closes_at_ms;
  return html`<p class="note good" data-testid="line-joined">✓ ${
      t(line.mode === "draw" ? "line.joined" : "line.joinedFifo")}</p>
    ${closes && html`<p>${t("line.closesIn")} <b class="number" role="timer">
      ${untilText(closes)}</b></p>`}
    <p class="quiet small">${t("line.gatherAway")}</p>`;
}

/** @param {Translate} t @param {Place} place */
function drawingText(t, { line }) {
  const statement = line.statement;
  if (!statement) return t("line.closing");
  return statement.round === null ? t("line.fixedPlain", { n: statement.entries }) :
    t("line.fixedRound", { n: statement.entries, round: statement.round });
}

/**
 * What is read out: the latest of what changes all the time, once a minute at most.
 * @param {string} text
 */
function useSpoken(text) {
  const [spoken, setSpoken] = useState("");
  const [at, setAt] = useState(-Infinity);
  useEffect(() => {
    if (text === spoken) return undefined;
    const speak = () => {
      setSpoken(text);
      setAt(performance.now());
    };
    const timer = setTimeout(speak, Math.max(0, at + SPOKEN_MS - performance.now()));
    return () => clearTimeout(timer);
  }, [text, spoken, at]);
  return spoken;
}

/** @param {{t: Translate, place: Place, list: boolean}} props */
function Rank({ t, place, list }) {
  const { rank, ahead } = place;
  const before = ahead === null ? "" : ahead === 0 ? t("line.aheadNone") :
    t("line.ahead", { n: ahead });
  const spoken = useSpoken(before);
  return html`<div class="rank">
    <p class="small quiet">${t("line.yourRank")}</p>
    <p class="number big" data-testid=${list ? "waitlist-rank" : "line-rank"}
      data-rank=${rank}>${numberText(/** @type {number} */ (rank))}</p>
    <p data-testid="line-ahead" data-ahead=${ahead}><b>${before}</b></p>
    <p class="unseen" role="status">${spoken}</p>
    ${!list && html`<p data-testid="line-range">${rangeText(t, place.range)}</p>`}
    <${Odds} t=${t} place=${place} />
  </div>`;
}

/** @param {{t: Translate, place: Place}} props */
function Odds({ t, place }) {
  const told = place.outlook;
  if (!told) return null;
  const { odds_end, facts, why, others } = told;
  const label = (/** @type {string} */ key) =>
    place.sale.map.categories.find((/** @type {any} */ one) => one.key === key)?.label ?? key;
  return html`<div class="odds">
    ${odds_end && html`<p data-testid="line-odds" data-odds=${odds_end}>${t("line.odds")}
      <b> ${t(`line.odds_${odds_end}`)}</b></p>`}
    ${why && html`<p class="small">${t(`line.why_${why}`)}</p>`}
    ${facts && html`<p class="quiet small">${t("line.facts", {
      n: facts.before, wanted: facts.wanted, left: facts.left })}</p>`}
    ${others && html`<p class="small">${t("line.others")} ${Object.entries(others).map(
      ([key, word]) => `${label(key)}: ${t(`line.odds_${word}`)}`).join("; ")}</p>`}
  </div>`;
}

/** @param {{t: Translate, place: Place, wish: any}} props */
function Acts({ t, place, wish }) {
  const [edits, setEdits] = useState(false);
  const [leaves, setLeaves] = useState(false);
  const paused = place.state === "paused";
  const change = async (/** @type {any} */ next, /** @type {boolean} */ moreTime) => {
    await place.setWish(next, moreTime);
    if (place.trouble === null) setEdits(false);
  };
  const leave = () => {
    setLeaves(false);
    place.leave();
  };
  return html`<div class="row acts">
    <${Button} data-testid="line-edit" onClick=${() => setEdits(true)}>
      ${t(wish ? "line.changeWish" : "line.makeWish")}<//>
    ${place.rank !== null && html`<${Button} data-testid="line-pause" busy=${place.busy}
      onClick=${() => place.pause(!paused)}>${t(paused ? "line.resume" : "line.pause")}<//>`}
    ${place.mine && html`<${OtherDevice} t=${t} place=${place.mine.place} />`}
    <${Button} data-testid="line-leave" onClick=${() => setLeaves(true)}>${t("line.leave")}<//>
  </div>
  ${edits && html`<${Ask} title=${t("line.changeWish")} onClose=${() => setEdits(false)}>
    <${WishForm} t=${t} place=${place} wish=${wish} times onWish=${change}
      button=${t("line.saveWish")} testid="wish-save"><${Button} onClick=${() => setEdits(false)}>${t("line.keepWish")}<//><//><//>`}
  ${leaves && html`<${Ask} title=${t("line.leaveSure")} onClose=${() => setLeaves(false)}>
    <p>${t("line.leaveWords")}</p><div class="row">
      <${Button} onClick=${() => setLeaves(false)}>${t("line.stay")}<//>
      <${Button} kind="danger" data-testid="line-leave-yes" onClick=${leave}>
        ${t("line.leaveYes")}<//></div><//>`}`;
}
