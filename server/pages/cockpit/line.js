// @ts-check
// The line in front of a sale: whether it moves, how fast, and what those who wait are told.

import { newKey, serverNow } from "../client/index.js";
import { useRead } from "../organise/frame.js";
import { askOwnJson } from "../own/owner.js";
import { Confirm } from "../parts/confirm.js";
import { Lines } from "../parts/fields.js";
import { Field, Wrong } from "../parts/forms.js";
import { html, useRef, useState } from "../vendor/preact/standalone.js";
import { clockText, numberText } from "../words/format.js";
import { LANGUAGES, language } from "../words/index.js";
import { growth, sum } from "./seconds.js";
import { useSteering } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {{t: Translate, path: string, line: any, load: () => any, onDid: (text: string) => void}} Props */

const LOOK_MS = 5_000;
const MINUTE_S = 60;
/** Phases in which somebody may wait. */
const WAITS = new Set(["gathering", "drawing", "open", "waitlist"]);
const OTHERS = Object.entries(LANGUAGES).filter(([code]) => code !== language);

/** @param {{t: Translate, home: string, known: any}} props `known` of the event's seconds */
export function Queue({ t, home, known }) {
  const path = `${home}/line`;
  const { known: line, trouble, load } = useRead(t, () => askOwnJson(path), LOOK_MS);
  const [did, setDid] = useState("");
  if (line === null ? !trouble : line.mode === null) return null;
  if (line === null) return html`<${Wrong} text=${trouble} />`;
  const last = known.seconds.at(-1);
  const given = sum(growth(known.seconds, "turns_total", known.now, MINUTE_S));
  const props = { t, path, line, load, onDid: setDid };
  return html`<section class="card stack" data-testid="queue"><h2>${t("cockpit.line")}</h2>
    <p class="big" data-testid="line-phase">
      ${t(line.paused ? "cockpit.linePaused" : `cockpit.phase_${line.phase}`)}</p>
    <dl class="engine">
      <div><dt>${t("cockpit.turnsMinute")}</dt><dd data-testid="turns-minute">${numberText(given)}</dd></div>
      <div><dt>${t("cockpit.paceWanted")}</dt><dd data-testid="pace-wanted">${paceText(t, last)}</dd></div>
    </dl>
    <div class="row">
      ${line.phase !== "over" && html`<${Hold} key=${`${line.phase} ${line.paused}`} ...${props} />`}
      ${WAITS.has(line.phase) && html`<${Say} ...${props} />`}
      ${WAITS.has(line.phase) && line.mode !== "list" && html`<${Pace} last=${last} ...${props} />`}</div>
    <p class=${did ? "note good" : ""} role="status" data-testid="line-did">${did}</p>
    ${line.message !== null && html`<div class="note" data-testid="said"><p class="quiet small">
      ${t("cockpit.saidAt", { time: clockText(Date.parse(line.message.said_at)) })}</p>
      <p dir="auto">${line.message.text}</p></div>`}
  </section>`;
}

/** @param {Translate} t @param {any} last second of the event @returns {string} */
function paceText(t, last) {
  if (last?.turns_per_min) return t("cockpit.perMinute", { n: last.turns_per_min });
  if (last?.sell_out_s) return t("cockpit.within", { n: Math.round(last.sell_out_s / MINUTE_S) });
  return t("cockpit.asFast");
}

/** Open it, have it stand still, or move again. @param {Props} props */
function Hold({ t, path, line, load, onDid }) {
  const work = useSteering(t);
  const what = line.phase === "off" ? "open" : line.paused ? "resume" : "pause";
  const act = async () => {
    await askOwnJson(`${path}/${what}`, { method: "POST", key: newKey() });
    onDid(t(`cockpit.line_${what}Did`, { time: clockText(serverNow()) }));
    await load();
  };
  return html`<${Confirm} label=${t(`cockpit.line_${what}`)} title=${t(`cockpit.line_${what}`)}
    words=${t(`cockpit.line_${what}Will`)} yes=${t(`cockpit.line_${what}Yes`)} no=${t("cockpit.leaveIt")}
    work=${work} act=${act} kind=${what === "pause" ? "" : "first"} name=${`line-${what}`} />`;
}

/** How many turns a minute. @param {Props & {last: any}} props */
function Pace({ t, path, load, last, onDid }) {
  const work = useSteering(t);
  const [turns, setTurns] = useState("");
  const act = async () => {
    const body = { turns_per_min: Number(turns) };
    await askOwnJson(path, { method: "PATCH", body, key: newKey() });
    setTurns("");
    onDid(t("cockpit.paceDid", { n: body.turns_per_min, time: clockText(serverNow()) }));
    await load();
  };
  return html`<${Confirm} label=${t("cockpit.pace")} title=${t("cockpit.pace")} words=${t("cockpit.paceWill")}
    yes=${t("cockpit.paceYes")} no=${t("cockpit.leaveIt")} work=${work} act=${act} name="line-pace">
    <${Field} label=${t("cockpit.turnsMinute")} type="number" min="1" max="1000000" inputmode="numeric"
      value=${turns} placeholder=${last?.turns_per_min || undefined} data-testid="turns-per-min"
      onInput=${(/** @type {any} */ { target }) => setTurns(target.value)} /><//>`;
}

/** Something for all who wait, in each language that they read it in. @param {Props} props */
function Say({ t, path, load, onDid }) {
  const work = useSteering(t);
  // What was asked and not answered is asked again as the same.
  const asked = useRef({ said: "", key: "" });
  const [texts, setTexts] = useState(/** @type {Record<string, string>} */ ({}));
  const set = (/** @type {string} */ code) => (/** @type {any} */ { target }) =>
    setTexts({ ...texts, [code]: target.value });
  const act = async () => {
    const all = Object.entries(texts).map(([code, text]) => [code, text.trim()]).filter(([, text]) => text);
    const body = { text: (texts[language] ?? "").trim(), texts: Object.fromEntries(all) };
    const said = JSON.stringify(body);
    if (asked.current.said !== said) asked.current = { said, key: newKey() };
    await askOwnJson(`${path}/messages`, { method: "POST", body, key: asked.current.key });
    asked.current = { said: "", key: "" };
    setTexts({});
    onDid(t("cockpit.sayDid", { time: clockText(serverNow()) }));
    await load();
  };
  return html`<${Confirm} label=${t("cockpit.say")} title=${t("cockpit.say")} words=${t("cockpit.sayWill")}
    yes=${t("cockpit.sayYes")} no=${t("cockpit.leaveIt")} work=${work} act=${act} name="line-say">
    <${Lines} label=${t("cockpit.sayText")} value=${texts[language] ?? ""} maxlength="500" dir="auto"
      data-testid="say-text" onInput=${set(language)} />
    ${OTHERS.map(([code, name]) => html`<${Lines} key=${code} value=${texts[code] ?? ""} maxlength="500"
      label=${t("cockpit.sayAlso", { language: name })} lang=${code} dir="auto"
      data-testid=${`say-${code}`} onInput=${set(code)} />`)}<//>`;
}
