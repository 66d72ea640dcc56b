#!/usr/bin/env bash
# The whole path on real word vectors: file -> index -> search -> batch -> cross-check. Run by `make demo`.
set -euo pipefail
maxdot=${1:-build/release/bin/maxdot}
here=$(cd "$(dirname "$0")" && pwd)
items=$here/data/glove-100d-9600.f16.npy
words=$here/data/glove-100d-9600.words.txt
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

say() { printf '\n== %s\n\n' "$*"; }

say "1. Build an index of 9,600 real word vectors (GloVe, 100 dimensions)"
"$maxdot" build "$items" -o "$out/words.maxdot" --metric cosine

say "2. The nearest words by cosine: judge for yourself"
for word in king guitar paris; do
  "$maxdot" search "$out/words.maxdot" --like "$word" --labels "$words" -k 6
done

say "3. Score a batch: the 10 best words for each of the 9,600 words"
"$maxdot" batch "$out/words.maxdot" "$items" -k 10 --ids "$out/best.ids.npy" --scores "$out/best.scores.npy"

say "4. Is it true? Cross-check 500 queries against brute force in f64 and against FAISS"
"$maxdot" verify "$items" "$items" --queries 500 -k 100
