"""The usual home-made server, as people write it: FastAPI, uvicorn and FAISS IndexFlatIP, one query a request.

    ITEMS=items.npy OMP_NUM_THREADS=1 uvicorn fastapi_faiss:app --workers 2

    POST /search {"query": [0.1, 0.7], "k": 10}  ->  {"ids": [...], "scores": [...]}

The endpoint is a plain function, so FastAPI runs it in its pool of 40 threads, and FAISS searches without the GIL,
with OMP_NUM_THREADS threads for each search.
"""

import os

import faiss
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

items = np.load(os.environ["ITEMS"])
index = faiss.IndexFlatIP(items.shape[1])
index.add(items)
del items
app = FastAPI()


class Question(BaseModel):
    query: list[float]
    k: int = 10


class Answer(BaseModel):
    ids: list[int]
    scores: list[float]


@app.post("/search")
def search(question: Question) -> Answer:
    scores, ids = index.search(np.array([question.query], dtype=np.float32), question.k)
    return Answer(ids=ids[0].tolist(), scores=scores[0].tolist())
