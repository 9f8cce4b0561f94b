// @ts-check
// What it costs: prices by category, types of tickets, fees, tax, and who takes the money.

import { Button, Field } from "../parts/forms.js";
import { html } from "../vendor/preact/standalone.js";
import { inputsOf } from "./inputs.js";
import { typeKey } from "./terms.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {{key: string, label: string, color?: string}} Category */
/** @typedef {{t: Translate, values: any, set: import("./inputs.js").Set, categories: Category[]}} Props */

const CURRENCIES = ["EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "JPY"];

/** @param {Props} props */
export function Prices({ t, values, set, categories }) {
  const { text, choice, number, tick } = inputsOf(values, set);
  const price = (/** @type {string} */ key) => (/** @type {any} */ { target }) =>
    set({ prices: { ...values.prices, [key]: target.value } });
  return html`<section class="card stack"><h2>${t("setup.prices")}</h2>
    <p class="quiet">${t("setup.pricesWords")}</p>
    <div class="fields">
      ${text("currency", t("setup.currency"), { list: "currencies", maxlength: 3, autocapitalize: "characters" })}
      ${categories.map(({ key, label }) => html`<${Field} key=${key} label=${label} inputmode="decimal"
        value=${values.prices[key] ?? ""} onInput=${price(key)} data-testid="event-price" data-category=${key} />`)}
    </div>
    <datalist id="currencies">${CURRENCIES.map((one) => html`<option key=${one} value=${one} />`)}</datalist>
    <div class="fields">
      ${choice("payment", t("setup.payment"), [["none", t("setup.payNone")], ["required", t("setup.payRequired")]])}
      ${values.payment === "required" && html`${number("pay_min", t("setup.payMin"))}
        ${choice("late", t("setup.late"), [["same", t("setup.lateSame")], ["refund", t("setup.lateRefund")]])}`}
    </div>
    <details><summary>${t("setup.feesAndTax")}</summary><div class="stack">
      <div class="fields">
        ${number("fee_order", t("setup.feeOrder"))}
        ${number("fee_ticket", t("setup.feeTicket"))}
        ${number("fee_percent", t("setup.feePercent"))}
        ${choice("fee_by", t("setup.feeBy"), [["buyer", t("setup.feeBuyer")], ["seller", t("setup.feeSeller")]])}
      </div>${tick("fee_returns", t("setup.feeReturns"))}
      <div class="fields">
        ${number("tax_percent", t("setup.taxPercent"))}
        ${text("tax_name", t("setup.taxName"), { maxlength: 50, hint: t("setup.taxNameHint") })}
      </div>${tick("tax_included", t("setup.taxIncluded"))}
      <p class="quiet">${t("setup.ordersKeep")}</p>
    </div></details></section>`;
}

/** @param {Props} props */
export function Types({ t, values, set, categories }) {
  const { types } = values;
  const be = (/** @type {any[]} */ next) => set({ types: next });
  const change = (/** @type {string} */ key, /** @type {any} */ fields) =>
    be(types.map((/** @type {any} */ one) => (one.key === key ? { ...one, ...fields } : one)));
  const add = () => {
    const name = t("setup.typeNew");
    be([...types, { key: typeKey(name, types), name, prices: {}, most: "" }]);
  };
  return html`<section class="card stack"><h2>${t("setup.types")}</h2>
    <p class="quiet">${t("setup.typesWords")}</p>
    ${types.map((/** @type {any} */ one) => html`<fieldset class="stack" key=${one.key} data-testid="event-type">
      <legend dir="auto">${one.name}</legend>
      <div class="fields">
        <${Field} label=${t("setup.typeName")} value=${one.name} maxlength="100" data-field="name"
          onInput=${(/** @type {any} */ { target }) => change(one.key, { name: target.value })} />
        <${Field} label=${t("setup.typeMost")} value=${one.most} inputmode="numeric" data-field="most"
          onInput=${(/** @type {any} */ { target }) => change(one.key, { most: target.value })} />
        ${categories.filter(({ key }) => values.prices[key]).map(({ key, label }) => html`<${Field} key=${key}
          label=${label} inputmode="decimal" value=${one.prices[key] ?? ""} placeholder=${values.prices[key]}
          onInput=${(/** @type {any} */ { target }) =>
            change(one.key, { prices: { ...one.prices, [key]: target.value } })} />`)}
      </div>
      <div class="row"><${Button} kind="bare" aria-label=${t("setup.removeNamed", { name: one.name })}
        onClick=${() => be(types.filter((/** @type {any} */ other) => other.key !== one.key))}>
        ${t("setup.remove")}<//></div></fieldset>`)}
    <div class="row"><${Button} onClick=${add} data-testid="add-type">${t("setup.typeAdd")}<//></div></section>`;
}
