from ._compare import compare_table as compare_table
from ._demo import demo_table as demo_table
from ._doctor import doctor_table as doctor_table
from ._drift import drift_table as drift_table
from ._plan import plan_table as plan_table
from ._sensitivity import sensitivity_table as sensitivity_table
from ._tables import certify_table as certify_table
from ._tables import estimate_table as estimate_table
