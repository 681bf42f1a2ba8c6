"""Logs of evaluation tools as rows of verdicts."""

from jaxmle._tables._logs._log import Log as Log
from jaxmle._tables._logs._read import log_in_memory as log_in_memory
from jaxmle._tables._logs._read import log_in_table as log_in_table
from jaxmle._tables._logs._read import read_logs as read_logs
