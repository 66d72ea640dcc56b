"""Corpora made smaller: inputs that together reach what all reach, the smallest first."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from campaign_parts.turns import MOST_BYTES, Folders

# Of one target in the repository; other inputs stay in the campaign's corpus.
MOST_KEPT_BYTES = 55_000
MOST_KEPT_FILES = 600
WORTH_FILES = 1000  # a corpus of fewer is not worth the time


def _minimise(folders: Folders, target: str, into: Path, sources: list[Path]) -> None:
    program = str(folders.programs / target)
    options = ["-merge=1", "-print_funcs=0", f"-max_len={MOST_BYTES}"]
    there = [str(source) for source in sources if source.is_dir()]
    environment = dict(os.environ, TMPDIR=str(folders.temporary))
    done = subprocess.run(
        [program, *options, str(into), *there], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{target}: the corpus cannot be minimised: {done.stderr[-2000:]}")


def trim_corpus(folders: Folders, target: str, entry: dict) -> None:
    """Minimises a campaign's corpus that has doubled since it was last minimised: every turn begins with all of it."""
    corpus = folders.corpus / target
    if entry.get("corpus_files", 0) < max(WORTH_FILES, 2 * entry.get("minimised_files", 0)):
        return
    into = folders.corpus / f"{target}.minimised"
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir()
    _minimise(folders, target, into, [corpus])
    entry["minimised_files"] = len(list(into.iterdir()))
    before = folders.corpus / f"{target}.before"
    corpus.rename(before)
    into.rename(corpus)
    shutil.rmtree(before)


def keep_corpus(folders: Folders, targets: list[str]) -> None:
    """Replaces the corpus that the repository keeps of each target."""
    for target in targets:
        with tempfile.TemporaryDirectory(dir=folders.temporary) as name:
            into = Path(name)
            _minimise(folders, target, into, [folders.kept / target, folders.corpus / target])
            files = sorted(into.iterdir(), key=lambda file: (file.stat().st_size, file.name))
            kept = folders.kept / target
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            total = count = 0
            # Of too many, some of each size.
            for file in files[:: -(-len(files) // MOST_KEPT_FILES)]:
                if total + file.stat().st_size > MOST_KEPT_BYTES:
                    break
                total += file.stat().st_size
                count += 1
                shutil.copy(file, kept / file.name)
            print(f"{target}: kept {count} of {len(files)} inputs, {total:,} bytes", flush=True)
