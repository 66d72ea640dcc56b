"""Flat or not: compares the first fifth of the samples after the warm-up with the last fifth."""

import statistics

MIB = 1 << 20

# The first tenth is left out: caches, pools of threads and the allocator's arenas fill. What is left is compared
# by medians of its fifths, because a swap, a merge or a batch holds more for a moment.
WARM_UP = 0.1
PART = 0.2
# The share of the first median, and bytes or files. Growth counts only if it is more than both: a process of 40 MiB
# moves by some MiB because the allocator keeps what it was given, and one of a GiB by some percent. A leak is seen
# all the same. Between the medians lies 0.72 of the run: in two hours about 330,000 searches of the server,
# 1,500 swaps of a file and 8,000 clients that vanish: 8 MiB are 25 bytes of each search, 5 KiB of each swap (a
# hundredth of the file), or 1 KiB of each such client. Folders hold rows that are gone until their segments are
# merged: up to half of their bytes.
RULES = {
    "rss": (0.05, 8 * MIB),
    "private_dirty": (0.05, 8 * MIB),
    "bytes": (0.5, 4 * MIB),
    "files": (0.5, 8),
}
# PSS shares what is mapped among all who map it, so it grows when another process of the machine ends.
REPORTED_ONLY = ("cpu_seconds", "pss")
# In minutes the allocator and the segments have not yet been through all that they hold.
SHORT_MINUTES = 20
SHORT_FACTOR = 4
# With fewer there are no fifths.
FEWEST_SAMPLES = 10


def judge(samples, clients, minutes):
    """A list of findings: what, first and last median, how much growth is allowed, and whether it is flat."""
    samples = samples[int(len(samples) * WARM_UP) :]
    if len(samples) < FEWEST_SAMPLES:
        return []
    part = max(2, int(len(samples) * PART))
    factor = SHORT_FACTOR if minutes < SHORT_MINUTES else 1
    findings = []
    for group in ("processes", "folders"):
        for name in samples[0][group]:
            for what in samples[0][group][name]:
                if what in REPORTED_ONLY:
                    continue
                first, last = (
                    statistics.median(sample[group][name][what] for sample in some)
                    for some in (samples[:part], samples[-part:])
                )
                if what in RULES:
                    share, least = RULES[what]
                    allowed = max(share * first, least) * factor
                else:
                    # Descriptors and threads: each client has one connection, which has one thread at most.
                    allowed = clients[name]
                findings.append(
                    {
                        "of": name,
                        "what": what,
                        "first": first,
                        "last": last,
                        "allowed": allowed,
                        "flat": last - first <= allowed,
                    }
                )
    return findings


def points(samples, number=5):
    """The samples at so many points of time, from the first to the last."""
    return [samples[round(i * (len(samples) - 1) / (number - 1))] for i in range(number)] if samples else []
