"""Work on what strangers sent, in a process of its own.

Purpose: what is large or could be harmful is read where it stalls no sale, sees no
secret, and leaves no memory behind.

A child is for one job: it gets bytes, answers bytes and ends. Its environment is empty
but for where our code lies; its memory, its time and what it may open are limited.

Why none is kept for the next job: to begin takes 0.26 s of CPU for maps and 0.09 s for
pictures, which the sale does not wait for, beside three seconds for a large one. One
that is kept would hold the memory of its largest job, and what a stranger did to it
would be there for the next.
"""
