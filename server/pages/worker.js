// The service worker of a page that works without a network: keeps the page and its files.
// What the page shows, the page keeps. `KEPT` is told by the server: version, page, files.

/* global KEPT */
const CACHE = `onsale ${KEPT.page} ${KEPT.version}`;
const PATIENCE_MS = 4_000;
const OURS = `onsale ${KEPT.page} `;

addEventListener("install", (event) => event.waitUntil(fill()));
addEventListener("activate", (event) => event.waitUntil(takeOver()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  const shows = request.mode === "navigate" && url.pathname.startsWith(KEPT.page);
  // All that is below has one page; which is shown says its address.
  if (shows) event.respondWith(freshOrKept(request));
  else if (KEPT.files.includes(url.pathname)) event.respondWith(keptOrFresh(request));
});

async function fill() {
  const cache = await caches.open(CACHE);
  await cache.addAll([KEPT.page, ...KEPT.files]);
  await self.skipWaiting();
}

async function takeOver() {
  const names = await caches.keys();
  const former = names.filter((name) => name.startsWith(OURS) && name !== CACHE);
  await Promise.all(former.map((name) => caches.delete(name)));
  await self.clients.claim();
}

// A network that is there and says nothing is none.
async function freshOrKept(request) {
  const kept = await (await caches.open(CACHE)).match(KEPT.page);
  const fresh = fetch(request);
  if (kept === undefined) return fresh;
  const late = new Promise((resolve) => setTimeout(() => resolve(kept), PATIENCE_MS));
  return Promise.race([fresh.catch(() => kept), late]);
}

// A file's address has its version, so what is kept is right.
async function keptOrFresh(request) {
  return (await (await caches.open(CACHE)).match(request)) ?? fetch(request);
}
