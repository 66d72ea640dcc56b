"""MovieLens-100k, as recbole's wheel carries it, in the form that torch-rechub's recall models take."""

import contextlib
import io
import random
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.preprocessing import LabelEncoder
from torch_rechub.basic.features import SequenceFeature, SparseFeature
from torch_rechub.utils.data import df_to_dict
from torch_rechub.utils.match import gen_model_input, generate_seq_feature_match

RECBOLE = "recbole==1.2.1"
USER, ITEM, TIME = "user_id", "movie_id", "timestamp"
PROFILE = ["gender", "age", "occupation", "zip_code"]
HISTORY_LENGTH = 50


@dataclass(frozen=True)
class Dataset:
    """Train samples of one mode, test users (their last item held out) and the catalogue."""

    train: dict
    labels: np.ndarray
    test_user: dict
    all_item: dict
    raw_id_maps: tuple
    seen: dict  # encoded user: all items before the one that is held out
    sizes: dict  # vocabulary of each feature, with 0 for padding

    def features(self, dimension):
        """(user features, item features, negative item features)."""
        users = [SparseFeature(name, self.sizes[name], dimension) for name in [USER, *PROFILE]]
        users.append(SequenceFeature(f"hist_{ITEM}", self.sizes[ITEM], dimension, "mean", shared_with=ITEM))
        items = [SparseFeature(ITEM, self.sizes[ITEM], dimension)]
        negatives = [SequenceFeature("neg_items", self.sizes[ITEM], dimension, "concat", shared_with=ITEM)]
        return users, items, negatives


def download(folder):
    """Fetches the wheel with pip and unpacks the files of MovieLens-100k."""
    folder = Path(folder)
    target = folder / "ml-100k"
    if not (target / "ml-100k.inter").exists():
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), RECBOLE]
        subprocess.run(command, check=True)
        target.mkdir(parents=True, exist_ok=True)
        (wheel,) = folder.glob("recbole-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in ("ml-100k.inter", "ml-100k.user"):
                (target / name).write_bytes(archive.read(f"recbole/dataset_example/ml-100k/{name}"))
    return target


def load(folder):
    """All interactions with the users' profiles, encoded from 1; and the maps back to raw ids."""
    data = pd.read_csv(folder / "ml-100k.inter", sep="\t").merge(
        pd.read_csv(folder / "ml-100k.user", sep="\t"), on="user_id:token"
    )
    data.columns = [name.partition(":")[0] for name in data.columns]
    data = data.rename(columns={"item_id": ITEM})
    sizes, maps = {}, {}
    for name in [USER, ITEM, *PROFILE]:
        encoder = LabelEncoder()
        data[name] = encoder.fit_transform(data[name]) + 1
        sizes[name] = int(data[name].max()) + 1
        maps[name] = dict(enumerate(encoder.classes_.tolist(), start=1))
    return data, sizes, (maps[USER], maps[ITEM])


def prepare(data, sizes, raw_id_maps, mode, negatives, seed):
    """Samples for a training mode (0 point-wise, 1 pair-wise, 2 list-wise), made by torch-rechub."""
    random.seed(seed)
    np.random.seed(seed)
    profiles = data[[USER, *PROFILE]].drop_duplicates(USER)
    catalogue = data[[ITEM]].drop_duplicates(ITEM).sort_values(ITEM)
    # Sorted here, ties by item: RecHub's own sort by time leaves the order of one second's ratings open.
    ordered = data.sort_values([TIME, ITEM]).reset_index(drop=True)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        train, test = generate_seq_feature_match(
            ordered, USER, ITEM, TIME, sample_method=1, mode=mode, neg_ratio=negatives
        )
    seen = dict(zip(test[USER].tolist(), test[f"hist_{ITEM}"], strict=True))
    inputs = gen_model_input(train, profiles, USER, catalogue, ITEM, HISTORY_LENGTH)
    test_user = gen_model_input(test, profiles, USER, catalogue, ITEM, HISTORY_LENGTH)
    # The right answer: the label in mode 0, place 0 of the logits in mode 2, and nothing that counts in mode 1.
    labels = inputs.pop("label") if mode == 0 else np.zeros(len(train), dtype=np.int64)
    test_user.pop("label" if mode == 0 else "neg_items")  # RecHub fills the column for test users with 1
    return Dataset(inputs, labels, test_user, df_to_dict(catalogue), raw_id_maps, seen, sizes)
