"""What happened to events, counted beside the sale.

Purpose: numbers for organisers and administrators that a sale never waits for.

Concurrency: each process runs one job, which counts the journals of events one after
the other; the store sees that no two processes count the same one at a time. Decoding a
journal takes the loop from the sale, so the job has a small share of it and falls
behind rather than take more; answers say up to when they count.
"""
