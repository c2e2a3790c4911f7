"""Customers in Spark get the tiers that they get in memory, and stay in Spark."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.errors import PythonException

import valuetier as vt
from valuetier.checks import make_customers

example = pytest.importorskip("example_segmenter")

SEGMENTERS = {
    "rfm": vt.RFMSegmenter,
    "kaism": vt.KAISMSegmenter,
    "pyramid": vt.PyramidSegmenter,
    "kmeans": vt.KMeansSegmenter,
    "clv": vt.CLVSegmenter,
    "of another package": example.TenureSegmenter,
}


@pytest.fixture(scope="module")
def in_spark(spark: Any) -> Any:
    """Return 500 customers as a Spark DataFrame of several batches."""
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "64")
    return spark.createDataFrame(pa.Table.from_pandas(make_customers(500))).cache()


def collected(table: Any) -> pd.DataFrame:
    """Return the rows of a Spark DataFrame in pandas, sorted by id."""
    return table.toArrow().to_pandas().sort_values("customer_id", ignore_index=True)


@pytest.mark.parametrize("kind", SEGMENTERS)
def test_executors_give_the_tiers_of_the_driver(in_spark: Any, kind: str) -> None:
    """Batch by batch every customer has the tier, segment, score and code of the whole table."""
    customers = make_customers(500)
    segmenter = SEGMENTERS[kind]().fit(customers)
    wanted = vt.assign(segmenter, customers)
    found = vt.assign(segmenter, in_spark)
    assert found.dtypes == [
        ("customer_id", "string"),
        ("tier", "string"),
        ("segment", "string"),
        ("score", "double"),
        ("tier_code", "int"),
    ]
    rows, frame = collected(found), wanted.to_frame()
    assert rows["customer_id"].tolist() == customers["customer_id"].tolist()
    assert rows["tier"].tolist() == frame["tier"].tolist()
    assert rows["tier_code"].tolist() == wanted.codes.tolist()
    np.testing.assert_allclose(rows["score"], frame["score"], rtol=1e-12)
    assert [None if pd.isna(name) else name for name in rows["segment"]] == frame["segment"].tolist()


def test_a_segmenter_assigns_in_spark_itself(in_spark: Any) -> None:
    """segmenter.assign does what vt.assign does."""
    segmenter = vt.PyramidSegmenter().fit(make_customers(500))
    pd.testing.assert_frame_equal(
        collected(segmenter.assign(in_spark)), collected(vt.assign(segmenter, in_spark))
    )


@pytest.mark.parametrize("id_type", ["bigint", "int", "string", "decimal(20,0)", "date", "binary"])
def test_ids_keep_their_type(spark: Any, id_type: str) -> None:
    """Whatever type an id has, it comes back in it; decimals may be numbers to judge by."""
    value = {"date": "DATE '2024-01-31'", "binary": "X'01FF'"}.get(id_type, f"CAST('12' AS {id_type})")
    one = spark.sql(f"SELECT {value} AS customer_id, CAST('20.50' AS DECIMAL(9,2)) AS spend")
    segmenter = vt.PyramidSegmenter().fit(make_customers())
    found = vt.assign(segmenter, one)
    assert dict(found.dtypes)["customer_id"] == id_type
    assert found.first()["customer_id"] == one.first()["customer_id"]
    assert found.first()["tier_code"] == int(segmenter.predict(pd.DataFrame({"spend": [20.5]}))[0])


def test_a_table_of_customers_made_in_spark_is_assigned_there(spark: Any) -> None:
    """From the order log to the tiers nothing leaves Spark."""
    log = spark.sql(
        "SELECT least(id % 50, id % 37) AS customer_id, TIMESTAMP_NTZ '2024-01-01 00:00:00' + make_dt_interval(int(id % 90)) AS date, "
        "double(id % 37) AS amount FROM range(600)"
    )
    customers = vt.summarize(log).customers
    segmenter = vt.fit(vt.RFMSegmenter(), customers)
    found = collected(vt.assign(segmenter, customers))
    in_memory = vt.summarize(log.toArrow(), as_="pandas").customers
    wanted = vt.assign(vt.RFMSegmenter().fit(in_memory), in_memory).to_frame()
    assert found["tier"].tolist() == wanted["tier"].tolist()


def test_columns_are_asked_for_before_anything_runs(spark: Any, in_spark: Any) -> None:
    """A column that is not there is an error of the driver, as is an id that is not there."""
    segmenter = vt.PyramidSegmenter().fit(make_customers())
    with pytest.raises(vt.MissingColumnsError, match=r"lacks \['spend'\]"):
        vt.assign(segmenter, in_spark.drop("spend"))
    with pytest.raises(vt.MissingColumnsError, match=r"lacks \['customer_id'\].*rows have no numbers there"):
        vt.assign(segmenter, in_spark.drop("customer_id"))
    with pytest.raises(vt.InvalidParameterError, match=r"^as_of has no place in a Spark DataFrame"):
        vt.assign(segmenter, in_spark, as_of=date(2024, 6, 30))


def test_what_executors_find_wrong_is_said(spark: Any) -> None:
    """A missing value is refused where it is met, with our message in Spark's error."""
    segmenter = vt.PyramidSegmenter().fit(make_customers())
    bad = spark.sql("SELECT 1 AS customer_id, double('NaN') AS spend")
    with pytest.raises(PythonException, match=r"spend: 1 of 1 values are missing \(NaN\)"):
        vt.assign(segmenter, bad).collect()


@pytest.mark.parametrize("method", ["fit", "predict", "transform", "score_samples", "explain"])
def test_nothing_is_collected_unasked(in_spark: Any, method: str) -> None:
    """What would bring all customers to the driver is refused, and the message says what does not."""
    segmenter = vt.PyramidSegmenter().fit(make_customers())
    with pytest.raises(
        vt.InvalidDataError, match=r"^X is a Spark DataFrame.*valuetier\.fit\(.*valuetier\.assign\("
    ):
        getattr(segmenter, method)(in_spark)
