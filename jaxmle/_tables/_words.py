"""How verdicts are written, and what they mean."""

from dataclasses import dataclass

# Failures and passes of one way to write verdicts, compared after trimming and lower-casing. A number
# other than 0 or 1 is no verdict.
_OPPOSITES = (
    (frozenset(("1", "1.0")), frozenset(("0", "0.0"))),
    (frozenset(("true", "t")), frozenset(("false", "f"))),
    (frozenset(("yes", "y")), frozenset(("no", "n"))),
    (frozenset(("positive", "flagged")), frozenset(("negative", "unflagged"))),
    (
        frozenset(
            {"fail", "failed", "failure", "unsafe", "bad", "incorrect", "wrong", "harmful", "violation"}
            | {"reject", "rejected", "unacceptable"}
        ),
        frozenset(
            {"pass", "passed", "success", "safe", "good", "correct", "right", "harmless", "ok", "okay"}
            | {"compliant", "accept", "accepted", "acceptable"}
        ),
    ),
)
FAILURE_WORDS = frozenset[str]().union(*(failures for failures, _ in _OPPOSITES))
PASS_WORDS = frozenset[str]().union(*(passes for _, passes in _OPPOSITES))
MISSING_WORDS = frozenset(("", "null", "none", "nan", "na", "n/a", "<na>"))
# How a human verdict may say that there is none, as in `Counts.from_labels`; of a judge it is an error code.
UNLABELED_WORDS = MISSING_WORDS | {"-1", "-1.0"}


@dataclass(frozen=True)
class Vocabulary:
    """Which words are failures and which are passes; all lower case."""

    failures: frozenset[str] = FAILURE_WORDS
    passes: frozenset[str] = PASS_WORDS

    @classmethod
    def with_failure(cls, given: frozenset[str], unknown: frozenset[str], held: bool) -> "Vocabulary":
        """Read a column knowing which words the user calls failures.

        Words keep their meaning, except that a way of writing is turned round if one of its passes
        is called a failure. In a column that holds a given word no other word is a failure: "fail"
        beside "unsafe", when only "unsafe" was named, is left undecided and so an error.

        Args:
            given: The words that mean failure, lower case.
            unknown: Words of both columns that are neither known nor given; one alone is a pass, if some
                given word is not known either.
            held: Whether this column holds any of the given words.
        """
        # A stray word beside 1 and 0 is no pass, even if the user has said that 1 is a failure.
        own_words = bool(given - FAILURE_WORDS - PASS_WORDS)
        failures, passes = set(given), set(unknown if own_words and len(unknown) == 1 else ())
        for fails, oks in _OPPOSITES:
            turned = bool(oks & given)
            passes |= fails if turned else oks
            if turned or not held:
                failures |= oks if turned else fails
        return cls(frozenset(failures), frozenset(passes - given))
