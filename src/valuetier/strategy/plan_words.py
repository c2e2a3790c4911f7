"""What a plan says in words, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from valuetier.strategy.parties import in_words

if TYPE_CHECKING:
    from valuetier.strategy.plan import Plan

TEXTS: Mapping[str, Mapping[str, str]] = {
    "chosen": {
        "en": "{offers:,} actions are chosen for {customers:,} customers and bring {value:,.2f}; {contractual:,} contractual ones are carried out whatever they bring.",
        "zh": "共选定 {offers:,} 项动作，涉及 {customers:,} 位客户，预计带来价值 {value:,.2f}；另有 {contractual:,} 项合同约定的动作必须执行，不计入价值。",
    },
    "chosen_only": {
        "en": "{offers:,} actions are chosen for {customers:,} customers and bring {value:,.2f}.",
        "zh": "共选定 {offers:,} 项动作，涉及 {customers:,} 位客户，预计带来价值 {value:,.2f}。",
    },
    "spent": {
        "en": "All of them together cost {cost:,.2f} and take {hours:,.1f} hours.",
        "zh": "全部动作合计花费 {cost:,.2f}，占用 {hours:,.1f} 小时。",
    },
    "optimal": {
        "en": "No plan within these limits brings more.",
        "zh": "在这些限制之内，没有哪个方案能带来更多价值。",
    },
    "gap": {
        "en": "A better plan would bring at most {gap:.2g} % more.",
        "zh": "即使存在更好的方案，最多也只能再多 {gap:.2g}%。",
    },
    "control": {
        "en": "{control:,} of {eligible:,} customers to whom an action was open are the control group: they get contractual actions only.",
        "zh": "在有可选动作的 {eligible:,} 位客户中，{control:,} 位列入对照组，只执行合同约定的动作。",
    },
    "below_cost": {
        "en": '{n:,} of the chosen actions bring less than they cost, {loss:,.2f} in all; objective="net" leaves such actions out.',
        "zh": "选定的动作中有 {n:,} 项带来的价值低于成本，合计差额 {loss:,.2f}；若要排除这类动作，请使用 objective=\"net\"。",
    },
    "alike": {
        "en": "Every action is worth the same for a customer here, so the cheapest was chosen; response=, or a value per action, tells them apart.",
        "zh": "对同一位客户，各项动作的价值相同，因此选的是成本最低的一项；可用 response= 或按动作给出价值加以区分。",
    },
    "withheld": {
        "en": "{n:,} actions are withheld by the suppression list, {contractual:,} of them owed by contract and to be settled in another way.",
        "zh": "因勿扰名单扣下 {n:,} 项动作，其中合同约定的 {contractual:,} 项须另行处理。",
    },
    "budget": {
        "en": "One more unit of money is worth {price:,.2f}.",
        "zh": "每增加 1 单位预算，可多带来 {price:,.2f}。",
    },
    "owner": {
        "en": "One more hour of {name} time is worth {hour:,.2f}.",
        "zh": "{name}的时间每增加 1 小时，可多带来 {hour:,.2f}。",
    },
    "channel": {
        "en": "One more contact by {name} is worth {price:,.2f}.",
        "zh": "{name}渠道每增加 1 次触达，可多带来 {price:,.2f}。",
    },
    "coverage": {
        "en": "Each customer that the coverage of tier {name} demands costs {price:,.2f}.",
        "zh": "层级“{name}”的覆盖要求每多一位客户，就少带来 {price:,.2f}。",
    },
    "spare": {
        "en": "More {what} would bring nothing: {left:,.2f} {unit} are left.",
        "zh": "增加{what}不会带来更多价值：尚余 {left:,.2f}{unit}。",
    },
    "no_worth": {
        "en": "More {what} would bring nothing by itself.",
        "zh": "单独增加{what}不会带来更多价值。",
    },
    "no_cost": {
        "en": "The coverage of tier {name} costs nothing: the plan reaches {used:,.0f} customers and needs {limit:,.0f}.",
        "zh": "层级“{name}”的覆盖要求没有代价：方案触达 {used:,.0f} 位客户，要求为 {limit:,.0f} 位。",
    },
    "prices": {
        "en": "Prices hold for small changes, and for the plan in which customers may be served in part.",
        "zh": "以上价格只适用于小幅变动，并按允许部分服务客户的松弛方案计算。",
    },
}  # fmt: skip

UNITS = {
    "en": {"money": "of it", "minutes": "minutes", "contacts": "contacts"},
    "zh": {"money": "", "minutes": " 分钟", "contacts": " 次"},
}
SPARE = {
    "en": {"budget": "budget", "owner": "{name} time", "channel": "contacts by {name}"},
    "zh": {"budget": "预算", "owner": "{name}的时间", "channel": "{name}渠道的触达次数"},
}


def price_sentence(row: Mapping[str, Any], lang: str) -> str:
    """Return what one more of something is worth, in words; ``row`` is one of ``shadow_prices``."""
    kind, name, price = row["kind"], row["constraint"], row["price"]
    if kind in ("owner", "channel"):
        name = in_words(name, lang)
    facts = {"name": name, "price": price, "hour": price * 60, "used": row["used"], "limit": row["limit"]}
    if kind == "coverage":
        return TEXTS["coverage" if price > 0 else "no_cost"][lang].format(**facts)
    if price > 0:
        return TEXTS[kind][lang].format(**facts)
    what, left = SPARE[lang][kind].format(name=name), row["limit"] - row["used"]
    unit = UNITS[lang][row["unit"]]
    return TEXTS["spare" if left > 0 else "no_worth"][lang].format(what=what, left=left, unit=unit)


def summary(plan: Plan, lang: str) -> str:
    """Return what a plan does and what would change it, one finding a line."""
    counts = plan.outcomes.set_index("outcome")["actions"]
    offers = plan.actions[~plan.actions["contractual"]]
    lines = [
        TEXTS["chosen" if counts["contractual"] else "chosen_only"][lang].format(
            offers=len(offers),
            customers=offers["customer_id"].nunique(),
            value=plan.value,
            contractual=counts["contractual"],
        ),
        TEXTS["spent"][lang].format(cost=plan.cost, hours=plan.minutes / 60),
        TEXTS["optimal" if plan.optimal else "gap"][lang].format(gap=plan.gap * 100),
    ]
    if len(plan.control):
        lines.append(TEXTS["control"][lang].format(control=len(plan.control), eligible=len(plan.groups)))
    if plan.alike:
        lines.append(TEXTS["alike"][lang])
    loss = (offers["total_cost"] - offers["value"]).clip(lower=0)
    if (loss > 0).any():
        lines.append(TEXTS["below_cost"][lang].format(n=int((loss > 0).sum()), loss=loss.sum()))
    withheld = counts[["suppressed", "suppressed contractual"]]
    if withheld.sum():
        lines.append(TEXTS["withheld"][lang].format(n=withheld.sum(), contractual=withheld.iloc[1]))
    prices = plan.shadow_prices.to_dict("records")
    lines += [price_sentence({str(key): row[key] for key in row}, lang) for row in prices]
    return "\n".join(lines + [TEXTS["prices"][lang]] * bool(len(plan.shadow_prices)))
