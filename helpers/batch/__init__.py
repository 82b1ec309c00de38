"""Running the notebooks for many companies, unattended."""
