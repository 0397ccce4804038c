"""The report: what the warehouse holds, as one HTML file that needs no network.

It reads a year by a few statements (`contents` and what it gathers), packs the numbers of all coins (`series`), draws
the charts with Bokeh (`charts`) and fills the templates (`page`). It knows no Dagster.
"""


class ReportError(Exception):
    """There is nothing to report, or no place for it; the message says what to do first."""
