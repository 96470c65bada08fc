"""The report of a run."""

from hybrid.evals.report.data import Report
from hybrid.evals.report.make import compare, make, summary
from hybrid.evals.report.page import html, markdown, save
from hybrid.evals.report.worth import ALL

__all__ = ["ALL", "Report", "compare", "html", "make", "markdown", "save", "summary"]
