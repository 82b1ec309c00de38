"""The survey and the KPI discovery matrix as forms that people fill in in a browser."""
