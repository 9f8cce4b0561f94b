"""How likely it is that somebody who waits gets what they wish for, in five words."""
