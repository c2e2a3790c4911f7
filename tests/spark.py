"""One Spark session for all tests that need one: local, two cores, without a page to watch."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "America/New_York",  # its clocks change, so what leans on it shows
    "spark.log.level": "ERROR",
    # Small tables: what would be compiled is interpreted, and that not optimised for long.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}


def has_java() -> bool:
    """Return whether a Java is found on the path or by JAVA_HOME."""
    return bool(shutil.which("java") or os.environ.get("JAVA_HOME"))


def new_session() -> Iterator[Any]:
    """Yield a Spark session, and stop it."""
    if not has_java():
        pytest.skip("Spark needs Java: none on the path, and JAVA_HOME is not set")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of versions of pandas, while PySpark is imported
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]").appName("valuetier")
        for name, value in SETTINGS.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
    yield session
    session.stop()
