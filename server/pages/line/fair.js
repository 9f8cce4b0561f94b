// @ts-check
// What was promised of the order before anybody joined, and whether it holds: checked here,
// by the browser itself.

import { Refused, Unreachable, askJson, ofBrowser, read } from "../client/index.js";
import { Button, save } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { numberText } from "../words/format.js";
import {
  bucketOf, checkListed, checkOrder, checkPromise, checkStatement, stubOf,
} from "./check.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./place.js").Place} Place */
/** @typedef {import("./check.js").Check} Check */

const WITNESS = "onsale.witness";
const KEPT_MAX = 20; // events
const GROUP = 4;
const SHOWN = 32;
const SIGNS = { ok: "✓", bad: "✕", weak: "!", open: "–" };

/** What people compare of a root. @param {string} root */
export const rootText = (root) =>
  (root.slice(0, SHOWN).match(new RegExp(`.{${GROUP}}`, "g")) ?? []).join(" ");

/**
 * The frame that told of a list, with the time when this browser heard it first: kept, so
 * that it can be held against what is told later.
 * @param {Place} place
 */
function witnessOf({ witness, sale }) {
  const kept = new Map(ofBrowser.read(WITNESS) ?? []);
  const known = kept.get(sale.id) ?? null;
  if (witness === null || (known !== null && known.frame.draw >= witness.frame.draw)) return known;
  kept.delete(sale.id);
  kept.set(sale.id, witness);
  ofBrowser.write(WITNESS, [...kept].slice(-KEPT_MAX));
  return witness;
}

/** Whether the signed place says that it came after the list was closed. @param {any} mine */
function isLate({ place }) {
  const claims = place.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(atob(claims)).late;
}

/** @param {Place} place @returns {Promise<Check[]>} all that can be checked by now */
async function checkAll(place) {
  const { line, mine, rank } = place;
  const checks = await checkPromise(line);
  if (line.statement === null) return checks;
  const keys = await read("/v1/receipt-key");
  checks.push(...(await checkStatement(line, keys.public_key ?? null, witnessOf(place))));
  // Who came later is not on the list, and need not be.
  if (mine === null || isLate(mine)) return checks;
  const stub = await stubOf(mine.entry);
  const query = `bucket=${bucketOf(stub)}&draw=${line.draw}`;
  const proof = await askJson(`${place.path}/entrants?${query}`);
  checks.push({ name: "stub", mark: stub === mine.stub ? "ok" : "bad" });
  checks.push(...(await checkListed(line, proof, stub)));
  if (line.seed !== null && proof.ranks !== null && rank !== null) {
    checks.push(...(await checkOrder(line, proof, stub, rank)));
  }
  return checks;
}

/**
 * Check again whenever more of the draw, or of the place, is known.
 * @param {Place} place
 */
function useChecks(place) {
  const { line, mine, rank } = place;
  const [checks, setChecks] = useState(/** @type {Check[] | null} */ (null));
  const known = JSON.stringify([line.draw, line.root, line.seed, mine?.entry, rank]);
  useEffect(() => {
    if (line.commitment === null || crypto.subtle === undefined) return undefined;
    let current = true;
    checkAll(place).then(
      (found) => current && setChecks(found),
      (error) => {
        // Nothing was found wrong: it could not be read. The next news has it read again.
        if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
      },
    );
    return () => {
      current = false;
    };
  }, [known]);
  return checks;
}

/** @param {{t: Translate, place: Place}} props */
export function Fair({ t, place }) {
  const { line } = place;
  if (line.mode !== "draw" || line.commitment === null) return null;
  return html`<${Checked} t=${t} place=${place} />`;
}

/** @param {{t: Translate, place: Place}} props */
function Checked({ t, place }) {
  const { line, mine } = place;
  const checks = useChecks(place);
  const wrong = checks?.filter((one) => one.mark === "bad") ?? [];
  const weak = checks?.filter((one) => one.mark === "weak") ?? [];
  const drawn = checks?.some((one) => one.name === "order") ?? false;
  const listed = checks?.some((one) => one.name === "listed") ?? false;
  const witness = witnessOf(place);
  const keep = () => {
    const { arrived_ms, frame } = /** @type {any} */ (witness);
    save(new Blob([JSON.stringify({ arrived_ms, frame })], { type: "application/json" }),
      "witness.json");
  };
  const transcript = `${place.path}/transcript`;
  return html`${wrong.length > 0
    ? html`<div class="note bad" role="alert" data-testid="line-check" data-found="bad">
        <p><b>${t("line.checkBad")}</b></p><p>${t("line.checkBadNext")}</p></div>`
    : html`${weak.map(({ name }) => html`<p key=${name} class="note wait" role="status"
        data-testid="line-weak">${t(`line.weak_${name}`)}</p>`)}
      ${listed && html`<p class="note good" role="status" data-testid="line-check"
        data-found=${drawn ? "drawn" : "listed"}>✓ ${
        t(drawn ? "line.checkDrawn" : "line.checkListed")}</p>`}`}
    <details class="fair briefly"><summary>${t("line.fair")}</summary>
    <div class="stack small"><p>${t("line.fairWords")}</p>
    <p>${t(line.rules.beacon === null ? "line.fairAlone" : "line.fairBeacon")}</p>
    <dl class="promised">
      <div><dt>${t("line.commitment")}</dt>
        <dd><code data-testid="line-commitment">${line.commitment}</code></dd></div>
      ${line.round !== null && html`<div><dt>${t("line.round")}</dt>
        <dd class="number">${numberText(line.round)}</dd></div>`}
      ${line.root !== null && html`<div><dt>${t("line.root", { n: line.entries })}</dt>
        <dd><code data-testid="line-root">${rootText(line.root)}</code></dd></div>`}
      ${line.seed !== null && html`<div><dt>${t("line.seed")}</dt>
        <dd><code>${line.seed}</code></dd></div>`}
    </dl>
    ${checks === null && crypto.subtle === undefined && html`<p>${t("line.checkCannot")}</p>`}
    ${checks !== null && html`<h3>${t("line.checkedHere")}</h3>
      <ul class="checks" data-testid="line-checks">${checks.map(({ name, mark }) =>
        html`<li key=${name} data-check=${name} data-mark=${mark} class=${mark}>
          <span aria-hidden="true">${SIGNS[mark]}</span>
          <span>${t(`line.check_${name}`)} <span class="unseen">${
            t(`line.mark_${mark}`)}</span></span></li>`)}</ul>`}
    ${drawn && html`<p>${t("line.verifyWords")}</p>
      <p><code data-testid="line-verify">onsale verify transcript.ndjson${
        mine?.place && ` --place ${mine.stub}`}</code></p>
      <p><a href=${transcript} download="transcript.ndjson">${t("line.transcript")}</a></p>`}
    ${witness !== null && html`<p>${t("line.witnessWords")}</p>
      <div class="row"><${Button} data-testid="line-witness" onClick=${keep}>
        ${t("line.witness")}<//></div>`}
    </div></details>`;
}
