"""Not tests: functions that programs name, at the names that Ray Streaming's programs know."""
