"""Whether a transcript is whole: with nothing but the file, by anybody."""
