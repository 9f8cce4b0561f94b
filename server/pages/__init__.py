"""The page at `/`: a venue whose seats change colour while they sell.

Plain files without a build step and without any other host: `index.html`, `style.css`,
and the ES modules `app.js`, `board.js` (the committed state of one event, kept by
deltas) and `canvas.js` (the drawing). `serve.py` hands them out.
"""
