"""Results as documents (plain dictionaries) and as tables for a terminal."""

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
from jaxmle._report._doctor_commands import Wanted as Wanted
from jaxmle._report._doctor_table import doctor_table as doctor_table
from jaxmle._report._drift import drift_document as drift_document
from jaxmle._report._drift import drift_table as drift_table
from jaxmle._report._estimate import estimate_document as estimate_document
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
