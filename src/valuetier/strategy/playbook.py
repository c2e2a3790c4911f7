"""Playbooks: ordered decision tables from tiers, segments and columns to actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from valuetier.conditions import ReadCondition, Scalar
from valuetier.coverage import check_answers, check_reached
from valuetier.errors import InvalidDataError, MissingColumnsError, UncoveredTiersError, require_choice
from valuetier.protected import refuse_protected
from valuetier.strategy.strict_yaml import read_yaml

TIER, SEGMENT, SCORE = "tier", "segment", "score"
OF_ASSIGNMENT = (TIER, SEGMENT, SCORE)

MOST_DAYS = 36_500

Channel = Literal["visit", "phone", "email", "sms", "app", "mail", "web", "internal"]
Owner = Literal[
    "account_manager", "sales", "service", "marketing", "crm", "finance", "automation", "management"
]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Ids = Annotated[tuple[Identifier, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
Values = Annotated[tuple[Scalar, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Text(_Frozen):
    """A text in English and Chinese."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    def in_language(self, lang: str) -> str:
        """Return the text in ``"en"`` or ``"zh"``."""
        return self.zh if lang == "zh" else self.en


class Action(_Frozen):
    """Something that is done for a customer.

    Attributes
    ----------
    action, reason : Text
        What is done, and why this customer gets it.
    channel, owner : str
    cadence_days : int or None
        Days between repetitions; None is once, or when it is called for.
    cost : float
        Per execution, in the currency of the log.
    minutes : float
        Of the owner's time, per execution.
    affects_price : bool
        Changes what the customer pays.
    needs_human_review : bool
        A person decides first.
    contractual : bool
        Owed: in every plan and in no control group; only a suppression list withholds it.
    """

    action: Text
    channel: Channel
    owner: Owner
    cadence_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] | None
    cost: Amount
    minutes: Amount
    reason: Text
    affects_price: bool = False
    needs_human_review: bool = False
    contractual: bool = False


class Rule(_Frozen):
    """Customers for whom all conditions hold get these actions."""

    id: Identifier
    when: dict[str, ReadCondition]
    then: Ids


class Playbook(_Frozen):
    """A decision table from tiers, segments and columns to actions, checked when made.

    Attributes
    ----------
    name, version, title
    hit_policy : str
        ``"first"``: the first rule that holds · ``"unique"``: no two rules may hold ·
        ``"collect"``: all rules that hold.
    domain : dict
        The values that columns can have, each of which a rule must cover.
    allow_protected : tuple of str
        Columns that the rules may look at although they tell of age, sex, origin, health and the like.
    actions : dict of str to Action
    rules : tuple of Rule
    """

    name: str
    version: int
    title: Text
    hit_policy: Literal["first", "unique", "collect"] = "first"
    domain: dict[str, Values] = Field(default_factory=dict)
    allow_protected: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    actions: dict[Identifier, Action] = Field(min_length=1)
    rules: Annotated[tuple[Rule, ...], BeforeValidator(_as_tuple), Field(min_length=1)]

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        ids = [rule.id for rule in self.rules]
        twice = sorted({rule for rule in ids if ids.count(rule) > 1})
        if twice:
            raise ValueError(f"rule ids must differ, these stand twice: {twice}")
        used = {action for rule in self.rules for action in rule.then}
        unknown = sorted(used - set(self.actions))
        if unknown:
            raise ValueError(f"rules name actions that are not there: {unknown}")
        idle = sorted(set(self.actions) - used)
        if idle:
            raise ValueError(f"no rule uses the actions {idle}")
        for column in (TIER, SEGMENT):
            names = (*self.domain.get(column, ()), *self._named(column))
            if any(not isinstance(v, str) and (column, v) != (SEGMENT, None) for v in names):
                raise ValueError(
                    f"names of a {column} are texts: write them in quotes, such as {column}: '1'"
                )
        for column, values in self.domain.items():
            named = set(self._named(column))
            if named - set(values):
                strange = sorted(map(str, named - set(values)))
                raise ValueError(f"rules name values of {column} outside its domain: {strange}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the conditions look at."""
        return tuple(dict.fromkeys(column for rule in self.rules for column in rule.when))

    def _named(self, column: str) -> list[Scalar]:
        """Return the values of a column that rules name."""
        return [v for rule in self.rules if column in rule.when for v in rule.when[column].named]

    def known_values(self) -> dict[str, Values]:
        """Return the values of columns that are known: the domain, and the tiers and segments named.

        Which tiers exist is the segmenter's matter: where the domain is silent, those that
        no rule names are found when customers are mapped.
        """
        found = dict(self.domain)
        for column in (TIER, SEGMENT):
            named = self._named(column)
            if named:
                found.setdefault(column, tuple(dict.fromkeys(named)))
        return found

    def check_against(self, segmenter: Any, columns: Sequence[str] | None = None) -> None:
        """Raise unless the playbook answers every customer that a fitted segmenter can describe.

        Parameters
        ----------
        segmenter : Segmenter
            Fitted; its tier and segment names are taken.
        columns : sequence of str, optional
            Columns of the customer table that comes with the assignment.

        Raises
        ------
        UncoveredTiersError
            If a tier or segment meets no rule; the message describes up to three such customers.
        InvalidDataError
            If rules name tiers or segments that the segmenter has not, and no domain says that
            other segmenters have them.
        MissingColumnsError
            If rules look at columns that are not among ``columns``.

        Examples
        --------
        >>> import pandas as pd, valuetier as vt
        >>> pyramid = vt.PyramidSegmenter().fit(pd.DataFrame({"spend": [900, 80, 40, 20, 10, 0]}))
        >>> Playbook.builtin("pyramid").check_against(pyramid, columns=["customer_id", "spend"])
        """
        segments: Sequence[str] = getattr(segmenter, "get_segment_names_out", list)()
        known = {TIER: tuple(segmenter.get_tier_names_out()), SEGMENT: tuple(segments) or (None,)}
        self.refuse_strangers(known)
        for column, values in known.items():
            self.refuse_outsiders(column, values)
        if columns is not None:
            self.refuse_missing(columns)
        conditions = [column for column in known if column in self.columns]
        domain = {**self.domain, **{column: known[column] for column in conditions}}
        check_answers(self.rules, domain, self.hit_policy, self.name)

    def refuse_strangers(self, known: Mapping[str, Values]) -> None:
        """Raise if rules name values that a column has not; a domain may hold those of other segmenters."""
        for column, values in known.items():
            if column in self.domain:
                continue
            strangers = sorted(map(str, set(self._named(column)) - set(values)))
            if strangers:
                raise InvalidDataError(
                    f"The playbook {self.name!r} names the {column}s {strangers}, which are not there: "
                    f"{[value for value in values if value is not None]}. Correct the names, or list those "
                    f"that other segmenters give under domain: {column}."
                )

    def refuse_outsiders(self, column: str, values: Sequence[Scalar]) -> None:
        """Raise if customers have values outside the domain of a column, where a rule for the rest would take them."""
        outside = [value for value in values if column in self.domain and value not in self.domain[column]]
        if outside and column in self.columns:
            raise UncoveredTiersError(
                f"The playbook {self.name!r} was written for the {column}s {list(self.domain[column])}, and customers "
                f"have {outside}. Add them under domain: {column}, with rules that name them."
            )

    def refuse_missing(self, columns: Sequence[str]) -> None:
        """Raise if rules look at columns that the customers do not have."""
        missing = [column for column in self.columns if column not in (*OF_ASSIGNMENT, *columns)]
        if missing:
            raise MissingColumnsError(
                f"The playbook {self.name!r} looks at {missing}, which "
                + (
                    f"the customers do not have: {list(columns)}"
                    if len(columns)
                    else "are columns of customers"
                )
                + ". Pass customers= with these columns."
            )

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Return the playbook of a YAML file, checked.

        Raises
        ------
        InvalidDataError
            If the file is no playbook: every problem with its place; or if a rule can
            never be reached, or two rules hold where only one may.
        ProtectedColumnsError
            If the rules look at what a customer is, and it is not allowed by name.
        UncoveredTiersError
            If a customer could fall into no rule; the message describes one.
        """
        path = Path(path)
        if not path.is_file():
            raise InvalidDataError(f"There is no playbook at {path.name!r}. Check the path.")
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise InvalidDataError(f"{path.name} is no text in UTF-8. Save it as UTF-8.") from None
        return cls.from_text(text, path.name)

    @classmethod
    def from_text(cls, text: str, name: str = "playbook") -> Self:
        """Return the playbook of a YAML text; ``name`` is what messages call it."""
        try:
            playbook = cls.model_validate(read_yaml(text, name))
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'playbook'}: {e['msg']}" for e in error.errors()
            )
            raise InvalidDataError(f"{name} is not a valid playbook: {problems}.") from None
        refuse_protected(f"The playbook {name}", playbook.columns, playbook.allow_protected)
        check_answers(playbook.rules, playbook.known_values(), playbook.hit_policy, name)
        check_reached(playbook.rules, playbook.domain, playbook.hit_policy, name, missing=True)
        return playbook

    @classmethod
    def builtin(cls, kind: str) -> Self:
        """Return the playbook that comes with a kind of segmenter.

        Raises
        ------
        UncoveredTiersError
            If none comes with it.

        Examples
        --------
        >>> Playbook.builtin("kaism").title.en
        'KAISM: what to do for each quadrant'
        """
        if kind not in builtin_kinds():
            raise UncoveredTiersError(
                f"No playbook comes with the kind {kind!r}. Built-in: {list(builtin_kinds())}. "
                "Pass your own: StrategyMapper.from_yaml(path)."
            )
        text = files("valuetier.strategy").joinpath("playbooks", f"{kind}.yaml").read_text(encoding="utf-8")
        return cls.from_text(text, f"{kind}.yaml")


def builtin_kinds() -> tuple[str, ...]:
    """Return the kinds of segmenters that a playbook comes with."""
    folder = files("valuetier.strategy").joinpath("playbooks")
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def check_language(lang: str) -> None:
    """Raise unless texts exist in the language."""
    require_choice("lang", lang, ("en", "zh"))
