// @ts-check
// How much one may have, for how long, and who comes when.

import { html } from "../vendor/preact/standalone.js";
import { inputsOf } from "./inputs.js";

/** @typedef {import("./basics.js").Props} Props */

/** @param {Props & {capacityOnly: boolean}} props */
export function Limits({ t, values, set, capacityOnly }) {
  const { number, tick, choice } = inputsOf(values, set);
  return html`<section class="card stack"><h2>${t("setup.limits")}</h2>
    <div class="fields">
      ${number("max_per_booking", t("setup.perBooking"))}
      ${number("max_per_user", t("setup.perUser"))}
      ${number("max_held_per_network", t("setup.perNetwork"), { hint: t("setup.perNetworkHint") })}
      ${number("hold_min", t("setup.holdMin"))}
      ${number("cancel_h", t("setup.cancelHours"), { hint: t("setup.cancelHint") })}
      ${capacityOnly && choice("registration", t("setup.registration"),
        [["closed", t("setup.registrationClosed")], ["open", t("setup.registrationOpen")]])}
    </div>
    ${tick("one_booking_per_user", t("setup.oneBooking"))}
    ${tick("prevent_orphans", t("setup.noOrphans"))}
    ${tick("waitlist", t("setup.waitlist"))}</section>`;
}

/** @param {Props} props */
export function Line({ t, values, set }) {
  const { number, tick, choice, text } = inputsOf(values, set);
  const modes = /** @type {[string, string][]} */ ([
    ["none", t("setup.lineNone")], ["fifo", t("setup.lineFifo")], ["draw", t("setup.lineDraw")],
  ]);
  // What programs set stays selectable where it is set.
  if (values.line === "list") modes.push(["list", t("setup.lineList")]);
  return html`<section class="card stack"><h2>${t("setup.line")}</h2>
    <p class="quiet">${t("setup.lineWords")}</p>
    <div class="fields times">${choice("line", t("setup.lineMode"), modes)}
      ${values.line !== "none" && html`
        ${text("line_gather", t("setup.lineGather"), { type: "datetime-local", hint: t("setup.lineGatherHint") })}
        ${text("line_opens", t("setup.lineOpens"), { type: "datetime-local", hint: t("setup.lineOpensHint") })}
        ${choice("line_identity", t("setup.lineIdentity"), [["any", t("setup.identityAny")],
          ["email", t("setup.identityEmail")], ["account", t("setup.identityAccount")]])}
        ${number("line_turn_s", t("setup.lineTurn"))}
        ${number("line_per_min", t("setup.linePerMin"), { hint: t("setup.linePerMinHint") })}
        ${number("line_bits", t("setup.lineBits"), { hint: t("setup.lineBitsHint") })}`}
    </div>
    ${values.line !== "none" && html`${tick("line_captcha", t("setup.lineCaptcha"))}
      ${tick("line_again", t("setup.lineAgain"))}<p class="quiet">${t("setup.lineOpenKeeps")}</p>`}</section>`;
}
