"""The workshop: the workbook as an app without code, one link per person, pages for respondents and facilitator."""
