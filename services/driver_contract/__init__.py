"""The contract check: asks an app on a driver what LangChain's ``Databricks`` needs of it, rule by rule."""

from services.driver_contract.check import ContractCheck
from services.driver_contract.export import ANY_DRIVER, pytest_file
from services.driver_contract.records import MOST_REQUESTS, Finding, Limits, Rule, Verdict
from services.driver_contract.report import report_text

__all__ = [
    "ANY_DRIVER",
    "MOST_REQUESTS",
    "ContractCheck",
    "Finding",
    "Limits",
    "Rule",
    "Verdict",
    "pytest_file",
    "report_text",
]
