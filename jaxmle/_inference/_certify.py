"""Is the failure rate under the limit? Certificates for one or a thousand slices."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

import numpy as np

from jaxmle._data import (
    Bounds,
    Calibration,
    Counts,
    HasCounts,
    Problem,
    check_calibration,
    check_confidence,
    slice_label,
)
from jaxmle._engine import Engine, check_engine, chosen_engine, progress_bar
from jaxmle._inference._arguments import (
    check_labels,
    check_seed,
    checked_problem,
    effective,
    given_counts,
    given_reference,
    limits_of,
    shaped,
    stretched,
    warn_user,
    whole_numbers,
)
from jaxmle._inference._bounds_test import contradicted
from jaxmle._inference._calibrated import Calibrated, Sides, whole_counts
from jaxmle._inference._certificate import Certificate, certificate_of
from jaxmle._inference._design_check import warn_of_design
from jaxmle._inference._earlier_looks import EarlierLooks
from jaxmle._inference._exact import ExactTest, Hypothesis
from jaxmle._inference._fit import Fit, divided, fit_flat, handed_on
from jaxmle._inference._looks import Looks
from jaxmle._inference._multiplicity import Adjustment, adjust_p_values
from jaxmle._inference._options import ClaimOptions
from jaxmle._inference._profile import branches, profile
from jaxmle._inference._simulate import COMPILE_SECONDS, streams
from jaxmle._inference._test_inversion import (
    ExactRejection,
    ProfileRejection,
    Rejection,
    SlowerRejection,
    decided_p_values,
)
from jaxmle._simulation import Labels, design_of
from jaxmle._stats import normal_of_student
from jaxmle._types import Array, ArrayLike

if TYPE_CHECKING:
    from jaxmle._tables import Columns, Rows

CertificateMethod = Literal["exact", "profile"]

# Share of the error spent on the nuisance region.
REGION_SHARE = 0.1
# Fits that an exact certificate takes, its upper limit included.
_EXACT_FITS = 60_000
# Draws of the profile certificate.
_DRAWS = 999


def certify(
    counts: "Counts | HasCounts | Rows",
    bounds: Bounds | None = None,
    *,
    limit: ArrayLike,
    confidence: float = 0.95,
    method: CertificateMethod = "exact",
    calibration: Calibration = "internal",
    external: Counts | HasCounts | None = None,
    discount: ArrayLike = 1.0,
    labels: Labels = "random",
    adjustment: Adjustment = "none",
    looks: Looks | None = None,
    design_effect: ArrayLike | None = None,
    df: ArrayLike | None = None,
    seed: int = 0,
    engine: Engine | None = None,
    progress: bool = False,
    **columns: "Unpack[Columns]",
) -> Certificate:
    """Decide whether the failure rate is below a limit.

    "exact" keeps the error rate in finite samples: its p-value is the largest over all judges that the bounds
    and a confidence region allow, plus the probability that the region misses the judge (a tenth of the
    error, shared over the batch where p-values are adjusted: no p-value is smaller). "profile" has the
    simulated p-value that `profile_interval` inverts, over fewer judges and without that price; it is faster
    and certifies more, and its error rate was seen to keep what it says within a point
    (`benchmarks.coverage --thin`), but it is not guaranteed. p-values within a tenth of the decision are
    computed anew from up to sixteen times as many draws.

    Args:
        counts: Counts, any batch shape ``(...)``, what `tables.count` returns, or rows that it takes; whole
            numbers for "exact" unless a ``design_effect`` comes with them.
        bounds: Bounds, scalar or broadcastable with the counts; none by default.
        limit: The failure rate to stay under, in (0, 1), scalar or of the batch shape.
        confidence: 1 - the probability of certifying a failure rate at the limit or above, in [0.5, 1).
        method: "exact" or "profile".
        calibration: "internal" or "external", as in `fit`.
        external: Counts of a labelled reference, as in `fit`: with method "profile" alone. Both kinds of
            labels are drawn anew; of weighted or clustered own items p-values are those of chi-square.
        discount: What a label of the reference counts for, as in `fit`.
        labels: "random", or "by-verdict" where the judge's verdict decided which items humans label.
        adjustment: For a batch: "holm" keeps the probability of any wrong certificate, "benjamini-hochberg"
            the expected share of wrong ones among the certified; "none" judges each slice by itself.
        looks: Which look at this gate it is, of how many: all of them together keep the confidence, and so
            do their upper limits. The judge had all its verdicts at the first. "exact" tests of whole counts
            know what earlier looks had certified, as simulation at five judges tells; otherwise each look
            spends its share by itself.
        design_effect: Design effect of weights or clusters, as in `profile_interval`. "exact" then tests
            effective counts, rounded to whole ones, and is never surer than "profile" of them as they are.
        df: Degrees of freedom with it; Student's t then takes the place of the normal distribution.
        seed: Seed of the simulation, a whole number >= 0.
        engine: "numpy", "jax", or None for the size of the job to decide, as in `fit`.
        progress: Whether to show a bar on standard error where that is a terminal.
        **columns: Of rows: arguments of `tables.count`, as in `fit`.

    Returns:
        Verdict, p-value and upper limit, shape ``(...)``. The upper limit of "exact" is the smallest rate
        that was tested and rejected, to about 1.5% of itself; a p-value above one half is a lower bound. With
        "holm" the upper limits hold jointly, and are the limit itself for certified slices unless all are
        certified (Strassburger and Bretz, Stat. Med. 27, 2008); with "benjamini-hochberg" they hold at the
        share of the error that the certified slices leave.

    Raises:
        ValueError: An argument is out of range; ``external`` comes with "exact"; counts are not whole numbers
            (method "exact" without a ``design_effect``); shapes do not match; a data set is empty or
            impossible within the bounds; ``looks`` come with "benjamini-hochberg".
        TypeError: ``counts`` is nothing that can be counted, ``bounds`` not a `Bounds` or ``looks`` no
            `Looks`.

    Warns:
        UserWarning: The limit lies outside the bounds on the failure rate, or the data contradict the bounds.

    Source:
        Berger and Boos, JASA 89 (1994); Harrison, Biometrika 99 (2012). See `_exact` and `_calibrated`;
        effective counts: Rao and Scott, JASA 76 (1981).

    Examples:
        >>> from jaxmle import Bounds, Counts, certify
        >>> counts = Counts(tp=4, fn=0, fp=4, tn=192, unlabeled_pos=380, unlabeled_neg=9620)
        >>> bounds = Bounds(tpr=(0.87, 0.93), fpr=(0.01, 0.04))
        >>> result = certify(counts, bounds, limit=0.05)
        >>> result.certified, result.method
        (True, 'exact')
    """
    check_calibration(calibration)
    options = _Options(
        confidence=confidence,
        method=method,
        calibration=calibration,
        labels=labels,
        adjustment=adjustment,
        looks=looks,
        seed=seed,
        engine=engine,
        progress=progress,
    )
    problem, shape = checked_problem(given_counts("certify", counts, columns), bounds, calibration)
    rate = limits_of(limit, shape)
    reference = given_reference(external, discount, problem, shape, calibration)
    if reference is not None:
        return shaped(_with_reference(problem, options, shape, reference, rate, design_effect, df), shape)
    return shaped(_certificate(problem, shape, rate, options, design_effect, df, None), shape)


def certify_fit(
    fit: Fit,
    *,
    limit: ArrayLike,
    design_effect: ArrayLike | None = None,
    df: ArrayLike | None = None,
    against: Array | None = None,
    among: int | None = None,
    upper_limits: bool = True,
    **options: Unpack[ClaimOptions],
) -> Certificate:
    """`certify` of data sets that are fitted already.

    ``against`` tells which contradict their bounds, ``among`` how many data sets there are where these are a
    part of them, ``upper_limits`` whether those are wanted too.
    """
    chosen = _Options(calibration=fit.calibration, **options)
    problem, shape = checked_problem(fit.counts, fit.bounds, fit.calibration)
    flat = handed_on(fit)
    rate = limits_of(limit, shape)
    if fit.external is not None:
        return shaped(_with_reference(problem, chosen, shape, fit.external, rate, design_effect, df), shape)
    known = None if against is None else np.asarray(against).reshape(-1)
    found = _certificate(problem, shape, rate, chosen, design_effect, df, flat, known, upper_limits, among)
    return shaped(found, shape)


@dataclass(frozen=True)
class _Options:
    """Options of `certify`, checked."""

    calibration: Calibration
    confidence: float = 0.95
    method: CertificateMethod = "exact"
    labels: Labels = "random"
    adjustment: Adjustment = "none"
    looks: Looks | None = None
    seed: int = 0
    engine: Engine | None = None
    progress: bool = False

    @property
    def level(self) -> float:
        """Error that may be spent here."""
        alpha = 1 - self.confidence
        return alpha if self.looks is None else self.looks.level(alpha)

    def __post_init__(self) -> None:
        if self.method not in get_args(CertificateMethod):
            raise ValueError(f'`method` must be "exact" or "profile"; got {self.method!r}.')
        if self.adjustment not in get_args(Adjustment):
            choices = ", ".join(map(repr, get_args(Adjustment)))
            raise ValueError(f"`adjustment` must be one of {choices}; got {self.adjustment!r}.")
        if 1 - check_confidence(self.confidence) > 0.5:
            raise ValueError(f"`confidence` must be at least 0.5; got {self.confidence!r}.")
        if self.looks is not None:
            if not isinstance(self.looks, Looks):
                raise TypeError(f"`looks` must be a Looks; got {type(self.looks).__name__}.")
            if self.adjustment == "benjamini-hochberg":
                raise ValueError(
                    '`adjustment` must be "none" or "holm" with `looks`: over several looks '
                    '"benjamini-hochberg" promises nothing.'
                )
        check_labels(self.labels, self.calibration)
        check_seed(self.seed)
        check_engine(self.engine)


def _with_reference(problem: Problem, options: _Options, *given: Any) -> Certificate:
    """The certificate with labels of a reference too."""
    from jaxmle._inference._mixed_certificate import mixed_certificate

    names = ("method", "adjustment", "labels", "seed", "engine")
    chosen = {name: getattr(options, name) for name in names}
    found = mixed_certificate(problem, *given, confidence=1 - options.level, **chosen)
    return replace(found, confidence=float(options.confidence))


def _certificate(
    problem: Problem,
    shape: tuple[int, ...],
    rate: Array,
    options: _Options,
    design_effect: ArrayLike | None,
    df: ArrayLike | None,
    free: Fit | None,
    against: Array | None = None,
    with_limits: bool = True,
    among: int | None = None,
) -> Certificate:
    """The certificate, of flat arrays."""
    method, calibration, labels = options.method, options.calibration, options.labels
    adjustment, alpha = options.adjustment, options.level
    problem, freedom = effective(problem, shape, design_effect, df)
    if method == "exact" and design_effect is None and not whole_numbers(problem.counts):
        raise ValueError(
            '`counts` must be whole numbers for method "exact": weighted items cannot be drawn anew; '
            "give their `design_effect`."
        )
    is_effective = stretched(design_effect, shape)
    if not is_effective.any() and not whole_numbers(problem.counts):
        is_effective = ~is_effective
    biased = warn_of_design(
        problem.counts, calibration, labels, effective=design_effect is not None, among=among
    )
    size = len(rate)
    n_fits = size * {"exact": _EXACT_FITS, "profile": 10 * _DRAWS}[method]
    engine = chosen_engine(n_fits, options.engine, compile_seconds=COMPILE_SECONDS)
    if free is None:
        free = fit_flat(problem, calibration, engine=engine)
    elif design_effect is not None:
        free = divided(free, problem, design_effect)
    lowest, highest = problem.bounds.failure_rate
    against = contradicted(free, engine) if against is None else against
    by_bounds = (rate > highest) | (rate <= lowest)
    _warn(against, by_bounds, rate, shape)

    p_value = np.where(rate > highest, 0.0, 1.0)
    open_ = np.flatnonzero(~by_bounds)

    def adjusted_of(found: Array) -> Array:
        everywhere = p_value.copy()
        everywhere[open_] = np.where(against[open_] | biased[open_], 1.0, found)
        return adjust_p_values(everywhere, adjustment)[open_]

    steps = {"exact": 4, "profile": 2}[method] * open_.size
    with progress_bar(options.progress, steps, "Certifying") as bar:
        if open_.size:
            share = alpha if adjustment == "none" else alpha / size
            at = np.clip(rate, lowest, highest)[open_]
            test = _rejection(free[open_], at, freedom[open_], options, share, is_effective[open_], engine)
            p_value[open_] = decided_p_values(test, adjusted_of, alpha, open_.size, bar)

        def limits(p_value: Array, level: float) -> Array:
            upper = highest.copy()
            if open_.size and with_limits:
                upper[open_] = test.limits(p_value[open_], level, bar)
            return upper

        return certificate_of(
            p_value,
            limits,
            rate=rate,
            highest=highest,
            by_bounds=by_bounds,
            contradicted=against,
            mismatched=biased,
            confidence=options.confidence,
            method=method,
            adjustment=adjustment,
            level=alpha,
        )


def _rejection(
    free: Fit, rate: Array, df: Array, options: _Options, share: float, is_effective: Array, engine: Engine
) -> Rejection:
    """The tests of ``rate`` by the method asked for; ``share`` of the error may a single one spend."""
    calibration, design = options.calibration, design_of(options.calibration, options.labels)

    def profiled(free: Fit) -> ProfileRejection:
        above = branches(free)[1]
        how = Calibrated(
            calibration=calibration,
            design=design,
            seed=int(options.seed),
            n_draws=_DRAWS,
            is_effective=bool(is_effective.any()),
            engine=engine,
        )
        at = profile(above, rate, calibration, engine)
        return ProfileRejection(
            Sides.of(free, "upper"), rate, np.asarray(free.failure_rate_set[1]), df, at, how
        )

    if options.method == "profile":
        return profiled(free)
    # The least that the error is where Student's t takes the place of the normal distribution.
    spent = REGION_SHARE * float(np.min(normal_of_student(np.full(len(df), share), df)))
    earlier = None
    if options.looks is not None and options.looks.look > 1 and not is_effective.any():
        had, levels = options.looks.shares, options.looks.levels(1 - options.confidence)
        parts = (1 - REGION_SHARE) * share / options.level * levels[:-1]
        earlier = EarlierLooks(
            tuple(map(float, had[:-1] / had[-1])),
            tuple(map(float, parts)),
            calibration,
            design,
            int(options.seed),
        )
    exact = ExactTest(calibration, design, int(options.seed), spent, engine, earlier=earlier)
    whole = free
    if is_effective.any():
        whole = fit_flat(Problem(whole_counts(free.counts), free.bounds), calibration, engine=engine)
    above = branches(whole)[1]
    tests = Hypothesis(above, rate, np.asarray(whole.failure_rate_set[1]), streams(above.problem))
    found = ExactRejection(tests, df, profile(above, rate, calibration, engine), exact)
    return SlowerRejection(found, profiled(free), is_effective) if is_effective.any() else found


def _warn(against: Array, by_bounds: Array, rate: Array, shape: tuple[int, ...]) -> None:
    def where(flags: Array) -> str:
        flags = flags.reshape(shape)
        return f"{slice_label(flags)}, {int(flags.sum())} in all" if shape else ""

    if against.any():
        warn_user(
            f"the data contradict the bounds{where(against)}: nothing is certified there; see bounds_test.",
        )
    if by_bounds.any():
        warn_user(
            f"the bounds on the failure rate decide about the limit {rate[np.argmax(by_bounds)]:g}"
            f"{where(by_bounds)}, not the data: it lies above them, or not above their lower end.",
        )
