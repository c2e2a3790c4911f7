"""Why each customer is in its tier, and what would change it."""

from valuetier.explain.answer import Explanation, Grounds, explanation

__all__ = ["Explanation", "Grounds", "explanation"]
