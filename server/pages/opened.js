// Orders that this tab opened with a secret from a mail, beside what is its own.

const OPENED = "onsale.opened";
const KEPT_MAX = 20;

function read() {
  const kept = JSON.parse(sessionStorage.getItem(OPENED)) ?? [];
  return kept.filter(({ until }) => until > Date.now());
}

function write(kept) {
  sessionStorage.setItem(OPENED, JSON.stringify(kept.slice(-KEPT_MAX)));
}

// Such a token reads its order and that order's tickets, and is nobody's otherwise.
export const openedTokens = () => read().map(({ token }) => token);

export const isOpened = (token) => openedTokens().includes(token);

export function keepOpened(token, until) {
  write([...read(), { token, until }]);
}

export function forgetOpened(token) {
  write(read().filter((one) => one.token !== token));
}
