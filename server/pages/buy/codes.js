// @ts-check
// Codes of promotions: typed in at the checkout, told what they do, and taken away again.

import { Refused, Unreachable } from "../client/index.js";
import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";
import { moneyText, momentIn, percentText } from "../words/format.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./sale.js").Sale} Sale */
/** @typedef {import("./sale.js").Code} Code */

const CODES_MAX = 5; // as the interface takes them

/** What a code does, and for what. @param {Translate} t @param {Sale} sale @param {any} told */
function doesText(t, sale, told) {
  const { event, map } = sale;
  const names = (/** @type {string[]} */ keys, /** @type {(key: string) => string} */ nameOf) =>
    new Intl.ListFormat(document.documentElement.lang, { type: "disjunction" }).format(
      keys.map(nameOf),
    );
  const category = (/** @type {string} */ key) =>
    map.categories.find((/** @type {any} */ one) => one.key === key)?.label ?? key;
  const type = (/** @type {string} */ key) => event.types[key]?.name ?? key;
  const until =
    told.ends_at &&
    momentIn(told.ends_at, event.timezone, { dateStyle: "medium", timeStyle: "short" });
  return [
    told.kind === "percent"
      ? t("buy.codePercent", { share: percentText(told.percent_ppm) })
      : t("buy.codeAmount", { sum: moneyText(told.amount) }),
    told.categories && t("buy.codeFor", { what: names(told.categories, category) }),
    told.types && t("buy.codeAs", { what: names(told.types, type) }),
    told.minimum && t("buy.codeFrom", { sum: moneyText(told.minimum) }),
    until && t("buy.codeUntil", { until }),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {Translate} t @param {Sale} sale @param {Code} one @returns {string} why it is idle */
function idleText(t, sale, { code, told }) {
  const why = sale.idle.get(code);
  if (why === undefined) return "";
  if (why === "code_used_up") return t("buy.no_code_used_up");
  const others = sale.codes.filter((other) => other.code !== code && !sale.idle.has(other.code));
  const alone = others.length > 0 && ![told, ...others.map((one) => one.told)].every(
    (/** @type {any} */ one) => one.stacks);
  return t(alone ? "buy.codeAlone" : "buy.codeIdle");
}

/** @param {Translate} t @param {unknown} error */
function whyText(t, error) {
  if (error instanceof Unreachable) return t("buy.no_unreachable");
  if (!(error instanceof Refused)) throw error;
  const known = ["code_invalid", "code_used_up", "rate_limited"];
  // One that is too long, or of blanks alone, is none either.
  const code = error.code === "bad_field" ? "code_invalid" : (error.code ?? "");
  return t(known.includes(code) ? `buy.no_${code}` : "buy.no_unknown");
}

/** @param {{t: Translate, sale: Sale}} props */
export function Codes({ t, sale }) {
  const [opens, setOpens] = useState(false);
  const [text, setText] = useState("");
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const { codes } = sale;
  useEffect(() => {
    if (opens) field.current?.focus();
  }, [opens]);
  const add = async () => {
    const code = text.trim();
    if (busy || !code) return;
    setBusy(true);
    setTrouble("");
    try {
      await sale.addCode(code);
      setText("");
      setOpens(false);
    } catch (error) {
      setTrouble(whyText(t, error));
      field.current?.focus();
    } finally {
      setBusy(false);
    }
  };
  // It stands in the form of the order, which this does not send.
  const enter = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  };
  const drop = (/** @type {string} */ code) =>
    sale.setCodes(sale.codes.filter((one) => one.code !== code));
  return html`<div class="stack codes">
    <ul class="stack" aria-live="polite">${codes.map((one) => {
      const idle = idleText(t, sale, one);
      return html`<li key=${one.code} class=${idle ? "note wait" : "note good"}
        data-testid="code" data-idle=${idle ? "yes" : "no"}>
        <div class="row apart"><span><b><bdi>${one.code.toUpperCase()}</bdi></b>
          <small class="quiet" dir="auto">${one.told.name}</small></span>
          <button type="button" class="button bare drop" onClick=${() => drop(one.code)}
            aria-label=${t("buy.codeDrop", { code: one.code.toUpperCase() })}>
            <span aria-hidden="true">✕</span></button></div>
        <p class="small">${doesText(t, sale, one.told)}</p>
        ${idle && html`<p class="small">${idle}</p>`}</li>`;
    })}</ul>
    ${
      opens
        ? html`<div class="field"><label for="code">${t("buy.code")}</label>
          <div class="row"><input id="code" ref=${field} data-testid="code-input"
            maxlength="64" onKeyDown=${enter} autocomplete="off" autocapitalize="characters" spellcheck=${false}
            value=${text} aria-invalid=${trouble ? "true" : undefined}
            onInput=${(/** @type {any} */ { target }) => setText(target.value)} />
          <button type="button" class="button" data-testid="code-apply" aria-disabled=${busy}
            onClick=${add}>
            ${t("buy.codeApply")}</button></div></div>`
        : codes.length < CODES_MAX &&
          html`<div><button type="button" class="button bare" data-testid="code-open"
            onClick=${() => setOpens(true)}>${t(codes.length ? "buy.codeMore" : "buy.codeHave")}
            </button></div>`
    }
    <p class=${trouble ? "note bad small" : ""} role="alert">${trouble}</p>
  </div>`;
}
