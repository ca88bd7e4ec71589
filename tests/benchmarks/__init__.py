"""How fast and how small, as ratios: against what the machine can do at most, and against what
people would otherwise write. `make bench`; no part of `make test`.

Absolute numbers drift from machine to machine and from minute to minute. So the two sides of each
figure are measured in turn, in the same run, several times, and the median of the rounds counts.
"""
