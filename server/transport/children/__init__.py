"""Work on what strangers sent, in a process of its own.

Purpose: what is large or could be harmful is read where it stalls no sale, sees no
secret, and leaves no memory behind.

A child is for one job: it gets bytes, answers bytes and ends. Its environment is empty
but for where our code lies; its memory, its time and what it may open are limited.
"""
