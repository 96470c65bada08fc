"""The report of a run."""

from evals.report.make import compare, make, summary
from evals.report.page import html, markdown, save
from evals.report.section import Report
from evals.report.worth import ALL

__all__ = ["ALL", "Report", "compare", "html", "make", "markdown", "save", "summary"]
