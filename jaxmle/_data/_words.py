"""How verdicts are written, and what they mean."""

import re
from dataclasses import dataclass

# Failures and passes of one way to write verdicts, compared after trimming and lower-casing; the usual
# writing of each first. A number other than 0 or 1 is no verdict.
_ONE_ZERO = (("1", "1.0", "1,0"), ("0", "0.0", "0,0"))
# Of these the name of the column says whether they are good: `passed` is, `flagged` is not.
_BY_NAME = (
    _ONE_ZERO,
    (("true", "t"), ("false", "f")),
    (("yes", "y"), ("no", "n")),
    (("positive",), ("negative",)),
)
# These say it themselves. No judge's "invalid" does: it may be an answer that could not be read.
_PLAIN = (
    (("flagged",), ("unflagged",)),
    (
        (
            *("fail", "failed", "failure", "unsafe", "bad", "incorrect", "wrong", "harmful", "violation"),
            *("reject", "rejected", "unacceptable", "unfaithful", "ungrounded", "unsupported"),
            *("unsubstantiated", "unhelpful", "hallucinated"),
        ),
        (
            *("pass", "passed", "success", "safe", "good", "correct", "right", "harmless", "ok", "okay"),
            *("compliant", "accept", "accepted", "acceptable", "faithful", "grounded", "supported"),
            *("substantiated", "helpful"),
        ),
    ),
)
_OPPOSITES = tuple((frozenset(fails), frozenset(oks)) for fails, oks in (*_BY_NAME, *_PLAIN))
_AS_WRITTEN = {word: group for group in (*_BY_NAME, *_PLAIN) for side in group for word in side}
FAILURE_WORDS = frozenset[str]().union(*(failures for failures, _ in _OPPOSITES))
PASS_WORDS = frozenset[str]().union(*(passes for _, passes in _OPPOSITES))
# Words that mean what the name of their column says.
NAMED_WORDS = frozenset(word for group in _BY_NAME for side in group for word in side)
MISSING_WORDS = frozenset(("", "null", "none", "nan", "na", "n/a", "<na>"))
# How a human verdict may say that there is none, as in `Counts.from_labels`; of a judge it is an error code.
UNLABELED_WORDS = MISSING_WORDS | {"-1", "-1.0"}

# Parts of names of columns in which 1 is good.
_GOOD = frozenset(
    {"pass", "passes", "passed", "passing", "correct", "correctly", "correctness", "accuracy", "accurate"}
    | {"accept", "accepted", "acceptable", "acceptance", "approve", "approved", "success", "successes"}
    | {"successful", "succeeded", "ok", "okay", "good", "right", "valid", "validity", "faithful"}
    | {"faithfulness", "grounded", "groundedness", "supported", "substantiated", "safe", "harmless"}
    | {"helpful", "helpfulness", "compliant", "truthful", "truthfulness", "factual", "factuality"}
    | {"relevant", "relevance", "relevancy", "resolved", "solved", "satisfied", "satisfactory"}
    | {"appropriate", "coherent", "coherence", "upvote", "upvoted", "liked"}
)
# These too, unless another part says that something bad is scored.
_SCORED = frozenset({"score", "scores", "match", "matched", "matches", "reward", "quality", "em"})
_BAD = frozenset(
    {"fail", "fails", "failed", "failing", "failure", "failures", "unsafe", "bad", "incorrect", "wrong"}
    | {"harm", "harmful", "harmfulness", "violation", "violations", "violates", "violated", "toxic"}
    | {"toxicity", "hallucination", "hallucinations", "hallucinated", "hallucinates", "reject", "rejected"}
    | {"error", "errors", "invalid", "unfaithful", "ungrounded", "unsupported", "unsubstantiated", "flag"}
    | {"flags", "flagged", "refusal", "refusals", "refused", "issue", "issues", "defect", "defects", "attack"}
    | {"jailbreak", "jailbroken", "risk", "leak", "leaked", "bias", "biased", "unacceptable", "unhelpful"}
    | {"downvote", "downvoted", "disliked", "abuse", "abusive", "spam", "hate"}
)
_ROLES = frozenset({"judge", "human", "label", "verdict"})
_NEGATIONS = frozenset({"not", "no", "un", "non", "never", "isnt", "without"})
_LONGEST_NAME = 100


def name_parts(name: str) -> list[str]:
    """Words that a name is made of, lower case, whether snake, camel or dotted."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name[:_LONGEST_NAME]).lower()
    return re.findall(r"[a-z]+|[0-9]+", parts)


def says_good(name: str) -> bool:
    """Whether a column of this name has 1, true or yes for what is good."""
    parts = set(name_parts(name))
    if name.rpartition(".")[2].lower() in _ROLES:  # of `scores.judge` the first half says nothing
        parts.discard("scores")
    if parts & _NEGATIONS:
        return False
    return bool(parts & _GOOD or (parts & _SCORED and not parts & _BAD))


def says_bad(name: str) -> bool:
    """Whether a column of this name has 1, true or yes for what is bad."""
    parts = set(name_parts(name))
    if parts & _NEGATIONS:
        return bool(parts & _GOOD)
    return bool(parts & _BAD and not parts & _GOOD)


def sides_of(words: frozenset[str]) -> tuple[str, str] | None:
    """The usual failure and pass of the way of writing that words which mean what a name says have."""
    for fails, oks in _BY_NAME:
        if words & {*fails, *oks}:
            return fails[0], oks[0]
    return None


def writing_of(words: frozenset[str]) -> frozenset[str]:
    """All words of the ways of writing that some of the words belong to."""
    return frozenset[str]().union(*(fails | oks for fails, oks in _OPPOSITES if words & (fails | oks)))


def plainest(words: frozenset[str]) -> list[str]:
    """Words without other ways to write one and zero that stand beside these."""
    return sorted(words - {word for side in _ONE_ZERO if side[0] in words for word in side[1:]})


def opposites_of(words: frozenset[str]) -> list[str]:
    """The usual word for the other side of each way of writing that some of the words belong to."""
    found: dict[str, None] = {}
    for word in sorted(words & _AS_WRITTEN.keys()):
        fails, oks = _AS_WRITTEN[word]
        found[oks[0] if word in fails else fails[0]] = None
    return list(found)


@dataclass(frozen=True)
class Vocabulary:
    """Which words are failures and which are passes; all lower case."""

    failures: frozenset[str] = FAILURE_WORDS
    passes: frozenset[str] = PASS_WORDS

    @classmethod
    def with_failure(
        cls,
        given: frozenset[str],
        unknown: frozenset[str],
        held: bool,
        passes: frozenset[str] = frozenset(),
    ) -> "Vocabulary":
        """Read a column knowing which words the user calls failures, and which passes.

        Words keep their meaning, except that a way of writing is turned round if one of its passes
        is called a failure. In a column that holds a given word no other word is a failure: "fail"
        beside "unsafe", when only "unsafe" was named, is left undecided and so an error.

        Args:
            given: The words that mean failure, lower case.
            unknown: Words of both columns that are neither known nor given; one alone is a pass, if some
                given word is not known either.
            held: Whether this column holds any of the given words.
            passes: The words that the user calls passes, lower case.
        """
        # A stray word beside 1 and 0 is no pass, even if the user has said that 1 is a failure.
        own_words = bool(given - FAILURE_WORDS - PASS_WORDS)
        failures, others = set(given), set(unknown if own_words and len(unknown) == 1 else ())
        for fails, oks in _OPPOSITES:
            turned = bool(oks & given or fails & passes)
            others |= fails if turned else oks
            if turned or not held:
                failures |= oks if turned else fails
        return cls(frozenset(failures - passes), frozenset(others - given | passes))


def as_words(values: object) -> frozenset[str]:
    """What a user calls a failure or a pass, as it is written in columns of words, numbers or booleans."""
    several = values if isinstance(values, list | tuple | set | frozenset) else (values,)
    found: set[str] = set()
    for value in several:
        word = str(value).strip().lower()
        found.add(word)
        for side in _ONE_ZERO:
            if word in side or (isinstance(value, bool) and value == (side is _ONE_ZERO[0])):
                found.update(side)
    return frozenset(found)
