"""From the app's rows to values, and one voice per participant: what counts of whom."""
