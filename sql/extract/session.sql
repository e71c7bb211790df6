-- Purpose: makes the text of a row, and so its fingerprint, independent of the server's settings.
-- Parameters: none.
SELECT
    set_config('TimeZone', 'UTC', false) AS time_zone,
    set_config('DateStyle', 'ISO, YMD', false) AS date_style,
    set_config('extra_float_digits', '1', false) AS float_digits
