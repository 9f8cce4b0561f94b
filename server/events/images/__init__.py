"""Images of events: checked, made anew, and kept as files.

Purpose: what somebody uploads is never what others get. It is decoded by its content,
and only its pixels go into new files of two sizes, without whatever else was in it.

Where: in the data directory, or in an S3-compatible store. Processes of one machine
share the directory; several machines need the store, because none sees the files of
another.

Invariants: an event names an image only when its files are there. Files that no event
names go: each upload is noted as garbage before its first byte is stored, and taken off
that list by the same statement that names it.
"""
