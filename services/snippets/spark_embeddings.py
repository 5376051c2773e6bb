"""A whole table through an embedding endpoint, as a notebook for a Spark cluster and as the job that runs it. Pure."""

import inspect

from services.embeddings import spark_table
from services.embeddings.asking import body_of
from services.embeddings.records import Asking, Purpose
from services.snippets.python_source import literal
from services.snippets.snippet import Snippet

NOTEBOOK = "embed_table.py"
_CELL = "\n# COMMAND ----------\n\n"
_TRANSFORM = "The transform “{name}” is not in it: a cluster has no sandbox for it. "


def spark_snippets(asking: Asking, *, table: str = "catalog.schema.texts", text: str = "text") -> list[Snippet]:
    """The notebook, and the bundle with its job. *table* and *text* stand in them as what to change first."""
    transform = _TRANSFORM.format(name=asking.transform.name) if asking.transform else ""
    return [
        Snippet(
            dialect="Spark notebook",
            language="python",
            code=_notebook(asking, table, text),
            note=f"{transform}Import it into the workspace, or run it as the job. The job can be repeated: what has a vector in "
            "the output table is not sent again. `services/embeddings/spark_table.py` is in it, whole.",
            file_name=NOTEBOOK,
        ),
        Snippet(
            dialect="Job (bundle)",
            language="yaml",
            code=_bundle(asking.endpoint, table, text),
            install="databricks bundle deploy && databricks bundle run embed_table",
            note=f"Beside the notebook, {NOTEBOOK}.",
            file_name="databricks.yml",
        ),
    ]


def _notebook(asking: Asking, table: str, text: str) -> str:
    body = body_of(asking, Purpose.DOCUMENT, [])
    options = {
        "form": asking.form.value,
        "column": asking.column,
        "params": {name: value for name, value in body.items() if name != asking.form.value},
        "batch": asking.batch,
        "at_once": asking.at_once,
    }
    ask = "".join(f"    {name}={literal(value)},\n" for name, value in options.items())
    head = (
        "# Databricks notebook source\n"
        "# MAGIC %md\n"
        "# MAGIC Each text of a table through an embedding endpoint, once. Vectors and errors go to the output table;\n"
        "# MAGIC run it again to go on where it ended, and for the texts that failed.\n"
    )
    inputs = (
        f'dbutils.widgets.text("table", {table!r})\n'
        f'dbutils.widgets.text("text", {text!r})\n'
        f'dbutils.widgets.text("output", {table + "_embeddings"!r})\n'
        f'dbutils.widgets.text("endpoint", {asking.endpoint!r})\n'
        'table, text, output, endpoint = map(dbutils.widgets.get, ("table", "text", "output", "endpoint"))\n'
    )
    sign_in = (
        "from databricks.sdk import WorkspaceClient\n\n"
        "config = WorkspaceClient().config  # this notebook's identity; its token lasts about an hour\n"
        'token = config.authenticate()["Authorization"].removeprefix("Bearer ")\n'
        "# For a job of many hours: token = dbutils.secrets.get(scope, key)\n"
    )
    run = (
        'quoted = "`" + text.replace("`", "``") + "`"  # a name may have a dot in it, or a backtick\n'
        "rows = spark.table(table).select(quoted).where(f\"{quoted} <> ''\").distinct()\n"
        "if spark.catalog.tableExists(output):\n"
        '    have = spark.table(output).where("embedding IS NOT NULL").select(quoted)\n'
        '    rows = rows.join(have, text, "left_anti")\n'
        "vectors = embed_table(\n"
        "    spark,\n    rows,\n    endpoint,\n    text=text,\n    host=config.host,\n    token=token,\n" + ask + ")\n"
        'vectors.write.mode("append").saveAsTable(output)\n'
    )
    show = (
        "spark.table(output).selectExpr(\n"
        '    "count(embedding) AS embedded", "count(embedding_error) AS failed", "min(embedding_error) AS such_as"\n'
        ").show(truncate=False)\n"
    )
    return _CELL.join([head, inputs, inspect.getsource(spark_table), sign_in, run, show])


def _bundle(endpoint: str, table: str, text: str) -> str:
    import yaml

    parameters = {"table": table, "text": text, "output": f"{table}_embeddings", "endpoint": endpoint}
    task = {
        "task_key": "embed_table",
        "notebook_task": {"notebook_path": f"./{NOTEBOOK}", "base_parameters": parameters},
        "max_retries": 0,  # a retry would be paid again; running the job again goes on
    }
    job = {"name": "Embed a table", "max_concurrent_runs": 1, "tasks": [task]}
    bundle = {"bundle": {"name": "embed_table"}, "resources": {"jobs": {"embed_table": job}}}
    return str(yaml.safe_dump(bundle, sort_keys=False, allow_unicode=True))
