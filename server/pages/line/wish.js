// @ts-check
// What somebody who waits wishes for: so many, of which category, together or not.

import { Tick, seatedCategories } from "../buy/choose.js";
import { Button, Form } from "../parts/forms.js";
import { html, useMemo, useState } from "../vendor/preact/standalone.js";
import { moneyText } from "../words/format.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./place.js").Place} Place */
/** @typedef {import("./place.js").Wish} Wish */

const CATEGORIES_MAX = 3;

/** @param {any} event @param {any} category */
function named(event, { key, label }) {
  const price = event.prices[key];
  return price === undefined || price.amount === 0 ? label : `${label} – ${moneyText(price)}`;
}

/**
 * @param {{t: Translate, place: Place, button: string, testid: string, wish?: Wish | null,
 *   times?: boolean, onWish: (wish: Wish | null, moreTime: boolean) => any, children?: any}} props
 *   `wish` is the one of now; `times` whether to ask how long a turn is to last
 */
export function WishForm(props) {
  const { t, place, button, testid, wish = null, times = false, onWish, children } = props;
  const { event, map } = place.sale;
  const needed = place.needsWish;
  const [wishes, setWishes] = useState(needed || wish !== null);
  // Kept here: whatever is told meanwhile has all of this drawn anew.
  const most = event.max_per_booking;
  const [quantity, setQuantity] = useState(wish?.quantity ?? Math.min(2, most));
  const [together, setTogether] = useState(wish?.together ?? true);
  const [accessible, setAccessible] = useState(wish?.accessible ?? false);
  const [moreTime, setMoreTime] = useState(place.moreTimeAsked);
  const [chosen, setChosen] = useState(wish?.categories?.length ? wish.categories : [""]);
  const seated = useMemo(() => seatedCategories(map).length > 0, [map]);
  const hasAccessible = useMemo(
    () => map.seats.some((/** @type {any} */ seat) => seat.accessible), [map]);
  const send = () => {
    if (place.busy) return;
    if (!needed && !wishes) return onWish(null, moreTime);
    onWish({
      quantity,
      categories: [...new Set(chosen.filter((one) => one !== ""))],
      together: !seated || together,
      accessible,
      if_none: "wait",
    }, moreTime);
  };
  return html`<${Form} onSend=${send} class="stack wish-form">
    ${!needed && html`<fieldset class="stack ways"><legend class="unseen">${t("line.how")}</legend>
      <label class="tick"><input type="radio" name="way" value="choose" checked=${!wishes}
        onChange=${() => setWishes(false)} /> ${t("line.chooseMyself")}</label>
      <label class="tick"><input type="radio" name="way" value="wish" checked=${wishes}
        data-testid="line-wish" onChange=${() => setWishes(true)} /> ${t("line.wishInstead")}</label>
      ${wishes && html`<p class="quiet small">${t("line.wishHint")}</p>`}</fieldset>`}
    ${(needed || wishes) && html`<div class="choose">
      <label class="field few"><span>${t("line.quantity")}</span>
        <input type="number" inputmode="numeric" min="1" max=${most} required
          data-testid="wish-quantity" value=${quantity}
          onInput=${(/** @type {any} */ { target }) => setQuantity(target.valueAsNumber)} /></label>
      <${Categories} t=${t} event=${event} map=${map} chosen=${chosen} onChoose=${setChosen} />
      ${seated && html`<div class="row ticks">
        <${Tick} label=${t("line.together")} checked=${together} onCheck=${setTogether} />
        ${hasAccessible && html`<${Tick} label=${t("line.accessible")} checked=${accessible}
          onCheck=${setAccessible} />`}</div>`}
    </div>`}
    ${times && html`<${Tick} label=${t("line.moreTime")} checked=${moreTime}
      onCheck=${setMoreTime} />`}
    <div class="row"><${Button} type="submit" kind="first" busy=${place.busy}
      data-testid=${testid}>${button}<//>${children}</div>
  <//>`;
}

/** Categories in the order of liking. @param {any} props */
function Categories({ t, event, map, chosen, onChoose }) {
  const all = map.categories;
  const put = (/** @type {number} */ at, /** @type {string} */ key) =>
    onChoose(key === "" ? [...chosen.slice(0, at), ...(at ? [] : [""])] :
      chosen.map((/** @type {string} */ one, /** @type {number} */ i) => (i === at ? key : one)));
  const last = chosen[chosen.length - 1];
  const next = all.find((/** @type {any} */ one) => !chosen.includes(one.key));
  return html`${chosen.map((/** @type {string} */ key, /** @type {number} */ at) => html`
    <label key=${at} class=${at ? "field otherwise" : "field"}>
      <span>${t(at ? "line.otherwise" : "line.where")}</span>
      <select data-testid=${at ? "wish-otherwise" : "wish-category"}
        onChange=${(/** @type {any} */ { target }) => put(at, target.value)}>
        <option value="" selected=${key === ""}>${t(at ? "line.nothingElse" : "line.anywhere")}</option>
        ${all.filter((/** @type {any} */ one) => one.key === key || !chosen.includes(one.key))
          .map((/** @type {any} */ one) => html`<option key=${one.key} value=${one.key}
            selected=${one.key === key}>${named(event, one)}</option>`)}
      </select></label>`)}
    ${last !== "" && next !== undefined && chosen.length < CATEGORIES_MAX &&
      html`<button type="button" class="button bare" data-testid="wish-more"
        onClick=${() => onChoose([...chosen, next.key])}>${t("line.addOtherwise")}</button>`}`;
}
