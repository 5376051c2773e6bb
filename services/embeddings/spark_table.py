"""A table's texts through an embedding endpoint, as a Spark job: each partition asks for itself.

This file is taken away as it is and runs on a cluster alone, so it imports nothing of Brickyard. It asks as Brickyard does: a
text that comes again is sent once, a batch that is refused is halved, 429 and 503 are waited for, and a bad text spoils no other.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

MOST_TRIES = 8
"""Of one batch, while the endpoint says 429 or 503."""
MOST_WAIT_SECONDS = 60.0
ANSWER_SECONDS = 600
MOST_BODY_BYTES = 4_000_000
"""Of one request; the platform takes 16 MB, some models 4."""
MOST_NUMBER = 3.4e38
"""What a column of floats can hold."""
_REFUSES_ALL = {401, 403, 404}
_LATER = {429, 503}
_HALVED = {400, 413, 422}


@dataclass(frozen=True)
class Endpoint:
    """What a partition needs to know to ask. It goes to the cluster's workers with the job, the token in it."""

    url: str
    authorization: str = field(repr=False)
    form: str = "input"
    """Where the texts stand in a request: input, inputs, instances, dataframe_split or dataframe_records."""
    column: str = "text"
    """What a custom model calls its texts; unused with ``input``."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Sent beside the texts."""
    batch: int = 64
    at_once: int = 4


class NotEmbedded(Exception):
    """Why some texts have no vector. With *all_refused* no text of the job will have one."""

    def __init__(self, said: str, *, all_refused: bool = False, divisible: bool = False) -> None:
        super().__init__(said)
        self.all_refused = all_refused
        self.divisible = divisible


def embed_table(
    spark: "SparkSession",
    table: "str | DataFrame",
    endpoint: str,
    *,
    text: str = "text",
    host: str = "",
    token: str = "",
    form: str = "input",
    column: str = "text",
    params: Mapping[str, Any] | None = None,
    batch: int = 64,
    at_once: int = 4,
    partitions: int = 8,
) -> "DataFrame":
    """*table*, a name or a data frame, with two more columns: ``embedding``, an array of floats, and ``embedding_error``.

    One of the two is null in each row. *text* is the column with the texts. *partitions* times *at_once* requests of up to
    *batch* texts are under way at the same time. Empty *host* and *token*: DATABRICKS_HOST and DATABRICKS_TOKEN of the driver.
    It is lazy, like all of Spark: each action asks the endpoint again, so write it to a table and read that.

    Raises ValueError for columns that are not there or would be there twice. The job fails where the endpoint refuses everything.
    """
    from pyspark.sql import types

    frame = spark.table(table) if isinstance(table, str) else table
    if text not in frame.columns:
        raise ValueError(f"There is no column {text!r}; there are {', '.join(frame.columns)}.")
    if not isinstance(frame.schema[text].dataType, types.StringType):
        raise ValueError(f"The column {text!r} is not text but {frame.schema[text].dataType.simpleString()}.")
    if taken := {"embedding", "embedding_error"} & set(frame.columns):
        raise ValueError(f"The table has a column {min(taken)!r} already.")
    asked = Endpoint(
        f"{(host or os.environ['DATABRICKS_HOST']).rstrip('/')}/serving-endpoints/{quote(endpoint, safe='')}/invocations",
        f"Bearer {token or os.environ['DATABRICKS_TOKEN']}",
        form,
        column,
        dict(params or {}),
        batch,
        at_once,
    )
    schema = types.StructType(
        [
            *frame.schema.fields,
            types.StructField("embedding", types.ArrayType(types.FloatType())),
            types.StructField("embedding_error", types.StringType()),
        ]
    )

    def embed_partition(frames: "Iterator[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        with requests.Session() as session:
            for one in frames:
                texts = [value if isinstance(value, str) else None for value in one[text]]  # a null is NaN in pandas
                found = embed(session, asked, texts)
                vectors: Any = [vector if isinstance(vector, list) else None for vector in found]
                errors: Any = [vector if isinstance(vector, str) else None for vector in found]
                yield one.assign(embedding=vectors, embedding_error=errors)

    return frame.repartition(partitions).mapInPandas(embed_partition, schema)


def embed(session: requests.Session, asked: Endpoint, texts: Sequence[str | None]) -> list[list[float] | str]:
    """Of each text its vector, or a sentence about why it has none. Raises NotEmbedded where the endpoint refuses everything."""
    # Each once, in their order, texts of like length together: less padding in the model, and the same batches each time.
    wanted = sorted(dict.fromkeys(one for one in texts if one), key=len)
    found: dict[str | None, list[float] | str] = {}
    with ThreadPoolExecutor(asked.at_once) as threads:
        for answers in threads.map(lambda some: _embed_batch(session, asked, some), _batches(wanted, asked.batch)):
            found |= answers
    return [found.get(one, "An empty text has no embedding.") for one in texts]


def _batches(texts: Sequence[str], most: int) -> Iterator[list[str]]:
    rest = iter(texts)
    while some := list(islice(rest, most)):
        while some:  # as many of them as fit into one body
            size, count = 0, 0
            while count < len(some) and (
                count == 0 or size + len(some[count].encode("utf-8", "replace")) < MOST_BODY_BYTES
            ):
                size += len(some[count].encode("utf-8", "replace"))
                count += 1
            yield some[:count]
            some = some[count:]


def _embed_batch(session: requests.Session, asked: Endpoint, texts: list[str]) -> dict[str | None, list[float] | str]:
    try:
        vectors = _vectors(_ask(session, asked, texts), len(texts))
    except NotEmbedded as refused:
        if refused.all_refused:
            raise
        if not refused.divisible or len(texts) == 1:
            return dict.fromkeys(texts, str(refused))
        middle = len(texts) // 2
        return _embed_batch(session, asked, texts[:middle]) | _embed_batch(session, asked, texts[middle:])
    return dict(zip(texts, vectors, strict=True))


def _ask(session: requests.Session, asked: Endpoint, texts: list[str]) -> Any:
    """The reply's JSON. Raises NotEmbedded."""
    body = json.dumps(_body(asked, texts))
    headers = {"Authorization": asked.authorization, "Content-Type": "application/json"}
    for attempt in range(MOST_TRIES):
        try:
            # Signed in by a function: requests would prefer a password in ~/.netrc to a header.
            reply = session.post(
                asked.url, data=body, auth=_with(headers), timeout=ANSWER_SECONDS, allow_redirects=False
            )
        except requests.RequestException as lost:
            raise NotEmbedded(f"The endpoint did not answer: {type(lost).__name__}.") from lost
        if reply.status_code not in _LATER or attempt == MOST_TRIES - 1:
            break
        time.sleep(min(_seconds(reply.headers.get("Retry-After"), 2.0**attempt), MOST_WAIT_SECONDS))
    if reply.status_code == requests.codes.ok:
        try:
            return reply.json()
        except ValueError as wrong:
            raise NotEmbedded("The endpoint's reply is not JSON.") from wrong
    status = reply.status_code
    told = reply.text.replace(asked.authorization.split()[-1], "[redacted]")  # debugging proxies repeat it
    said = f"The endpoint answered {status}: {told[:300]}"
    raise NotEmbedded(said, all_refused=status in _REFUSES_ALL, divisible=status in _HALVED)


def _with(headers: Mapping[str, str]) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(headers)
        return request

    return sign


def _seconds(said: str | None, otherwise: float) -> float:
    try:
        return max(0.0, float(said or otherwise))
    except ValueError:  # a date
        return otherwise


def _body(asked: Endpoint, texts: list[str]) -> dict[str, Any]:
    forms: dict[str, Any] = {
        "input": texts,
        "inputs": {asked.column: texts} if asked.column else texts,
        "instances": [{asked.column: one} for one in texts] if asked.column else texts,
        "dataframe_records": [{asked.column: one} for one in texts],
        "dataframe_split": {"columns": [asked.column], "data": [[one] for one in texts]},
    }
    return {asked.form: forms[asked.form], **asked.params}


def _vectors(reply: Any, count: int) -> list[list[float] | str]:
    """Of *count* texts, in their order. Raises NotEmbedded for a reply without vectors."""
    found: list[list[float] | str] = ["The endpoint's reply has no vector for this text."] * count
    listed = reply.get("data", reply.get("predictions")) if isinstance(reply, dict) else None
    if not isinstance(listed, list):
        raise NotEmbedded("The endpoint's reply has no embeddings: is it an endpoint for embeddings?", all_refused=True)
    places = [one.get("index") if isinstance(one, dict) else None for one in listed]
    if not any(type(place) is int for place in places):
        if len(listed) != count:  # to guess whose they are would give texts the vectors of others
            return [
                f"The endpoint gave {len(listed)} vectors for {count} texts, and does not say which is whose."
            ] * count
        places = list(range(count))
    for place, one in zip(places, listed, strict=True):
        if type(place) is not int or not 0 <= place < count:
            continue
        floats = _floats(one.get("embedding") if isinstance(one, dict) else one)
        if places.count(place) > 1:
            found[place] = "The endpoint gave two vectors for this text."
        elif floats:
            found[place] = floats
    return found


def _floats(given: Any) -> list[float]:
    """The vector as it is usable; empty for none."""
    # Compared, not converted: an integer may be beyond every float. NaN is not smaller than anything.
    usable = isinstance(given, list) and all(type(one) in (int, float) and abs(one) <= MOST_NUMBER for one in given)
    return [float(one) for one in given] if usable else []
