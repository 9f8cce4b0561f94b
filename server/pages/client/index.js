// @ts-check
// The client of Onsale's public interface that our own pages use, for others to use too:
// it has no DOM and no dependency. docs/pages.md shows how.

export { deadlineIn, learnTime, serverNow } from "./clock.js";
export { Connection } from "./connection.js";
export { EventState } from "./event_state.js";
export { Refused, Unreachable, ask, askJson, newKey } from "./http.js";
export { ofBrowser, ofTab } from "./storage.js";
export {
  askAsVisitor, forget, freshen, guestTokens, isOpened, keepGuest, keepNewSession, keepOpened, keepPaths,
  keepSignedIn, mayHold, onOtherTab, outliveTheTab, read, readFirst, readOwn, register, renew,
  sessionToken, signIn, signOut, signedIn, tokens, visitorToken,
} from "./tokens.js";
