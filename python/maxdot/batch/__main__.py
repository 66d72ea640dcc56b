"""`python -m maxdot.batch`: a Job from the command line."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from typing import Any, NoReturn, get_args

import maxdot
from maxdot.batch.job import BatchError, Job, Layout, OnBadRow, ScoreValues, at_least
from maxdot.batch.progress import JsonEvents, Lines, Reporter
from maxdot.batch.run import run
from maxdot.batch.sample import verify_sample
from maxdot.index import Load, RowPlace

#: As those of the `maxdot` command; RESUME is the sysexits' "try again".
EXIT = {"usage": 2, "io": 3, "bad_data": 4, "unsupported": 5, "out_of_memory": 6, "internal": 70}
CHECK_FAILED = 1
RESUME = 75

_EPILOG = """\
exit codes: 0 done, 1 --verify-sample found a wrong answer, 2 usage, 3 a file cannot be read or written, 4 what a file
holds cannot be used, 5 unsupported, 6 out of memory, 70 a defect of maxdot, 75 stopped by a signal after the unit in
hand: run the same command again to go on

example: python -m maxdot.batch --items items.maxdot --users users/ --id-column user_id -k 100 --out recall/
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BatchError("usage", f"{message}; run 'python -m maxdot.batch --help'")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="maxdot.batch",
        description="The k best items of every user, from and to Parquet. Killed at any moment, it goes on when it is "
        "run again.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--version", action="version", version=f"maxdot {maxdot.__version__}")
    add(
        "--items",
        required=True,
        metavar="FILE",
        help="an index (.maxdot), or embeddings: .parquet, .arrow, .npy, .fvecs, .fbin",
    )
    add(
        "--users",
        required=True,
        nargs="+",
        metavar="FILE",
        help="embeddings: files, folders of Parquet, or glob patterns",
    )
    add("--out", required=True, metavar="FOLDER", help="for the results; a job that was stopped goes on there")
    add("-k", "--k", type=int, default=100, help="results of a user (100)")
    add("--metric", help="default: the index's own, or cosine where one is built")
    add("--id-column", metavar="NAME", help="of the users; default: the only column that fits")
    add("--vector-column", metavar="NAME", help="of the users")
    add("--item-id-column", metavar="NAME", help="of items that are no index")
    add("--item-vector-column", metavar="NAME", help="of items that are no index")
    add(
        "--exclude",
        nargs="+",
        metavar="FILE",
        help="pairs of user and item that must not be returned, or lists of items of users: .parquet, .arrow",
    )
    add("--exclude-user-column", metavar="NAME", help="default: user_id, or the only one that fits")
    add("--exclude-item-column", metavar="NAME", help="default: item_id, or the only one that fits")
    add(
        "--item-mask",
        metavar="FILE",
        help="1 or 0 for each item, 0 for those that nobody may get: .npy, or one a line",
    )
    add(
        "--layout",
        choices=get_args(Layout),
        default="long",
        help="a row for each result, or lists for each user (long)",
    )
    add("--scores", choices=get_args(ScoreValues), default="f32", help="(f32)")
    add("--compression", choices=("zstd", "snappy", "lz4", "gzip", "brotli", "none"), default="zstd", help="(zstd)")
    add(
        "--row-group-users",
        type=int,
        metavar="N",
        help="users of a row group of the results; default: about a million results",
    )
    add(
        "--on-bad-row",
        choices=get_args(OnBadRow),
        default="fail",
        help="a null vector, another dimension, NaN (fail)",
    )
    add("--scan", action="store_true", help="look at every vector before the first search")
    add("--share", default="0/1", metavar="I/N", help="do the I-th of N shares, from 0, as one of N machines")
    add(
        "--rows",
        choices=get_args(RowPlace),
        default="memory",
        help="of an index file larger than memory: disk (memory)",
    )
    add(
        "--load",
        choices=get_args(Load),
        default="memory",
        help="of an index file: read it (memory, the default; locked in RAM), or map it, which processes share and nobody "
        "may overwrite meanwhile",
    )
    add("--threads", type=int, default=0, help="default: every core that the process may use")
    add("--batch", type=int, metavar="N", help="users at once; results do not depend on it")
    add(
        "--verify-sample",
        type=int,
        default=0,
        metavar="N",
        help="afterwards, check the answers of N random users in float64",
    )
    add("--json", action="store_true", help="events as JSON, a line each, on stdout; errors too")
    return parser


def _share(text: str) -> tuple[int, int]:
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise BatchError("usage", f"--share: {text!r} is not I/N, such as 0/20")
    return int(parts[0]), int(parts[1])


def _job(options: argparse.Namespace) -> Job:
    values = {name: value for name, value in vars(options).items() if name not in ("json", "verify_sample")}
    values["share"] = _share(options.share)
    return Job(**values)


class _Signals:
    """Within the block the first SIGTERM, SIGINT or SIGHUP ends the run after the unit in hand, the second at once."""

    def __init__(self) -> None:
        self._stop = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def stop(self) -> bool:
        return self._stop

    def _on_signal(self, number: int, _: object) -> None:
        if self._stop:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self._stop = True
        # Not by print, within which the signal may have come.
        os.write(2, b"maxdot: stopping after the unit in hand; a second signal stops at once\n")


def _work(options: argparse.Namespace, reporter: Reporter) -> int:
    job = _job(options)
    at_least("verify_sample", options.verify_sample, 0)
    with _Signals() as signals:
        summary = run(job, reporter=reporter, stop=signals.stop)
    reporter.event("done", **summary.as_dict())
    if not options.json:
        print(
            f"{summary.users:,} users in {summary.seconds:.1f} s: {summary.users_per_second:,.0f} users/s, "
            f"{summary.gmac_per_second:,.1f} GMAC/s; "
            f"{summary.results:,} results in {summary.bytes:,} bytes, {summary.bad_rows:,} bad rows"
        )
    if not summary.complete:
        print(f"maxdot: stopped; run the same command again to go on in {job.out_path}", file=sys.stderr)
        return RESUME
    if options.verify_sample:
        check = verify_sample(job, options.verify_sample)
        reporter.event("verified", users=check.users, wrong=check.wrong)
        if not options.json:
            print(check)
        return 0 if check.wrong == 0 else CHECK_FAILED
    return 0


def _told(error: Exception) -> tuple[str, str]:
    """The kind and the message of what ended a job."""
    reason = str(error)
    if isinstance(error, BatchError):
        return error.kind, reason
    # Python tells of its locks in such words, and where memory is out numpy may fail without a word of its own.
    without_words = isinstance(error, SystemError) and "without setting an exception" in reason
    no_lock = isinstance(error, RuntimeError) and "can't allocate" in reason
    if isinstance(error, MemoryError) or no_lock or without_words:
        named = reason if "memory" in reason else f"out of memory ({reason})" if reason else "out of memory"
        return "out_of_memory", f"{named}; use a smaller --batch"
    if isinstance(error, OSError):  # Arrow tells of memory so, too
        return "out_of_memory" if "bad_alloc" in reason or "not enough memory" in reason else "io", reason
    traceback.print_exc()
    return "internal", f"{type(error).__name__}: {reason}; this is a defect of maxdot, please report it"


def main(arguments: list[str] | None = None) -> int:
    as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
    reporter: Reporter = JsonEvents() if as_json else Lines()
    try:
        return _work(_parser().parse_args(arguments), reporter)
    except Exception as error:
        kind, message = _told(error)
    if as_json:
        reporter.event("error", kind=kind, message=message)
    print(f"maxdot: error: {message}", file=sys.stderr)
    return EXIT[kind]


if __name__ == "__main__":
    sys.exit(main())
