"""Protected columns: recognised by name, and refused unless allowed by name."""

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

import valuetier as vt
from tests.strategy.books import BUILT_IN, book, rule
from valuetier import InvalidParameterError, Playbook, ProtectedColumnsError, StrategyMapper
from valuetier.protected import ATTRIBUTES, protected_attribute, refuse_protected

TELLING = {
    "age": [
        "age", "Age", "AGE", "age_group", "AgeGroup", "ageGroup", "customer_age", "customerAge", "age2", "age-band",
        "birth_year", "BirthYear", "date_of_birth", "DOB", "birthday", "age_at_first_purchase", "agegrp", "AgeYears", "Age (years)", "yob", "birthdays",
        "account_holder_age", "carOwnerAge", "account_dob", "lead_birthday", "days_since_birth", "order_customer_birth_date", "ＡＧＥ",
        "账户持有人年龄", "合同签署人出生日期", "年齡", "客户年纪", "年龄", "客户年龄", "出生日期", "生日",
    ],
    "sex or gender": ["sex", "gender", "CustomerGender", "is_female", "gender_code", "genders", "sexes", "ＧＥＮＤＥＲ", "is_woman", "account_gender", "性別", "女性", "性别", "客户性别"],
    "sexual orientation": ["sexual_orientation", "性取向"],
    "race, colour or ethnic origin": ["race", "ethnicity", "ethnic_group", "ethnicities", "skin_tone", "skin_color", "民族", "种族"],
    "nationality or origin": ["nationality", "nationalities", "國籍", "NationalOrigin", "citizenship", "place_of_birth_country_birthplace", "国籍", "籍贯"],
    "religion or belief": ["religion", "religious_group", "宗教信仰"],
    "political opinion": ["political_views", "政治面貌"],
    "trade union membership": ["union_member", "trade_union", "工会会员"],
    "marital status": ["marital_status", "MaritalStatus", "is_married", "婚姻状况"],
    "disability": ["disability", "disability_days", "handicaps", "is_disabled", "残疾等级"],
    "health": ["health_status", "pregnant", "medical_history", "diagnoses", "order_medical_condition", "pregnancy_days", "怀孕天数", "怀孕", "健康状况"],
    "genetic or biometric data": ["biometric_template", "基因"],
    "criminal record": ["criminal_record", "犯罪记录"],
    "public assistance": ["public_assistance", "低保"],
}  # fmt: skip

INNOCENT = [
    "spend", "orders", "recency_days", "average_spend", "package", "page_views", "account_age_days", "age_days",
    "AccountAge", "stage", "usage", "language", "message_count", "percentage", "images", "essex", "sextet",
    "loan_age", "cart_age", "session_age", "product_age", "company_age", "user_account_age", "usage_age_days", "policy_age",
    "female_products_share", "medical_supplies_spend", "health_products_spend", "man_hours", "sexagesimal", "出生率", "公司年龄",
    "trace", "racecar_sales", "credit_union", "reunion", "account_disabled", "customer_health_score", "healthy_margin",
    "T", "t_x", "margin", "strategy", "wallet_share", "账龄", "账户年龄", "库存年龄", "客户健康度", "消费金额", "手套",
]  # fmt: skip


@pytest.mark.parametrize(("attribute", "names"), TELLING.items())
def test_telling_names_are_recognised(attribute, names):
    """However a name is written, what it tells of is found."""
    found = {name: protected_attribute(name) for name in names}
    if attribute == "nationality or origin":  # a birthplace is found as a birth
        found = {name: attribute if one == "age" else one for name, one in found.items()}
    assert found == dict.fromkeys(names, attribute)


@pytest.mark.parametrize("name", INNOCENT)
def test_other_names_are_not(name):
    """Words that only contain a telling one, and the age or health of things, are free."""
    assert protected_attribute(name) is None


def test_every_attribute_has_an_example():
    """The table and the examples of this test speak of the same attributes."""
    assert {one.name for one in ATTRIBUTES} == set(TELLING)


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=lambda one: one.name)
def test_every_phrase_is_found(attribute):
    """No entry of the table is out of reach: each phrase and each Chinese word is recognised on its own."""
    for phrase in attribute.phrases:
        assert protected_attribute(phrase.replace(" ", "_")) is not None
        assert protected_attribute(phrase.title().replace(" ", "")) is not None
    assert all(protected_attribute(part) for part in attribute.chinese)


@given(st.text(max_size=20))
def test_any_text_is_judged(name):
    """Whatever a column is called, there is an answer, and case does not change it where words are apart."""
    parted = "_".join(name.split())
    if parted.isascii():
        assert protected_attribute(parted.lower()) == protected_attribute(parted.upper())


def test_refused_unless_allowed_by_name():
    """The message names columns, what they tell of, and the way out; nothing but the names allows them."""
    with pytest.raises(ProtectedColumnsError) as raised:
        refuse_protected("RFMSegmenter", ["spend", "age", "Gender"], ("age",))
    assert str(raised.value) == (
        "RFMSegmenter would decide by protected columns: 'Gender' tells of sex or gender. Leave them out; or, "
        "where the law allows it and it is meant, allow them by name: allow_protected=['age', 'Gender']."
    )
    refuse_protected("RFMSegmenter", ["spend", "age", "Gender"], ["Gender", "age"])
    refuse_protected("RFMSegmenter", ["spend"], ())


@pytest.mark.parametrize("allowed", ["age", True, None, 5, (5,), {"age": 1}])
def test_allowed_must_be_names(allowed):
    """A single text is no sequence of names, and there is no way to allow everything."""
    with pytest.raises(
        InvalidParameterError, match="allow_protected must be a sequence of column names, got"
    ):
        refuse_protected("it", ["spend"], allowed)


def by_age(**changes):
    """Return a playbook that looks at an age."""
    return book([rule("old", {"age": {">=": 65}}), rule("rest", {})], **changes)


def test_playbooks_are_checked_on_load():
    """Rules over a protected column are refused, and allowed by the field at the top."""
    with pytest.raises(
        ProtectedColumnsError, match=r"The playbook playbook would decide .* 'age' tells of age"
    ):
        Playbook.from_text(by_age())
    assert Playbook.from_text(by_age(allow_protected=["age"])).allow_protected == ("age",)
    with pytest.raises(vt.InvalidDataError, match="allow_protected"):
        Playbook.from_text(by_age(allow_protected="age"))


def test_playbooks_made_in_python_are_checked_when_used():
    """A playbook that came by another way than YAML does not look at protected columns either."""
    made = Playbook.from_text(by_age(allow_protected=["age"])).model_copy(update={"allow_protected": ()})
    customers = vt.summarize(vt.datasets.load_cdnow_orders()).customers.head(50).assign(age=40)
    assignment = vt.PyramidSegmenter(preset="abc").fit(customers).assign(customers)
    with pytest.raises(ProtectedColumnsError, match="The playbook 'test' would decide"):
        StrategyMapper(made).map(assignment, customers)


CUSTOMERS = pd.DataFrame(
    {
        "customer_id": range(60),
        "age": [20 + i % 50 for i in range(60)],
        "spend": [float(10 + 7 * i % 500) for i in range(60)],
        "orders": [1 + i % 9 for i in range(60)],
        "recency_days": [float(i * 11 % 300) for i in range(60)],
        "x": [float(i % 9) for i in range(60)],
        "t_x": [float(i % 9) * 30 for i in range(60)],
        "T": [400.0] * 60,
        "m_x": [20.0 + i for i in range(60)],
    }
)

# Each segmenter whose columns the user names, with a protected one among them.
BY_AGE = {
    "rfm": {"features": ("age", "orders", "spend")},
    "pyramid": {"value": "age"},
    "kaism": {"attractiveness": {"age": 1, "spend": 1}, "strength": {"orders": 1}},
    "kmeans": {"features": ("age", "spend"), "n_tiers": 2},
    "cluster": {"features": ("age", "spend")},
    "clv": {"rate_covariates": ("age",)},
    "scorecard": {"indicators": {"age": 1, "spend": 2}},
    "matrix": {"axes": ({"age": 1}, {"spend": 1})},
    "lifecycle": {"trend": "age"},
    "loyalty": {"value": "age"},
    "rules": {"rules": [{"tier": "Old", "when": {"age": {">=": 65}}}, {"tier": "Rest", "when": {}}]},
    "cascade": {"gates": {"old": {"age": {">=": 65}}}},
}


@pytest.mark.parametrize("name", BY_AGE)
def test_segmenters_refuse_protected_columns(name):
    """Every segmenter refuses to learn from an age, and says how it is allowed."""
    with pytest.raises(
        ProtectedColumnsError, match=r"would decide by .*'age' tells of age.*allow_protected="
    ):
        vt.get_segmenter(name, **BY_AGE[name]).fit(CUSTOMERS)


@pytest.mark.parametrize("name", BY_AGE)
def test_segmenters_take_what_is_allowed(name, tmp_path):
    """Allowed by name, the column is used; the stored model carries that, and answers the same."""
    segmenter = vt.get_segmenter(name, **BY_AGE[name], allow_protected=("age",)).fit(CUSTOMERS)
    assert clone(segmenter).get_params()["allow_protected"] == ("age",)
    segmenter.save(tmp_path / "model.json")
    stored = vt.load(tmp_path / "model.json")
    assert stored.allow_protected == ("age",)
    assert stored.predict(CUSTOMERS).tolist() == segmenter.predict(CUSTOMERS).tolist()


def test_every_built_in_segmenter_is_here():
    """A new segmenter that forgets the check would be seen."""
    assert set(BY_AGE) == set(BUILT_IN)


def test_a_cascade_asks_its_parts():
    """What a part uses must be allowed where it is used; the cascade takes its parts' word."""
    inner = vt.PyramidSegmenter(value="age", preset="hml")
    outer = vt.PyramidSegmenter(preset="hml")
    with pytest.raises(ProtectedColumnsError, match="'age' tells of age"):
        vt.CascadeSegmenter(gates=(), outer=outer, inner=inner).fit(CUSTOMERS)
    allowed = vt.PyramidSegmenter(value="age", preset="hml", allow_protected=["age"])
    assert len(vt.CascadeSegmenter(gates=(), outer=outer, inner=allowed).fit(CUSTOMERS).tiers_) > 3


def test_models_from_before_the_parameter_load(tmp_path):
    """A stored model without the parameter loads, and the parameter unused changes no version."""
    path = tmp_path / "model.json"
    fitted = vt.PyramidSegmenter(preset="hml").fit(CUSTOMERS)
    fitted.save(path)
    assert "allow_protected" not in json.loads(path.read_text(encoding="utf-8"))["params"]
    assert vt.load(path).allow_protected == ()
    assert vt.PyramidSegmenter(preset="hml", allow_protected=[]).fit(CUSTOMERS).version() == fitted.version()


def test_describing_is_not_deciding():
    """A profile may look at protected columns: it tells whom a tier reaches, and decides nothing."""
    assignment = vt.PyramidSegmenter(preset="hml").fit(CUSTOMERS).assign(CUSTOMERS)
    profile = vt.evaluate.profile(assignment, CUSTOMERS[["customer_id", "age"]])
    assert set(profile.to_frame()["attribute"]) == {"age"}


def test_what_is_changed_after_the_fit_is_checked_too():
    """A fitted segmenter whose column is exchanged for a protected one judges nobody by it."""
    fitted = vt.PyramidSegmenter(preset="hml").fit(CUSTOMERS).set_params(value="age")
    for method in (fitted.predict, fitted.assign, fitted.explain):
        with pytest.raises(ProtectedColumnsError, match="PyramidSegmenter would decide"):
            method(CUSTOMERS)


@pytest.mark.parametrize("value", ["age", CUSTOMERS["age"]], ids=["name", "series"])
def test_plans_choose_nobody_by_age(value):
    """The value by which a plan chooses is an input, too; the playbook allows it by name."""
    assignment = vt.PyramidSegmenter(preset="hml").fit(CUSTOMERS).assign(CUSTOMERS)
    by_kind = Playbook.builtin("pyramid")
    chosen = {"value": value, "customers": CUSTOMERS, "budget": 100}
    with pytest.raises(
        ProtectedColumnsError, match=r"The plan by 'pyramid' would decide .*'age' tells of age"
    ):
        StrategyMapper().plan(assignment, **chosen)
    allowed = StrategyMapper(by_kind.model_copy(update={"allow_protected": ("age",)}))
    assert allowed.plan(assignment, **chosen).value > 0
