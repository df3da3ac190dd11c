"""The one partition there is: a day of ingestion, in UTC."""

import dagster as dg

FIRST_DAY = "2024-01-01"

DAYS = dg.DailyPartitionsDefinition(FIRST_DAY, end_offset=1)  # today is a partition already
