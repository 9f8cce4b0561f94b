"""The worker of ALTCHA's widget, as it is vendored, solves what our lines ask."""

import base64
import json

from server.events.line.gates.work import Work
from server.pages.assets import Assets

SOLVE = """
async ([parts, address, challenge]) => {
  const { startWorker } = await import(parts);
  const worker = startWorker(new URL(address, location.href));
  const found = new Promise((done) => { worker.onmessage = (it) => done(it.data); });
  const { algorithm, challenge: wanted, salt, maxnumber } = challenge;
  worker.postMessage({
    type: "work", payload: { algorithm, challenge: wanted, salt }, start: 0,
    max: maxnumber,
  });
  return (await found).number;
}
"""


async def test_the_widgets_worker_solves_our_challenge(shop, page):
    work, now_s = Work(b"s" * 32), 1_800_000_000
    challenge = work.challenge("evt", "ann", 8, now_s, bytes(range(20)))
    told = {
        name: getattr(challenge, name)
        for name in ("algorithm", "challenge", "salt", "maxnumber")
    }
    await page.goto("/")
    assets = Assets()
    parts = assets.address("parts/worker.js")
    address = assets.address("vendor/altcha/worker.js")
    number = await page.evaluate(SOLVE, [parts, address, told])
    solution = {**told, "number": number, "signature": challenge.signature}
    proof = base64.b64encode(json.dumps(solution).encode()).decode()
    used = work.check(proof, "evt", "ann", 8, now_s)
    assert used.hex() == challenge.challenge
