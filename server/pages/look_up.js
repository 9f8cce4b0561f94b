// How who has lost the letter gets into an order.

import { Refused, ask } from "./visitor.js";
import { element, say } from "./words.js";

// Has a link mailed, if reference and address fit; whether they do is not told.
export function onLookUp() {
  element("look-up").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = element("look-up-submit");
    button.disabled = true;
    const body = { reference: element("order-reference").value, email: element("buyer-email").value };
    try {
      await ask("/v1/orders/lookup", { method: "POST", body });
      say("look-up-told", "If both fit, a mail is on its way. It is good for an hour.");
    } catch (error) {
      const known = error instanceof Refused;
      say("look-up-told", known ? error.message : "The server cannot be reached.");
    } finally {
      button.disabled = false;
    }
  });
}
