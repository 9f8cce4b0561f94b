"""The pages that browsers load: the venue at `/`, an order, a ticket.

Plain files without a build step and without any other host. `serve.py` hands them out.

- `index.html`, `app.js`, `board.js` (the committed state of one event, kept by deltas)
  and `canvas.js` (the drawing): a venue whose seats change colour while they sell.
  `buy.js` lets its reader buy some.
- `order.html`, `order.js`, `order_line.js` (its websocket), `order_words.js` (what its
  states mean to a buyer), and `ticket.html`, `ticket.js`, `copies.js` (tickets kept for
  when there is no network), `offline.js` (the service worker that keeps the page).
- `visitor.js` (who this browser is), `away.js` (what is shown to anybody else),
  `words.js` (amounts and times), `own.css`.
- `try.html`, `try.js`, `lessons.js`: the page for trying, which the description of the
  interface hands out.
"""
