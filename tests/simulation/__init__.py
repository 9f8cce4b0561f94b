"""Deterministic simulation: the shipped processes, session to actor, in a seeded world.

About half of the worlds have several processes, with a bus between them.
`python3 dev.py simulate` runs many seeds; each is a tape of actions drawn from its
number and played on a virtual loop, so that a failure can be played again.

| folder | what ships in it | what is held (numbers of the shop's invariants) |
|---|---|---|
| `orders` | rules, driver, desk, webhooks, service | M1 to M7, S1 to S7 |
| `giving` | giver, service, job of cancelled events | M1, M3, M6, M8, S8 |
| `promotions` | service, rules | R1 |
| `tickets` | follower, passes, rules of the gate | T1 to T4, R2 |
| `passing` | service of transfers, job that ends offers | T2, T5 |
| `outboxes` | followers, rounds, senders of mails and hooks | R2, R3 |
| `line` | desk, feeder, conductor, presence, drawer, transcripts | L1 to L29 in part |

The last four of the shop are switched on by the tape, world by world, and `line` in
worlds that are drawn `--lined`; `docs/line.md` says which promise is checked where. R4,
budgets of a slow system beside ours, has no wing yet, and nothing here looks at it.

Code of `persistence/` runs as it is where `statements` knows what its SQL does;
`test_statements` runs the same code on Postgres, and both have to say the same.
"""
