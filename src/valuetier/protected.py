"""Which columns say what a person is, so that nobody is treated by them unawares.

The attributes are those that law names: Charter of Fundamental Rights of the European Union, Article 21;
Regulation (EU) 2016/679 (GDPR), Articles 9 and 10; Equal Credit Opportunity Act, 15 U.S.C. § 1691(a); and
the Personal Information Protection Law of the People's Republic of China, Article 28. A column is recognised
by its name. What stands for such an attribute under another name (a first name, a postcode) is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from valuetier.errors import InvalidParameterError, ProtectedColumnsError

# What has an age, or can be disabled, or healthy, without being a person.
THINGS = (
    "account", "asset", "basket", "building", "business", "car", "card", "cart", "churn", "company", "contract",
    "coupon", "credit", "debt", "device", "domain", "email", "equipment", "feature", "firm", "house", "inventory",
    "invoice", "item", "lead", "listing", "loan", "machine", "membership", "order", "page", "policy", "product",
    "products", "receivable", "relationship", "session", "stock", "subscription", "supplies", "ticket", "vehicle",
)  # fmt: skip
THINGS_ZH = (
    "账户",
    "账号",
    "账龄",
    "合同",
    "订单",
    "库存",
    "车辆",
    "房屋",
    "设备",
    "商品",
    "产品",
    "企业",
    "公司",
)
# Who stands behind a thing: the age of an account's holder is that of a person.
PERSONS = ("holder", "owner", "driver", "insured", "head", "signer", "buyer")
PERSONS_ZH = ("持有人", "联系人", "签署人", "车主", "业主", "户主", "本人", "被保险人")
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True)
class Attribute:
    """What must not decide, and how columns call it.

    Attributes
    ----------
    name : str
    phrases : tuple of str
        Words of a column's name; of several in one phrase all must be there.
    chinese : tuple of str
        Parts of a Chinese name.
    unless, unless_zh : tuple of str
        Words that make it something else, where none of ``PERSONS`` stands beside them.
    """

    name: str
    phrases: tuple[str, ...]
    chinese: tuple[str, ...]
    unless: tuple[str, ...] = ()
    unless_zh: tuple[str, ...] = ()


ATTRIBUTES = (
    Attribute(
        "age",
        (
            "age", "ages", "agegroup", "agegrp", "ageband", "ageyears", "agebucket", "agerange", "ageclass", "elderly",
        ),
        ("年龄", "年齡", "年纪", "岁数"),
        unless=(*THINGS, "days"),
        unless_zh=THINGS_ZH,
    ),
    Attribute(
        "age",
        (
            "birth", "birthday", "birthdays", "birthdate", "birthyear", "dateofbirth", "yearofbirth", "dob", "yob",
            "born",
        ),
        ("生日", "出生"),
        unless_zh=("出生率",),
    ),
    Attribute(
        "sex or gender",
        ("sex", "sexes", "gender", "genders", "male", "female", "woman", "women", "transgender"),
        ("性别", "性別", "男女", "男性", "女性"),
        unless=("products",),
    ),
    Attribute("sexual orientation", ("sexual", "sexuality", "lgbt", "lgbtq"), ("性取向", "性倾向")),
    Attribute(
        "race, colour or ethnic origin",
        (
            "race", "races", "racial", "ethnic", "ethnicity", "ethnicities", "skin color", "skin colour", "skin tone",
            "caste", "tribe",
        ),
        ("种族", "種族", "民族", "肤色", "膚色", "族裔"),
    ),
    Attribute(
        "nationality or origin",
        (
            "nationality", "nationalities", "citizenship", "national origin", "social origin", "birthplace", "birth place",
            "birth country", "immigrant", "immigrants", "immigration", "mother tongue", "native language",
        ),
        ("国籍", "國籍", "籍贯", "籍貫", "户籍", "出生地", "母语"),
    ),
    Attribute(
        "religion or belief",
        ("religion", "religions", "religious", "belief", "beliefs", "church"),
        ("宗教", "信仰"),
    ),
    Attribute(
        "political opinion", ("political", "politics", "party affiliation"), ("政治", "党派", "党员")
    ),
    Attribute(
        "trade union membership",
        ("union member", "union membership", "trade union", "labor union", "labour union"),
        ("工会",),
    ),
    Attribute(
        "marital status",
        ("marital", "maritalstatus", "married", "marriage", "divorced", "widow", "widowed", "widower", "civil status"),
        ("婚姻", "婚否", "离异", "丧偶", "已婚", "未婚"),
    ),
    Attribute(
        "disability",
        ("disability", "disabilities", "disabled", "handicap", "handicaps", "handicapped"),
        ("残疾", "殘疾", "残障"),
        unless=THINGS,
    ),
    Attribute(
        "health",
        ("health",),
        ("健康",),
        unless=(*THINGS, "score", "index"),
        unless_zh=("健康度", "健康分", *THINGS_ZH),
    ),
    Attribute(
        "health",
        (
            "medical", "diagnosis", "diagnoses", "illness", "illnesses", "disease", "diseases", "medication", "pregnancy",
            "pregnancies", "pregnant", "maternity",
        ),
        ("疾病", "病史", "病历", "怀孕", "孕妇", "孕产", "妊娠"),
        unless=("device", "equipment", "product", "products", "supplies"),
        unless_zh=("产品", "商品", "用品"),
    ),
    Attribute("genetic or biometric data", ("genetic", "genetics", "biometric", "biometrics"), ("基因", "生物识别")),
    Attribute("criminal record", ("criminal", "convictions"), ("犯罪", "前科")),
    Attribute("public assistance", ("public assistance", "welfare"), ("低保", "社会救助")),
)  # fmt: skip


def protected_attribute(column: str) -> str | None:
    """Return which protected attribute a column's name tells of; None if it tells of none.

    Examples
    --------
    >>> protected_attribute("CustomerGender"), protected_attribute("age_group"), protected_attribute("年龄")
    ('sex or gender', 'age', 'age')
    >>> protected_attribute("average_spend"), protected_attribute("account_age_days")
    (None, None)
    """
    column = unicodedata.normalize("NFKC", column)
    words = frozenset(word.lower() for word in WORD.findall(column))
    return next((one.name for one in ATTRIBUTES if _in_english(one, words) or _in_chinese(one, column)), None)


def refuse_protected(owner: str, columns: Iterable[str], allowed: Any) -> None:
    """Raise if columns tell of a protected attribute and are not allowed by name.

    Parameters
    ----------
    owner : str
        Who would decide by them, as messages call it.
    columns : iterable of str
    allowed : sequence of str
        The parameter ``allow_protected``.

    Raises
    ------
    ProtectedColumnsError
        The message names columns and attributes, and how to allow them.
    InvalidParameterError
        If ``allowed`` is no sequence of names.
    """
    names = allowed_names(allowed)
    found = {name: protected_attribute(name) for name in dict.fromkeys(columns) if name not in names}
    told = {name: attribute for name, attribute in found.items() if attribute is not None}
    if told:
        what = "; ".join(f"{name!r} tells of {attribute}" for name, attribute in told.items())
        raise ProtectedColumnsError(
            f"{owner} would decide by protected columns: {what}. Leave them out; or, where the law allows it and "
            f"it is meant, allow them by name: allow_protected={[*names, *told]}."
        )


def allowed_names(allowed: Any) -> list[str]:
    """Return the names in ``allow_protected``; raise unless it is a sequence of them."""
    listed = isinstance(allowed, (list, tuple, set, frozenset))
    if not listed or not all(isinstance(name, str) for name in allowed):
        raise InvalidParameterError(
            f"allow_protected must be a sequence of column names, got {allowed!r}. Put a single one in ()."
        )
    return sorted(allowed) if isinstance(allowed, (set, frozenset)) else list(allowed)


def _in_english(attribute: Attribute, words: frozenset[str]) -> bool:
    named = any(words >= set(phrase.split()) for phrase in attribute.phrases)
    return named and (words.isdisjoint(attribute.unless) or not words.isdisjoint(PERSONS))


def _in_chinese(attribute: Attribute, column: str) -> bool:
    named = any(part in column for part in attribute.chinese)
    other = any(part in column for part in attribute.unless_zh)
    return named and (not other or any(part in column for part in PERSONS_ZH))
