"""Results as documents (plain dictionaries) and as tables for a terminal."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxmle._report._bulk import estimate_file as estimate_file
    from jaxmle._report._certify import certify_document as certify_document
    from jaxmle._report._claims import Claims as Claims
    from jaxmle._report._claims import known_bounds as known_bounds
    from jaxmle._report._compare import Arm as Arm
    from jaxmle._report._compare import compare_document as compare_document
    from jaxmle._report._compare import compare_table as compare_table
    from jaxmle._report._demo import demo_document as demo_document
    from jaxmle._report._demo import demo_table as demo_table
    from jaxmle._report._doctor import doctor_document as doctor_document
    from jaxmle._report._doctor_commands import DoctorOptions as DoctorOptions
    from jaxmle._report._doctor_table import doctor_table as doctor_table
    from jaxmle._report._drift import drift_document as drift_document
    from jaxmle._report._drift import drift_table as drift_table
    from jaxmle._report._estimate import estimate_document as estimate_document
    from jaxmle._report._fitted import fit_table as fit_table
    from jaxmle._report._page import report_document as report_document
    from jaxmle._report._page_html import page_html as page_html
    from jaxmle._report._page_markdown import page_markdown as page_markdown
    from jaxmle._report._page_sections import report_page as report_page
    from jaxmle._report._plan import plan_document as plan_document
    from jaxmle._report._plan import plan_table as plan_table
    from jaxmle._report._sensitivity import sensitivity_document as sensitivity_document
    from jaxmle._report._sensitivity import sensitivity_table as sensitivity_table
    from jaxmle._report._table import certify_table as certify_table
    from jaxmle._report._table import estimate_table as estimate_table

# Looked up on first use (PEP 562): a command loads what it says and no more.
_HOME = {
    "estimate_file": "_bulk",
    "certify_document": "_certify",
    "Claims": "_claims",
    "known_bounds": "_claims",
    "Arm": "_compare",
    "compare_document": "_compare",
    "compare_table": "_compare",
    "demo_document": "_demo",
    "demo_table": "_demo",
    "doctor_document": "_doctor",
    "DoctorOptions": "_doctor_commands",
    "doctor_table": "_doctor_table",
    "drift_document": "_drift",
    "drift_table": "_drift",
    "estimate_document": "_estimate",
    "fit_table": "_fitted",
    "report_document": "_page",
    "page_html": "_page_html",
    "page_markdown": "_page_markdown",
    "report_page": "_page_sections",
    "plan_document": "_plan",
    "plan_table": "_plan",
    "sensitivity_document": "_sensitivity",
    "sensitivity_table": "_sensitivity",
    "certify_table": "_table",
    "estimate_table": "_table",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(f"jaxmle._report.{_HOME[name]}"), name)
    raise AttributeError(f"module 'jaxmle._report' has no attribute {name!r}")
