"""True failure rates from LLM-judge verdicts, by constrained maximum likelihood.

Three signals go in: a small human-labelled calibration set, a large set of judge verdicts, and
known bounds on the judge's true and false positive rates. Out comes the failure rate that humans
would have found, with a certificate that the likelihood is at its maximum.

Data
    Counts, Bounds, Clusters, Pairs, Params: what goes in. `tables`: counts from files, frames and databases.
    JudgeCalibration, LabelDesign: what was learnt of a judge and how labels were drawn, kept in files.
Estimate
    fit, profile_interval, bootstrap: the failure rate and its interval. design_effect: what clusters cost.
    agreement: how well judge and human agree. `baselines`: what one would use without the likelihood.
Decide
    certify, confidence_sequence: is it below a limit, at one look, at some (Looks) or at any number of them?
    bounds_test, design_check, identified_set: may it be believed?
    compare, drift, sensitivity: two systems, a judge over time, each bound.
    human_error, rater_error: labels that err.
    plan, plan_further, draw_labels: how many labels to buy, and of which items.
Slices
    fit_slices, borrow, homogeneity_test: slices and references that share a judge.
    adjust_p_values: many verdicts at once. `spark`, `distributed`: many machines.
Plots
    plot_bounds, plot_interval, plot_plan, plot_profile, plot_sensitivity, plot_slices.
Advanced
    maximize, log_likelihood, score, information, closed_form: the likelihood as functions of JAX or NumPy.

Names are loaded on first use, so that ``import jaxmle`` takes no time.
"""

try:
    import lazy_loader

    __getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
except KeyboardInterrupt:
    import os
    import sys

    # Ctrl-C while this process becomes the command line: what `jaxmle.__main__` does a moment later.
    if os.path.basename(sys.argv[0]).removesuffix(".exe") in ("-m", "jaxmle"):
        os._exit(130)
    raise
