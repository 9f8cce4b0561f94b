// What is shown to who may not see the page: how they can.

import { Refused, signIn } from "./visitor.js";
import { element, say } from "./words.js";

const NOBODY =
  "A guest's orders and tickets open in the browser that bought them, and this is" +
  " another one. Open the link there, or the one of the letter that you got; or sign in if" +
  " you bought with an account.";
const NOT_YOURS =
  "There is nothing here that this browser may show. Check the address, open it in the" +
  " browser that bought it, or sign in with the account that did.";

// `refused` is null where this browser is nobody yet.
export function showAway(refused) {
  element("own").hidden = true;
  element("away").hidden = false;
  say("away-words", refused === null ? NOBODY : NOT_YOURS);
}

export function showOwn() {
  element("away").hidden = true;
  element("own").hidden = false;
}

export function onSignIn(load) {
  element("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = element("sign-in-submit");
    button.disabled = true;
    say("sign-in-trouble", "");
    try {
      await signIn(element("email").value, element("password").value);
      element("password").value = "";
      await load();
    } catch (error) {
      const known = error instanceof Refused;
      say("sign-in-trouble", known ? error.message : "The server cannot be reached.");
    } finally {
      button.disabled = false;
    }
  });
}
