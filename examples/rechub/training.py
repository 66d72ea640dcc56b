"""One recall model, trained by torch-rechub in three modes, so that the modes are what differs."""

import contextlib
import io
import tempfile

import torch
from interactions import HISTORY_LENGTH
from torch_rechub.models.matching import YoutubeDNN
from torch_rechub.trainers import MatchTrainer

MODES = {0: "point-wise", 1: "pair-wise", 2: "list-wise"}


class ThreeModes(YoutubeDNN):
    """RecHub's YoutubeDNN, whose scores come out in the form that `MatchTrainer` asks for in each mode.

    RecHub has a model for each mode (DSSM, FaceBookDSSM, YoutubeDNN). The first two take `temperature` and do not
    divide by it (0.9.0), and the towers differ; with those one would compare models, not modes.
    """

    def __init__(self, training_mode, **arguments):
        super().__init__(**arguments)
        self.training_mode = training_mode

    def forward(self, x):
        if self.mode is not None:  # inference of one tower's embeddings
            return super().forward(x)
        if self.training_mode == 0:
            x = x | {
                "neg_items": x["movie_id"].unsqueeze(1)
            }  # the label says what it is; there is one item only
        logits = super().forward(x)
        if self.training_mode == 0:
            return torch.sigmoid(logits[:, 0])
        return (logits[:, 0], logits[:, 1]) if self.training_mode == 1 else logits


class Batches:
    """Shuffled batches cut from whole arrays; a DataLoader collects samples one by one, which takes longest."""

    def __init__(self, inputs, labels, size, seed):
        self.inputs = {name: torch.as_tensor(values) for name, values in inputs.items()}
        self.labels = torch.as_tensor(labels)
        self.size = size
        self.random = torch.Generator().manual_seed(seed)

    def __len__(self):
        return -(-len(self.labels) // self.size)

    def __iter__(self):
        for rows in torch.randperm(len(self.labels), generator=self.random).split(self.size):
            yield {name: values[rows] for name, values in self.inputs.items()}, self.labels[rows]


def train(dataset, mode, temperature, *, epochs, dimension, batch, learning_rate, seed):
    """Trains and returns (user embeddings [n, d], item embeddings [items, d]), tensors."""
    torch.manual_seed(seed)
    users, items, negatives = dataset.features(dimension)
    # RecHub's towers ask for a column for each feature; in mode 1 it makes one negative, without a second axis.
    inputs = dict(dataset.train)
    if mode == 1:
        inputs["neg_items"] = inputs["neg_items"].reshape(-1, 1)
    model = ThreeModes(
        mode,
        user_features=users,
        item_features=items,
        neg_item_feature=negatives,
        user_params={"dims": [128, 64, dimension], "activation": "prelu"},
        temperature=temperature,
    )
    with tempfile.TemporaryDirectory() as folder, quiet():
        trainer = MatchTrainer(
            model,
            mode=mode,
            optimizer_params={"lr": learning_rate, "weight_decay": 1e-6},
            n_epoch=epochs,
            model_path=folder,
        )
        trainer.fit(Batches(inputs, dataset.labels, batch, seed))
        tower = {
            which: trainer.inference_embedding(model, which, [whole(columns)], folder)
            for which, columns in (("user", dataset.test_user), ("item", dataset.all_item))
        }
    return tower["user"], tower["item"]


def whole(columns):
    """All rows as one batch; the history has the length that training saw."""
    batch = {name: torch.as_tensor(values) for name, values in columns.items()}
    if "hist_movie_id" in batch and batch["hist_movie_id"].shape[1] != HISTORY_LENGTH:
        raise ValueError("the histories of test users and of training differ in length")
    return batch


@contextlib.contextmanager
def quiet():
    """Without RecHub's progress bars, which would hide the table."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
