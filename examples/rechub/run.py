"""Trains a recall model in three modes, with and without temperature, and evaluates it. See README.md."""

import argparse
import importlib.metadata
import platform
import time
from pathlib import Path

import numpy as np
import torch
from evaluation import REPETITIONS, evaluate
from interactions import RECBOLE, download, load, prepare
from report import markdown, page
from training import MODES, train

KS = [1, 2, 5, 10, 20, 50, 100, 200]
SHOWN, COMPARED = 10, (10, 100)


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("build/example-rechub"), help="folder of the results"
    )
    parser.add_argument("--temperature", type=float, default=0.2, help="beside 1, which is none")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--negatives", type=int, default=3, help="sampled for each positive in modes 0 and 2")
    parser.add_argument("--seed", type=int, default=2022)
    return parser.parse_args()


def main():
    chosen = options()
    chosen.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # layers this small gain nothing from a second one, and sums keep their order
    data, sizes, raw_id_maps = load(download(chosen.out))
    results = []
    for mode, name in MODES.items():
        dataset = prepare(data, sizes, raw_id_maps, mode, chosen.negatives, chosen.seed)
        for temperature in (1.0, chosen.temperature):
            start = time.perf_counter()
            users, items = train(
                dataset,
                mode,
                temperature,
                epochs=chosen.epochs,
                dimension=16,
                batch=1024,
                learning_rate=1e-3,
                seed=chosen.seed,
            )
            seconds = time.perf_counter() - start
            title = f"{name}, T = {temperature:g}"
            print(f"{title}: trained in {seconds:.0f} s", flush=True)
            for kind, embeddings in (("users", users), ("items", items)):
                np.save(chosen.out / f"mode{mode}-T{temperature:g}.{kind}.npy", embeddings.numpy())
            results.append((title, evaluate(users, items, dataset, KS, COMPARED), seconds))
    facts = [
        (
            "data",
            f"MovieLens-100k from {RECBOLE}: {len(data):,} interactions, {len(users):,} test users, "
            f"{len(items):,} items",
        ),
        ("epochs, negatives, seed", f"{chosen.epochs}, {chosen.negatives} (pair-wise: 1), {chosen.seed}"),
        (
            "embeddings",
            f"{items.shape[1]} dimensions, unit length; batches of 1,024, Adam at 0.001, one thread",
        ),
        (
            "timing",
            f"median of {REPETITIONS}; {platform.machine()}, one thread, but that Annoy builds on all",
        ),
        ("Python", platform.python_version()),
        *(
            (name, importlib.metadata.version(name))
            for name in ("maxdot", "torch", "torch-rechub", "annoy", "numpy", "pandas")
        ),
    ]
    table = markdown(results, SHOWN, COMPARED)
    (chosen.out / "report.html").write_text(page(results, SHOWN, COMPARED, KS, facts), encoding="utf-8")
    (chosen.out / "table.md").write_text(table, encoding="utf-8")
    print(f"\n{table}")
    for what, value in facts:
        print(f"{what}: {value}")
    print(f"\nembeddings, table and report.html are in {chosen.out}")


if __name__ == "__main__":
    main()
