"""How verdicts are written, and what they mean."""

from collections.abc import Iterable
from dataclasses import dataclass

# Compared after trimming and lower-casing. A number other than 0 or 1 is no verdict.
FAILURE_WORDS = frozenset(
    {"1", "1.0", "true", "t", "yes", "y", "fail", "failed", "failure", "unsafe", "bad", "incorrect", "wrong"}
    | {"harmful", "violation", "reject", "rejected", "unacceptable", "positive", "flagged"}
)
PASS_WORDS = frozenset(
    {"0", "0.0", "false", "f", "no", "n", "pass", "passed", "success", "safe", "good", "correct", "right"}
    | {"harmless", "ok", "okay", "compliant", "accept", "accepted", "acceptable", "negative", "unflagged"}
)
MISSING_WORDS = frozenset(("", "null", "none", "nan", "na", "n/a", "<na>"))


@dataclass(frozen=True)
class Vocabulary:
    """Which words are failures and which are passes; all lower case."""

    failures: frozenset[str] = FAILURE_WORDS
    passes: frozenset[str] = PASS_WORDS

    @classmethod
    def with_failure(cls, words: Iterable[str], others: Iterable[str]) -> "Vocabulary":
        """Make the given words the only failures.

        Every other known word is then a pass, and so is a word not known before if it is the only
        such word in the column: with ``failure="refusal"``, a column of "refusal" and "answer" is
        clear, but a third word in it might be either.

        Args:
            words: The words that mean failure.
            others: Words found in the column that are not known and not among ``words``.
        """
        failures = frozenset(word.strip().lower() for word in words)
        unknown = frozenset(others) - failures
        known = (FAILURE_WORDS | PASS_WORDS | (unknown if len(unknown) == 1 else frozenset())) - failures
        return cls(failures, known)
